//go:build integration

package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	kafka "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"drawdown"
	"drawdown/consumer"
	"drawdown/consumer/signature"
)

// bad is a record that must be rejected.
type bad struct {
	name    string
	reason  drawdown.Reason
	value   []byte
	headers []protocol.Header
	moved   int32 // partitions away from home
}

const hugeBytes = 10 << 20

// TestBadInputIsKeptWholeWithItsReason: each bad record is rejected for its own reason and kept to the byte, and the
// good ones around it are charged.
func TestBadInputIsKeptWholeWithItsReason(t *testing.T) {
	in := install(t, needs{Partitions: 2, Settings: settings{"worker.message_bytes_max": 12 << 20}})
	in.publishExamples()
	in.openAccount("acme", "airbyte-cloud", 100)
	cases := in.badRecords()
	home := in.home("acme")
	for _, c := range cases {
		in.report(usage{account: "acme", records: 1000})
		r := record("acme", c.value)
		r.Headers = append(slices.Clone(c.headers), protocol.Header{Key: "case", Value: []byte(c.name)})
		in.must(in.produceBatch((home+c.moved)%2, []protocol.Record{r}))
	}
	m := in.settle()
	in.check(m)
	if m.charged != len(cases) {
		t.Errorf("%d charges, want %d: those around the bad records", m.charged, len(cases))
	}
	kept := map[string]*consumer.RejectedRecord{}
	for _, r := range in.rejects() {
		for _, header := range r.Headers {
			if header.Name == "case" {
				kept[string(header.Value)] = r
			}
		}
	}
	for _, c := range cases {
		switch r := kept[c.name]; {
		case r == nil:
			t.Errorf("%s: not rejected", c.name)
		case r.Reason != c.reason:
			t.Errorf("%s: rejected as %s, want %s", c.name, r.Reason, c.reason)
		case !bytes.Equal(r.Value, c.value) || string(r.Key) != "acme" || len(r.Headers) != len(c.headers)+1:
			t.Errorf("%s: kept with %d bytes of %d, key %q and %d headers", c.name, len(r.Value), len(c.value), r.Key, len(r.Headers))
		}
	}
	if len(kept) != len(cases) {
		t.Errorf("%d records are rejected, want %d: %v", len(kept), len(cases), slices.Sorted(maps.Keys(kept)))
	}
}

func (in *installation) badRecords() []bad {
	good := string(in.encode(usage{account: "acme", records: 777}))
	with := func(old, new string) []byte {
		if !strings.Contains(good, old) {
			in.t.Fatalf("%s is not in %s", old, good)
		}
		return []byte(strings.Replace(good, old, new, 1))
	}
	grant := fmt.Appendf(nil, `{"specversion":"1.0","id":"forged","source":"e2e","type":"credits.granted","subject":"acme","time":%q,`+
		`"data":{"amount":"1000","category":"promotional"}}`, time.Now().UTC().Format(time.RFC3339))
	foreign, err := signature.Parse([]byte("test:" + strings.Repeat("QUJD", 11) + "\n"))
	in.must(err)
	forged, err := foreign.Sign(grant)
	in.must(err)
	other, err := in.keys.Sign([]byte(good))
	in.must(err)
	signed := func(header []byte) []protocol.Header {
		return []protocol.Header{{Key: signature.Header, Value: header}}
	}
	noise := make([]byte, hugeBytes)
	_, _ = rand.Read(noise) // never fails
	at := func(by time.Duration) []byte {
		return in.encode(usage{account: "acme", records: 777, time: time.Now().Add(by)})
	}
	return []bad{
		{"not JSON", drawdown.Malformed, []byte(`{"specversion":"1.0",`), nil, 0},
		{"no object", drawdown.Malformed, []byte(`["usage"]`), nil, 0},
		{"empty", drawdown.Malformed, nil, nil, 0},
		{"no UTF-8", drawdown.Malformed, with(`"e2e"`, "\"\xff\""), nil, 0},
		{"noise of 10 MB", drawdown.Malformed, noise, nil, 0},
		{"text of 10 MB", drawdown.Malformed, bytes.Repeat([]byte("drawdown "), hugeBytes/9), nil, 0},
		{"event of 10 MB", drawdown.Malformed, with(`"subject":"acme"`, `"subject":"`+strings.Repeat("a", hugeBytes)+`"`), nil, 0},
		{"negative", drawdown.Malformed, with(`:777`, `:-777`), nil, 0},
		{"fraction", drawdown.Malformed, with(`:777`, `:7.5`), nil, 0},
		{"exponent", drawdown.Malformed, with(`:777`, `:7e2`), nil, 0},
		{"text for a number", drawdown.Malformed, with(`:777`, `:"777"`), nil, 0},
		{"over 2^53", drawdown.Malformed, with(`:777`, `:9007199254740992`), nil, 0},
		{"more than can be owed", drawdown.OutOfRange, with(`:777`, `:9007199254740991`), nil, 0},
		{"unknown type", drawdown.UnknownType, with(`"sync.usage"`, `"sync.abuse"`), nil, 0},
		{"unknown account", drawdown.UnknownAccount, in.nobody(), nil, 0},
		{"unknown connector", drawdown.UnknownConnector, with(`"source-faker"`, `"source-nowhere"`), nil, 0},
		{"unsigned", drawdown.UnsignedOperation, grant, nil, 0},
		{"signed by a stranger", drawdown.UnsignedOperation, grant, signed(forged), 0},
		{"signed for another record", drawdown.UnsignedOperation, grant, signed(other), 0},
		{"signed with rubbish", drawdown.UnsignedOperation, grant, signed([]byte("test:zz")), 0},
		{"wrong partition", drawdown.WrongPartition, []byte(good), nil, 1},
		{"future", drawdown.Future, at(2 * time.Hour), nil, 0},
		{"late", drawdown.Late, at(-73 * time.Hour), nil, 0},
	}
}

// nobody is usage of an account that was never opened, and would live in acme's partition.
func (in *installation) nobody() []byte {
	for i := 0; ; i++ {
		if name := "nobody-" + number(i); in.home(name) == in.home("acme") {
			return in.encode(usage{account: name, records: 777})
		}
	}
}

// TestARejectedRecordThatFitsNowhere: where the topic of rejected records takes less than the log does, the partition
// waits for somebody to raise the limit, and says so. The others go on, and nothing is lost.
func TestARejectedRecordThatFitsNowhere(t *testing.T) {
	in := install(t, needs{Partitions: 2, Topics: map[string]int{"metering": 12 << 20, "rejected": 1 << 20}})
	in.publishExamples()
	in.openAccount("acme", "airbyte-cloud", 100)
	home := in.home("acme")
	noise := make([]byte, hugeBytes)
	_, _ = rand.Read(noise) // never fails
	in.report(usage{account: "acme", records: 1_000_000})
	in.must(in.produceBatch(home, []protocol.Record{record("acme", noise)}))
	in.report(usage{account: "acme", records: 1_000_000})

	worker := in.start("worker")
	worker.awaitUnready("partition "+number(int(home)), in.config.Worker.RejectedTopic, "Message Size Too Large")
	in.await("the other partition is worked off", func(context.Context) (bool, any) {
		positions, err := in.positions()
		in.must(err)
		other := 1 - home
		return positions[other].Next == in.ends(in.config.Worker.MeteringTopic)[other], positions
	})
	in.must(worker.stop())
	in.setTopic(in.config.Worker.RejectedTopic, "max.message.bytes", number(12<<20))
	m := in.settle()
	in.check(m)
	if want := (100 - 12) * drawdown.Credit; in.available("acme") != want || len(in.rejects()) != 1 {
		t.Errorf("acme has %s, want %s; %d rejected", in.available("acme"), want, len(in.rejects()))
	}
}

// setTopic changes a setting of a topic.
func (in *installation) setTopic(topic, name, value string) {
	in.t.Helper()
	client := kafka.Client{Addr: in.cluster.Addr, Transport: in.cluster.Transport}
	answer, err := client.IncrementalAlterConfigs(in.t.Context(), &kafka.IncrementalAlterConfigsRequest{
		Resources: []kafka.IncrementalAlterConfigsRequestResource{{
			ResourceType: kafka.ResourceTypeTopic, ResourceName: topic,
			Configs: []kafka.IncrementalAlterConfigsRequestConfig{{Name: name, Value: value, ConfigOperation: kafka.ConfigOperationSet}},
		}},
	})
	in.must(err)
	for _, resource := range answer.Resources {
		in.must(resource.Error)
	}
}
