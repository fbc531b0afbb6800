package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/redis/go-redis/v9"
	kafkago "github.com/segmentio/kafka-go"
	"golang.org/x/sync/errgroup"
)

// The naive way: the library's reader, the standard JSON package, one script call for each event, rows in batches.
// It checks no duplicates, keeps no position, rounds each event by itself and loses or doubles events in a crash.
// A consumer handles one event after the other. One is how such a program begins; several, each with its share of the
// partitions, are how it is scaled.
const (
	baselineRows   = 10_000
	baselinePrefix = "baseline:"
	// baselineScript takes credits from a balance.
	baselineScript = `return redis.call('DECRBY', KEYS[1], ARGV[1])`
	baselineTable  = `CREATE TABLE baseline (time DateTime64(3, 'UTC'), account String, connection String, stream String,
		event String, quantity Int64, credits_nano Int64) ENGINE = MergeTree ORDER BY (account, connection, time)`
)

// span is a part of a partition: so many records from an offset on.
type span struct {
	Partition    int
	From, Events int64
}

// naive is the naive way, ready to begin.
type naive struct {
	job      *job
	client   redis.UniversalClient
	script   *redis.Script
	database driver.Conn
	nano     atomic.Int64
}

func newBaseline(j *job) (*naive, error) {
	client, _, err := j.Config.OpenRedis()
	if err != nil {
		return nil, err
	}
	database, err := openClickHouse(j.Config.ClickHouse.DSN)
	if err != nil {
		return nil, err
	}
	return &naive{job: j, client: client, script: redis.NewScript(baselineScript), database: database}, nil
}

// openClickHouse opens the database as the sink does.
func openClickHouse(dsn string) (driver.Conn, error) {
	options, err := ch.ParseDSN(dsn)
	if err != nil {
		return nil, fmt.Errorf("open ClickHouse: %w", err)
	}
	options.Compression = &ch.Compression{Method: ch.CompressionLZ4}
	return ch.Open(options)
}

func (n *naive) close() { _ = n.client.Close(); _ = n.database.Close() }

// run charges the events and returns what they came to.
func (n *naive) run(ctx context.Context) (nano int64, err error) {
	consumers, ctx := errgroup.WithContext(ctx)
	for _, share := range n.job.Shares {
		consumers.Go(func() error { return n.consume(ctx, share) })
	}
	err = consumers.Wait()
	return n.nano.Load(), err
}

// consume is one consumer: partition after partition, since all of them have a backlog.
func (n *naive) consume(ctx context.Context, share []span) error {
	into := rows{database: n.database}
	for _, s := range share {
		if err := n.partition(ctx, s, &into); err != nil {
			return fmt.Errorf("baseline: partition %d: %w", s.Partition, err)
		}
	}
	return into.send()
}

// event is a usage event as the naive way reads it.
type event struct {
	ID      string    `json:"id"`
	Subject string    `json:"subject"`
	Time    time.Time `json:"time"`
	Data    struct {
		Connection string `json:"connection"`
		Source     string `json:"source_connector"`
		Stream     string `json:"stream"`
		Records    int64  `json:"records"`
		Bytes      int64  `json:"bytes"`
	} `json:"data"`
}

// price is what an event is charged, by itself.
func (e *event) price() (quantity, nano int64) {
	for _, source := range sources {
		if source.name != e.Data.Source {
			continue
		}
		quantity = e.Data.Bytes
		if source.rate == api {
			quantity = e.Data.Records
		}
		return quantity, quantity * source.rate.nano / source.rate.per
	}
	return 0, 0
}

// partition charges the events of a partition, one after the other.
func (n *naive) partition(ctx context.Context, s span, into *rows) error {
	reader := kafkago.NewReader(kafkago.ReaderConfig{
		Brokers: n.job.Config.Kafka.Brokers, Topic: n.job.Config.Worker.MeteringTopic, Partition: s.Partition,
		// Large answers and a long queue, so that it never waits for the broker; the wait is what closing it may take.
		MinBytes: 1, MaxBytes: 10 << 20, MaxWait: 100 * time.Millisecond, QueueCapacity: 10_000,
	})
	defer reader.Close()
	if err := reader.SetOffset(s.From); err != nil {
		return err
	}
	for range s.Events {
		message, err := reader.ReadMessage(ctx)
		if err != nil {
			return fmt.Errorf("read: %w", err)
		}
		if err := n.charge(ctx, message.Value, into); err != nil {
			return err
		}
	}
	return nil
}

// charge handles one event.
func (n *naive) charge(ctx context.Context, value []byte, into *rows) error {
	var e event
	if err := json.Unmarshal(value, &e); err != nil {
		return err
	}
	quantity, nano := e.price()
	if err := n.script.Run(ctx, n.client, []string{baselinePrefix + e.Subject}, nano).Err(); err != nil {
		return err
	}
	n.nano.Add(nano)
	return into.add(ctx, &e, quantity, nano)
}

// rows collects rows into batches.
type rows struct {
	database driver.Conn
	batch    driver.Batch // nil before the first row of a batch
}

func (r *rows) add(ctx context.Context, e *event, quantity, nano int64) (err error) {
	if r.batch == nil {
		if r.batch, err = r.database.PrepareBatch(ctx, "INSERT INTO baseline"); err != nil {
			return err
		}
	}
	if err := r.batch.Append(e.Time, e.Subject, e.Data.Connection, e.Data.Stream, e.ID, quantity, nano); err != nil {
		return err
	}
	if r.batch.Rows() < baselineRows {
		return nil
	}
	return r.send()
}

func (r *rows) send() error {
	if r.batch == nil {
		return nil
	}
	err := r.batch.Send()
	r.batch = nil
	return err
}
