//go:build integration

package report

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"drawdown"
	"drawdown/balance/chargebatch"
	"drawdown/balance/ledgerevent"
	"drawdown/internal/servers/clickhouse"
	"drawdown/internal/servers/clickhouse/engine"
	"drawdown/internal/servers/serverstest"
	sink "drawdown/sinks/clickhouse"
)

func TestMain(m *testing.M) {
	engine.MaybeRunChild()
	m.Run()
}

// world is the real engine with the project's tables, which the real sink fills from topics that the test writes.
type world struct {
	t       testing.TB
	db      *sink.Database
	reports *Reports
	topics  *topics
	next    [partitions]drawdown.Offset // end of the input that batches of charges cover
	charges [partitions][]*drawdown.Charge
	entries int
}

const partitions = 2

func newWorld(t testing.TB) *world {
	t.Helper()
	dsn := "http://" + serverstest.ClickHouse(t, clickhouse.Options{}).Addr() + "/drawdown"
	if _, err := sink.Migrate(t.Context(), dsn); err != nil {
		t.Fatal(err)
	}
	db, err := sink.OpenDatabase(dsn, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return &world{t: t, db: db, reports: New(db.Conn(), time.Minute), topics: newTopics()}
}

// run starts the sink, which ends with the test.
func (w *world) run() *world {
	w.t.Helper()
	config := sink.Default()
	config.DSN, config.BlockAgeMax, config.FetchWaitMax, config.NoteAfter = "http://127.0.0.1:8123", 2*time.Millisecond, 10*time.Millisecond, time.Second
	s, err := sink.New(config, sink.Deps{Store: w.db, Source: w.topics, Registerer: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(w.t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := s.Run(ctx); err != nil {
			w.t.Error(err)
		}
	})
	w.t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	return w
}

// charge publishes a batch that covers the input up to the last charge, twice: workers may repeat themselves.
func (w *world) charge(partition int32, charges ...*drawdown.Charge) {
	last := charges[len(charges)-1]
	w.batch(partition, last.Offset+1, last.At, charges...)
}

// batch publishes a batch that covers the input up to next, at which the clock stands at clock.
func (w *world) batch(partition int32, next drawdown.Offset, clock drawdown.Time, charges ...*drawdown.Charge) {
	var b chargebatch.Builder
	b.Reset(partition, w.next[partition])
	for _, c := range charges {
		b.Charge(c)
	}
	b.Clock(clock)
	value := b.Append(nil, next)
	w.topics.publish("drawdown.charges", partition, value)
	w.topics.publish("drawdown.charges", partition, value)
	w.next[partition] = next
	w.charges[partition] = append(w.charges[partition], charges...)
}

// enter publishes ledger entries, each twice.
func (w *world) enter(partition int32, entries ...drawdown.Entry) {
	for _, e := range entries {
		value := ledgerevent.Append(nil, partition, e)
		w.topics.publish("drawdown.ledger", partition, value)
		w.topics.publish("drawdown.ledger", partition, value)
	}
	w.entries += len(entries)
}

// arrive waits until everything that was published is in ClickHouse.
func (w *world) arrive() {
	w.t.Helper()
	w.await("everything published", `SELECT (SELECT count() FROM charges) = {charges} AND (SELECT count() FROM ledger) = {ledger}
		AND (SELECT sum(events) FROM usage_by_day) = {charges}`)
}

// await polls a condition, in which {charges} and {ledger} stand for how many were published.
func (w *world) await(what, query string) {
	w.t.Helper()
	count := 0
	for p := range w.charges {
		count += len(w.charges[p])
	}
	counted := strings.NewReplacer("{charges}", strconv.Itoa(count), "{ledger}", strconv.Itoa(w.entries))
	deadline := time.Now().Add(time.Minute)
	for {
		var ok uint8
		if err := w.db.Conn().QueryRow(w.t.Context(), counted.Replace(query)).Scan(&ok); err != nil {
			w.t.Fatal(err)
		}
		if ok == 1 {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("waited a minute for: %s", what)
		}
	}
}

// exec runs a statement.
func (w *world) exec(statement string) {
	w.t.Helper()
	if err := w.db.Conn().Exec(w.t.Context(), statement); err != nil {
		w.t.Fatalf("%s: %v", statement, err)
	}
}

// topics are Kafka for the sink: topics that grow.
type topics struct {
	mu     sync.Mutex
	values map[string]*[partitions][][]byte
	grown  chan struct{} // closed and renewed when a topic grows
}

func newTopics() *topics {
	return &topics{values: map[string]*[partitions][][]byte{"drawdown.charges": {}, "drawdown.ledger": {}}, grown: make(chan struct{})}
}

func (k *topics) publish(topic string, partition int32, value []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.values[topic][partition] = append(k.values[topic][partition], value)
	close(k.grown)
	k.grown = make(chan struct{})
}

func (k *topics) PartitionCount(context.Context, string) (int, error) { return partitions, nil }

func (k *topics) Range(_ context.Context, topic string, partition int32) (earliest, latest int64, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return 0, int64(len(k.values[topic][partition])), nil
}

func (k *topics) Fetch(ctx context.Context, topic string, partition int32, offset int64, wait time.Duration) (sink.Fetched, error) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		k.mu.Lock()
		values, grown := k.values[topic][partition], k.grown
		k.mu.Unlock()
		if new := values[offset:]; len(new) > 0 {
			return &fetched{next: offset, latest: int64(len(values)), values: new[:min(len(new), 100)]}, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-timer.C:
			return &fetched{next: offset, latest: int64(len(values))}, nil
		case <-grown:
		}
	}
}

type fetched struct {
	next, latest int64
	values       [][]byte
}

func (f *fetched) Next() (sink.SourceRecord, bool, error) {
	if len(f.values) == 0 {
		return sink.SourceRecord{}, false, nil
	}
	record := sink.SourceRecord{Offset: f.next, AppendTime: time.Now(), Value: slices.Clone(f.values[0])}
	f.next, f.values = f.next+1, f.values[1:]
	return record, true, nil
}

func (f *fetched) NextOffset() int64 { return f.next }
func (f *fetched) Latest() int64     { return f.latest }
func (f *fetched) Release()          {}
