package consumer

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"drawdown"
	"drawdown/balance"
	"drawdown/balance/memstore"
	"drawdown/consumer/fetch"
)

// benchLog is a log in memory that ends after so many records, and topics that forget what they are given.
type benchLog struct {
	records []fetch.Record
	count   int64
	end     chan struct{}
}

func (l *benchLog) read(ctx context.Context, _ int32, from drawdown.Offset) (*fetched, error) {
	const answerEvents = 7000
	if int64(from) >= l.count {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	size := min(answerEvents, l.count-int64(from))
	answer := &fetched{records: make([]fetch.Record, size), next: from + drawdown.Offset(size), end: l.count}
	for i := range answer.records {
		offset := int64(from) + int64(i)
		answer.records[i] = l.records[offset%int64(len(l.records))]
		answer.records[i].Offset = offset
	}
	return answer, nil
}

func (l *benchLog) Offsets(_ context.Context, _ string, partitions []int32) (map[int32]fetch.Range, error) {
	return map[int32]fetch.Range{partitions[0]: {}}, nil
}

func (l *benchLog) State(context.Context) (TopicState, error) {
	cfg := Default()
	state := TopicState{Partitions: make(map[string]int)}
	for _, topic := range cfg.topics() {
		state.Partitions[topic] = 1
	}
	return state, nil
}

func (l *benchLog) publish(context.Context, *retrier, int32, []publication, func()) error { return nil }

func (l *benchLog) append(_ context.Context, _ *retrier, _ int32, p []publication, _ func()) ([]int64, error) {
	return make([]int64, len(p)), nil
}

// countingStore says when the last record is committed.
type countingStore struct {
	balance.Store
	log *benchLog
}

func (s *countingStore) Commit(ctx context.Context, c *balance.Commit) (balance.Outcome, error) {
	outcome, err := s.Store.Commit(ctx, c)
	if int64(c.Next) == s.log.count {
		close(s.log.end)
	}
	return outcome, err
}

// setup are the records that open the accounts of a benchmark.
func setup(accounts int) (values []string) {
	add := func(id, kind, subject, data string) {
		values = append(values, fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"bench","type":%q,%s"time":"2026-01-01T00:00:00Z","data":%s}`,
			id, kind, subject, data))
	}
	add("plan", "plan.published", "", `{"id":"p","currency":"USD","purchase":{"unit":1,"min":1,"max":999,"default":200,"unit_price":"2.50","validity":{"months":12}}}`)
	add("rates", "rates.published", "", `{"version":"v1","effective_from":"2025-01-01T00:00:00Z","rates":[{"kind":"api","meter":"records","credits":"6","per":1000000}]}`)
	for _, connector := range []string{"source-faker", "destination-clickhouse"} {
		add(connector, "connector.set", "", fmt.Sprintf(`{"connector":%q,"kind":"api","stage":"ga"}`, connector))
	}
	for i := range accounts {
		subject := fmt.Sprintf(`"subject":"account-%d",`, i)
		add(fmt.Sprint("open", i), "account.opened", subject, `{"plan":"p","email":"a@b.c","email_verified":true}`)
		add(fmt.Sprint("grant", i), "credits.granted", subject, `{"amount":"1000000","category":"purchased"}`)
	}
	return values
}

// BenchmarkWorker is what the worker itself costs for an event of 300 bytes: decode, checks, engine, charge records
// and the making of commits; without Kafka, Redis and what their clients cost. One partition with 1,250 accounts.
func BenchmarkWorker(b *testing.B) {
	const accounts = 1250
	log := &benchLog{end: make(chan struct{})}
	now := time.Date(2026, 1, 1, 0, 0, 1, 0, time.UTC)
	for _, value := range setup(accounts) {
		log.records = append(log.records, fetch.Record{AppendTime: now.UnixMilli(), Value: []byte(value)})
	}
	opening := len(log.records)
	for i := range b.N {
		account := i % accounts
		value := fmt.Sprintf(`{"specversion":"1.0","id":"w-%012d","source":"worker/7","type":"sync.usage","subject":"account-%d",`+
			`"time":"2026-01-01T00:00:00Z","data":{"connection":"connection-%d","source_connector":"source-faker",`+
			`"destination_connector":"destination-clickhouse","job":%d,"attempt":1,"stream":"users","seq":%d,"records":1000,"bytes":250000}}`,
			i, account, account, 1+i/accounts/1000, 1+i/accounts%1000)
		log.records = append(log.records, fetch.Record{AppendTime: now.UnixMilli(), Key: []byte(fmt.Sprint("account-", account)), Value: []byte(value)})
	}
	log.count = int64(opening + b.N)
	cfg := Default()
	cfg.Partitions = []int32{0}
	w := &Worker{
		cfg: cfg,
		deps: parts{
			Source: log, Topics: log, Store: &countingStore{memstore.New(), log}, Keys: anyKey{},
			NewMachine: func(partition int32) machine { return balance.NewPartition(partition) },
			Now:        func() time.Time { return now },
		},
		producer: log, metrics: NewMetrics(prometheus.NewRegistry()), log: slog.New(slog.DiscardHandler), joined: errNotJoined,
	}
	b.SetBytes(int64(len(log.records[len(log.records)-1].Value)))
	b.ReportAllocs()
	b.ResetTimer()
	stop := run(b, w)
	<-log.end
	b.StopTimer()
	stop()
	if strings.Contains(fmt.Sprint(w.Ready()), "stopped") {
		b.Fatal(w.Ready())
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
