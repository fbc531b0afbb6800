//go:build integration

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"time"

	kafka "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"drawdown"
	"drawdown/balance"
	"drawdown/consumer/fetch"
	"drawdown/consumer/murmur"
	"drawdown/internal/app"
)

func number(n int) string { return strconv.Itoa(n) }

// home is the partition that an account belongs to.
func (in *installation) home(account string) int32 {
	return murmur.Partition([]byte(account), in.partitions)
}

// append appends an operation, signed.
func (in *installation) append(op app.Operation) {
	in.t.Helper()
	_, err := in.operations.Append(in.t.Context(), op)
	in.must(err)
}

// example reads one of the examples that are shipped.
func (in *installation) example(name string, into any) {
	in.t.Helper()
	text, err := os.ReadFile("../../deploy/examples/" + name + ".json")
	in.must(err)
	in.must(json.Unmarshal(text, into))
}

// publishExamples publishes the plans, rates and connectors that are shipped.
func (in *installation) publishExamples() {
	in.t.Helper()
	for _, name := range []string{"airbyte-cloud", "make-10k"} {
		var plan map[string]any
		in.example(name, &plan)
		in.append(app.Operation{Type: drawdown.PlanPublished, Data: plan})
	}
	var rates map[string]any
	in.example("rates", &rates)
	in.append(app.Operation{Type: drawdown.RatesPublished, Data: rates})
	var connectors []map[string]any
	in.example("connectors", &connectors)
	for _, connector := range connectors {
		in.append(app.Operation{Type: drawdown.ConnectorSet, Data: connector})
	}
}

// openAccount opens an account on a plan and gives it credits.
func (in *installation) openAccount(account, plan string, credits int) {
	in.t.Helper()
	in.append(app.Operation{Type: drawdown.AccountOpened, Account: account, Data: map[string]any{
		"plan": plan, "email": account + "@example.com", "email_verified": true,
	}})
	in.append(app.Operation{Type: drawdown.CreditsGranted, Account: account, Data: map[string]any{
		"amount": number(credits), "category": "promotional",
	}})
}

// usage is a usage event of an account: some records of the connector source-faker.
type usage struct {
	account, connection     string
	job, attempt            int
	seq                     int // 0: none
	records                 int
	operations              int       // of scenario-module, whose records are none
	time                    time.Time // zero: now
	id, source, destination string    // "": a new id, source-faker, destination-postgres
}

// encode writes the event as its producers do.
func (in *installation) encode(u usage) []byte {
	in.records++
	if u.id == "" {
		u.id = "event-" + number(in.records)
	}
	if u.time.IsZero() {
		u.time = time.Now()
	}
	data := map[string]any{
		"connection": orElse(u.connection, "c"), "job": u.job, "attempt": u.attempt, "records": u.records,
		"source_connector":      orElse(u.source, "source-faker"),
		"destination_connector": orElse(u.destination, "destination-postgres"),
	}
	if u.operations > 0 {
		data["operations"], data["source_connector"] = u.operations, orElse(u.source, "scenario-module")
	}
	if u.seq > 0 {
		data["seq"] = u.seq
	}
	value, err := json.Marshal(map[string]any{
		"specversion": "1.0", "id": u.id, "source": "e2e", "type": "sync.usage", "subject": u.account,
		"time": u.time.UTC().Format(time.RFC3339Nano), "data": data,
	})
	in.must(err)
	return value
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

// produce appends records to partitions of the log, in order within each, in batches that the topic takes.
func (in *installation) produce(records map[int32][]protocol.Record) {
	in.t.Helper()
	batchBytes := min(in.config.Worker.MessageBytesMax*2/3, 200<<10)
	for _, partition := range slices.Sorted(maps.Keys(records)) {
		for rest := records[partition]; len(rest) > 0; {
			size, count := 0, 0
			for count == 0 || (count < len(rest) && size < batchBytes) {
				if value := rest[count].Value; value != nil {
					size += value.Len()
				}
				count++
			}
			in.must(in.produceBatch(partition, rest[:count]))
			rest = rest[count:]
		}
	}
}

// produceBatch appends one batch. While the broker is away or restarts it tries again, so that records may be repeated.
func (in *installation) produceBatch(partition int32, records []protocol.Record) error {
	client := kafka.Client{Addr: in.cluster.Addr, Transport: in.cluster.Transport}
	for tries := 0; ; tries++ {
		answer, err := client.Produce(in.t.Context(), &kafka.ProduceRequest{
			Topic: in.config.Worker.MeteringTopic, Partition: int(partition), RequiredAcks: kafka.RequireAll,
			Records: protocol.NewRecordReader(records...),
		})
		if err == nil {
			err = answer.Error
		}
		if err == nil {
			return nil
		}
		if tries == produceTries || errors.Is(err, kafka.MessageSizeTooLarge) {
			return fmt.Errorf("append %d records to partition %d: %w", len(records), partition, err)
		}
		for _, r := range records { // what was read of them is read again
			for _, part := range []protocol.Bytes{r.Key, r.Value} {
				if again, ok := part.(io.Seeker); ok {
					_, err := again.Seek(0, io.SeekStart)
					in.must(err)
				}
			}
		}
	}
}

// produceTries outlasts the connections to a broker that has died.
const produceTries = 10

// report appends usage events, each to its account's partition.
func (in *installation) report(events ...usage) {
	in.t.Helper()
	records := map[int32][]protocol.Record{}
	for _, u := range events {
		home := in.home(u.account)
		records[home] = append(records[home], record(u.account, in.encode(u)))
	}
	in.produce(records)
}

func record(key string, value []byte) protocol.Record {
	return protocol.Record{Time: time.Now(), Key: protocol.NewBytes([]byte(key)), Value: protocol.NewBytes(value)}
}

// ends returns the offset that the next record gets, for each partition of a topic.
func (in *installation) ends(topic string) []drawdown.Offset {
	in.t.Helper()
	all := make([]int32, in.partitions)
	for i := range all {
		all[i] = int32(i)
	}
	var ranges map[int32]fetch.Range
	in.await("the ends of "+topic, func(ctx context.Context) (bool, any) { // a broker that has just come back knows little
		var err error
		ranges, err = in.reader.Offsets(ctx, topic, all)
		return err == nil, err
	})
	ends := make([]drawdown.Offset, in.partitions)
	for partition, r := range ranges {
		ends[partition] = drawdown.Offset(r.Latest)
	}
	return ends
}

// read hands all records of a topic's partition to use, whose memory is lent.
func (in *installation) read(topic string, partition int32, until drawdown.Offset, use func(*fetch.Record)) {
	in.t.Helper()
	in.readFrom(topic, partition, 0, until, use)
}

// readFrom is read, from an offset on.
func (in *installation) readFrom(topic string, partition int32, from, until drawdown.Offset, use func(*fetch.Record)) {
	in.t.Helper()
	for next := int64(from); next < int64(until); {
		var response *fetch.Response
		in.await("records of "+topic, func(ctx context.Context) (bool, any) {
			var err error
			response, err = in.reader.Fetch(ctx, fetch.Request{
				Topic: topic, Partitions: []fetch.Partition{{ID: partition, Offset: next, BytesMax: brokerBytesMax}},
				BytesMin: 1, BytesMax: brokerBytesMax, WaitMax: time.Second,
			})
			return err == nil, err
		})
		set := response.Sets[0]
		for raw := (fetch.Record{}); ; {
			more, err := set.Next(&raw)
			in.must(err)
			if !more || raw.Offset >= int64(until) {
				break
			}
			use(&raw)
		}
		next = set.NextOffset()
		response.Release()
	}
}

// positions returns where Redis stands, for each partition.
func (in *installation) positions() ([]balance.Position, error) {
	positions := make([]balance.Position, in.partitions)
	var faults []error
	for partition := range positions {
		position, err := in.store.Position(in.t.Context(), int32(partition))
		faults = append(faults, err)
		positions[partition] = position
	}
	return positions, errors.Join(faults...)
}

// committed is how many records are committed, over all partitions; 0 while Redis does not answer.
func (in *installation) committed() (sum drawdown.Offset) {
	positions, err := in.positions()
	if err != nil {
		return 0
	}
	for _, position := range positions {
		sum += position.Next
	}
	return sum
}

// caughtUp tells whether Redis stands at the end of the log.
func (in *installation) caughtUp() (bool, string) {
	in.t.Helper()
	ends := in.ends(in.config.Worker.MeteringTopic)
	positions, err := in.positions()
	if err != nil {
		return false, err.Error()
	}
	stand := make([]drawdown.Offset, len(positions))
	for i, position := range positions {
		stand[i] = position.Next
	}
	return slices.Equal(stand, ends), fmt.Sprintf("the log ends at %v, Redis stands at %v", ends, stand)
}

// splitLines cuts a text into its lines, as replay does: a last newline makes no line.
func splitLines(text []byte) (lines [][]byte) {
	for line := range bytes.Lines(text) {
		lines = append(lines, bytes.TrimSuffix(line, []byte("\n")))
	}
	return lines
}
