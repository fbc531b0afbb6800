//go:build integration

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go/protocol"

	"drawdown"
	"drawdown/consumer/decode"
	"drawdown/consumer/signature"
	"drawdown/internal/servers/embedded"
)

// TestRandomLogs runs random logs, 100,000 records together as they stand in Kafka, through workers that are killed at random, and compares
// every line and every balance with what the log means.
func TestRandomLogs(t *testing.T) {
	records, seeds := 0, 0
	for seed := range uint64(randomLogs) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 11))
			in := install(t, needs{Settings: restless(random)})
			in.spread(random, in.generate(seed, 12_500, 40), func(line []byte, logTime drawdown.Time) ([]byte, time.Time) {
				return shifted(line, drawdown.TimeOf(time.Now())-logTime), time.Time{}
			})
			m := in.survive(random, 4)
			records, seeds = records+m.records, seeds+1
			if share := m.charged + m.entries; share < 2500 {
				t.Errorf("the log means %d charges and %d entries only", m.charged, m.entries)
			}
		})
	}
	if seeds == randomLogs && records < randomRecords {
		t.Errorf("%d records, want %d", records, randomRecords)
	}
}

// Together the random logs have at least so many records; broadcasts stand in every partition.
const (
	randomLogs    = 8
	randomRecords = 100_000
)

// TestRandomYears does the same over years of log time, which a real broker does not offer: the embedded one keeps the
// time that producers give.
func TestRandomYears(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 12))
			broker, err := embedded.StartKafka(embedded.KafkaOptions{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(broker.Close)
			all := restless(random)
			all["worker.allow_create_time"] = true
			in := install(t, needs{Kafka: broker.Addr(), Settings: all})
			lines := in.generate(100+seed, 2500, 20)
			ago := drawdown.TimeOf(time.Now()) - drawdown.Day - lastTime(lines) // so that the log ended yesterday
			in.spread(random, lines, func(line []byte, logTime drawdown.Time) ([]byte, time.Time) {
				return shifted(line, ago), time.UnixMilli(int64(max(0, logTime+ago)))
			})
			m := in.survive(random, 4)
			if !strings.Contains(fmt.Sprint(m.lines), `"type":"grant.expired"`) {
				t.Error("nothing expires in the log")
			}
		})
	}
}

// generate returns the lines of a random log.
func (in *installation) generate(seed uint64, records, accounts int) [][]byte {
	in.t.Helper()
	command := exec.CommandContext(in.t.Context(), generator,
		"-seed", fmt.Sprint(seed), "-records", fmt.Sprint(records), "-accounts", fmt.Sprint(accounts))
	log, err := command.Output()
	in.must(err)
	return splitLines(log)
}

// restless are settings under which batches, caches and messages are of any size.
func restless(random *rand.Rand) settings {
	return settings{
		"worker.partitions": []int{0, 1, 2, 3, 4, 5, 6, 7}, "worker.tick_interval": "1h",
		"worker.batch_events_max": 1 + random.IntN(1000), "worker.fetch_bytes_max": 4 << 10 << random.IntN(7),
		"worker.batches_in_flight": 1 + random.IntN(4), "worker.cache_accounts_max": 1 + random.IntN(60),
		"worker.message_bytes_max": 20<<10 + random.IntN(200<<10),
	}
}

// survive kills workers at random until the log is worked off, and checks what they leave.
func (in *installation) survive(random *rand.Rand, kills int) *meaning {
	in.t.Helper()
	end := drawdown.Offset(0)
	for _, e := range in.ends(in.config.Worker.MeteringTopic) {
		end += e
	}
	struck := 0
	for range kills {
		worker := in.start("worker")
		// At most so far that the next kill still strikes.
		left := int(end-in.committed()) / (kills + 1)
		progress := in.committed() + drawdown.Offset(random.IntN(max(1, left)))
		in.await("the worker makes progress", func(context.Context) (bool, any) {
			worker.running()
			return in.committed() >= progress, worker.ready(in.t.Context())
		})
		worker.kill()
		if in.committed() < end {
			struck++
		}
	}
	if struck == 0 {
		in.t.Error("no worker was killed before the end of the log")
	}
	m := in.settle()
	in.check(m)
	in.t.Logf("%d records mean %d charges, %d entries, %d duplicates and %d rejections; %d kills struck in the middle",
		end, m.charged, m.entries, m.repeated, len(m.only(rejection)), struck)
	return m
}

// spread writes a log as its producers would: an account's records to its partition (a few elsewhere), broadcasts to
// every one, operations signed (but for a few). place tells each record's text and time, from its text and log time in the
// generated log.
func (in *installation) spread(random *rand.Rand, lines [][]byte, place func([]byte, drawdown.Time) ([]byte, time.Time)) {
	in.t.Helper()
	records := map[int32][]protocol.Record{}
	last := drawdown.Time(0)
	for _, line := range lines {
		rec := decoded(line)
		if rec.LogTime != drawdown.NoTime {
			last = max(last, rec.LogTime)
		}
		value, at := place(line, last)
		r := protocol.Record{Key: protocol.NewBytes(bytes.Clone(rec.Account)), Value: protocol.NewBytes(value), Time: at}
		if rec.Type.IsOperation() && random.IntN(60) > 0 {
			header, err := in.keys.Sign(value)
			in.must(err)
			r.Headers = []protocol.Header{{Key: signature.Header, Value: header}}
		}
		first, count := int32(random.IntN(in.partitions)), int32(1)
		switch {
		case rec.Type.IsBroadcast():
			first, count = 0, int32(in.partitions)
		case rec.Account != nil && random.IntN(50) > 0:
			first = in.home(string(rec.Account))
		}
		for partition := first; partition < first+count; partition++ {
			copied := r
			copied.Key, copied.Value = protocol.NewBytes(bytes.Clone(rec.Account)), protocol.NewBytes(bytes.Clone(value))
			records[partition] = append(records[partition], copied)
		}
	}
	in.produce(records)
}

// decoded reads a line as replay does.
func decoded(line []byte) drawdown.Record {
	var decoder decode.Decoder
	var rec drawdown.Record
	decoder.Decode(line, drawdown.NoTime, &rec)
	return rec
}

// lastTime is the latest log time of a log.
func lastTime(lines [][]byte) drawdown.Time {
	last := drawdown.Time(0)
	for _, line := range lines {
		if rec := decoded(line); rec.LogTime != drawdown.NoTime {
			last = max(last, rec.LogTime)
		}
	}
	return last
}

// instants finds times in the text of a record, also where the first digit is an escape.
var instants = regexp.MustCompile(`\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})`)

// shifted moves every time in a record by the same span. What is no time any more stays as it is.
func shifted(line []byte, by drawdown.Time) []byte {
	return instants.ReplaceAllFunc(line, func(text []byte) []byte {
		at, ok := drawdown.ParseTime(text)
		if !ok {
			return text
		}
		moved := (at + by).Append(nil)
		if _, ok := drawdown.ParseTime(moved); !ok {
			return text
		}
		return moved
	})
}
