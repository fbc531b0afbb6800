package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	kafkago "github.com/segmentio/kafka-go"

	"drawdown/balance/redisstore"
)

// How often is looked. Looking takes a share of what is measured: some microseconds in Redis, some milliseconds in
// ClickHouse. So ClickHouse is asked seldom while much is left, and often near the end.
const (
	positionInterval = 20 * time.Millisecond
	rowsIntervalMin  = 40 * time.Millisecond
	rowsIntervalMax  = 500 * time.Millisecond
	progressInterval = time.Second
	// stallTimeout is how long a drain may make no progress at all. A worker and a sink retry for ever, so without it
	// a benchmark of broken servers would too.
	stallTimeout = time.Minute
)

// goal is what a drain has to come to.
type goal struct {
	ends            []int64 // by partition: the offset after the last record
	charges, ledger int     // rows
}

// drained is what a drain took.
type drained struct {
	committed, sunk time.Duration // from the beginning until Redis, and until ClickHouse too, had everything
	worker, sink    report
	others          processorTime
}

// watch looks at what a worker and a sink have done.
type watch struct {
	store    *redisstore.Store
	database driver.Conn
	goal     goal
	records  int64 // of the log, that are committed
	charges  uint64
	ledger   uint64
}

// StalledError says that a drain made no progress.
type StalledError struct {
	After   time.Duration
	Records int64 // committed
	Charges uint64
	Ledger  uint64
	Logs    []string // of the worker and the sink
}

func (e *StalledError) Error() string {
	return fmt.Sprintf("no progress within %s: Redis has %d records, ClickHouse %d charges and %d ledger entries; see %v",
		e.After, e.Records, e.Charges, e.Ledger, e.Logs)
}

// drain starts a worker and a sink and returns when everything is in Redis and in ClickHouse.
func (r *run) drain(ctx context.Context, name string, to goal) (d drained, err error) {
	client, store, err := r.cluster.config.OpenRedis()
	if err != nil {
		return d, err
	}
	defer client.Close()
	database, err := openClickHouse(r.cluster.config.ClickHouse.DSN)
	if err != nil {
		return d, err
	}
	defer database.Close()
	worker, err := r.cluster.spawn(name+"-worker", r.job(name, workerJob))
	if err != nil {
		return d, err
	}
	defer worker.stop()
	sink, err := r.cluster.spawn(name+"-sink", r.job(name, sinkJob))
	if err != nil {
		return d, err
	}
	defer sink.stop()

	before, begun := r.cluster.processorTime(), time.Now()
	if err := errors.Join(worker.tell(commandGo), sink.tell(commandGo)); err != nil {
		return d, err
	}
	w := &watch{store: store, database: database, goal: to}
	d.committed, d.sunk, err = r.follow(ctx, w, begun, worker, sink)
	if err != nil {
		return d, err
	}
	d.others = r.cluster.processorTime().since(before)
	if err := errors.Join(worker.tell(commandFinish), sink.tell(commandFinish)); err != nil {
		return d, err
	}
	if d.worker, err = worker.result(); err != nil {
		return d, err
	}
	d.sink, err = sink.result()
	return d, err
}

// job is what a child of a drain does. Only the measured drain is profiled.
func (r *run) job(name string, kind jobKind) *job {
	j := &job{Kind: kind, Config: r.cluster.config}
	if name == measured && r.options.CPUProfile != "" {
		j.CPUProfile = r.options.CPUProfile + "." + string(kind)
	}
	if name == measured && r.options.AllocProfile != "" {
		j.AllocProfile = r.options.AllocProfile + "." + string(kind)
	}
	return j
}

// follow looks until the goal is reached.
func (r *run) follow(ctx context.Context, w *watch, begun time.Time, worker, sink *process) (committed, sunk time.Duration, err error) {
	ticker := time.NewTicker(positionInterval)
	defer ticker.Stop()
	moved, rowsAt, told := begun, begun, begun
	for {
		select {
		case <-ctx.Done():
			return 0, 0, context.Cause(ctx)
		case <-worker.ended:
			return 0, 0, worker.failure("run")
		case <-sink.ended:
			return 0, 0, sink.failure("run")
		case <-ticker.C:
		}
		before := *w
		if err := w.positions(ctx); err != nil {
			return 0, 0, err
		}
		if committed == 0 && w.committed() {
			committed = time.Since(begun)
		}
		if time.Since(rowsAt) >= w.rowsInterval(time.Since(begun)) {
			if err := w.rows(ctx); err != nil {
				return 0, 0, err
			}
			rowsAt = time.Now()
			if done, err := w.sunk(ctx); err != nil || committed > 0 && done {
				return committed, time.Since(begun), err
			}
		}
		if w.records != before.records || w.charges != before.charges || w.ledger != before.ledger {
			moved = time.Now()
		} else if time.Since(moved) > stallTimeout {
			return 0, 0, &StalledError{stallTimeout, w.records, w.charges, w.ledger, []string{worker.log, sink.log}}
		}
		if time.Since(told) >= progressInterval {
			told = time.Now()
			r.say("  %4.0f s: %s records committed to Redis, %s rows in ClickHouse", time.Since(begun).Seconds(), thousands(w.records), thousands(int64(w.charges+w.ledger)))
		}
	}
}

// positions reads how far the partitions are committed.
func (w *watch) positions(ctx context.Context) error {
	if w.committed() {
		return nil
	}
	w.records = 0
	for partition := range w.goal.ends {
		position, err := w.store.Position(ctx, int32(partition))
		if err != nil {
			return err
		}
		w.records += min(int64(position.Next), w.goal.ends[partition])
	}
	return nil
}

func (w *watch) committed() bool {
	sum := int64(0)
	for _, end := range w.goal.ends {
		sum += end
	}
	return w.records == sum
}

// rowsInterval is how long not to ask ClickHouse: a tenth of the time that the rest will take at the pace so far.
func (w *watch) rowsInterval(elapsed time.Duration) time.Duration {
	if !w.committed() || w.charges == 0 {
		return rowsIntervalMax
	}
	left := float64(max(0, w.goal.charges-int(w.charges))) / float64(w.charges)
	const share = 0.1
	return min(rowsIntervalMax, max(rowsIntervalMin, time.Duration(share*left*float64(elapsed))))
}

// rows counts what ClickHouse has. Counting a whole table reads no rows.
func (w *watch) rows(ctx context.Context) error {
	err := w.database.QueryRow(ctx, "SELECT (SELECT count() FROM charges), (SELECT count() FROM ledger)").Scan(&w.charges, &w.ledger)
	if err != nil {
		return fmt.Errorf("count rows: %w", err)
	}
	return nil
}

// sunk reports whether ClickHouse has all rows, in the rollups too.
func (w *watch) sunk(ctx context.Context) (bool, error) {
	if w.charges < uint64(w.goal.charges) || w.ledger < uint64(w.goal.ledger) {
		return false, nil
	}
	var hours, days uint64
	err := w.database.QueryRow(ctx, "SELECT (SELECT sum(events) FROM usage_by_hour), (SELECT sum(events) FROM usage_by_day)").Scan(&hours, &days)
	if err != nil {
		return false, fmt.Errorf("count events in rollups: %w", err)
	}
	return hours >= uint64(w.goal.charges) && days >= uint64(w.goal.charges), nil
}

// ends asks for the ends of the log.
func (c *cluster) ends(ctx context.Context, partitions int) ([]int64, error) {
	return c.endsOf(ctx, c.config.Worker.MeteringTopic, partitions)
}

func (c *cluster) endsOf(ctx context.Context, topic string, partitions int) ([]int64, error) {
	questions := make([]kafkago.OffsetRequest, partitions)
	for partition := range questions {
		questions[partition] = kafkago.LastOffsetOf(partition)
	}
	answer, err := c.client.ListOffsets(ctx, &kafkago.ListOffsetsRequest{Topics: map[string][]kafkago.OffsetRequest{topic: questions}})
	if err != nil {
		return nil, fmt.Errorf("ask for the ends of %s: %w", topic, err)
	}
	ends := make([]int64, partitions)
	for _, p := range answer.Topics[topic] {
		if p.Error != nil {
			return nil, fmt.Errorf("ask for the end of %s, partition %d: %w", topic, p.Partition, p.Error)
		}
		ends[p.Partition] = p.LastOffset
	}
	return ends, nil
}
