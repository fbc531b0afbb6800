package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// baselineFigures are what the naive way took.
type baselineFigures struct {
	events  int
	elapsed time.Duration
	report  report
}

// baseline measures the naive way on the first events of each partition, which lie between the setup's end and the log's.
func (r *run) baseline(ctx context.Context, begins, ends []int64) (f baselineFigures, err error) {
	config := &r.cluster.config
	database, err := openClickHouse(config.ClickHouse.DSN)
	if err != nil {
		return f, err
	}
	defer database.Close()
	if err := database.Exec(ctx, baselineTable); err != nil {
		return f, fmt.Errorf("baseline: %w", err)
	}
	spans := spansOf(begins, ends, int64(r.options.BaselineEvents))
	for _, s := range spans {
		f.events += int(s.Events)
	}
	r.say("charging %s of the events the naive way, for comparison", thousands(int64(f.events)))
	child, err := r.cluster.spawn("baseline", &job{Kind: baselineJob, Config: *config, Shares: sharesOf(spans, r.options.BaselineConsumers)})
	if err != nil {
		return f, err
	}
	defer child.stop()
	begun := time.Now()
	if err := child.tell(commandGo); err != nil {
		return f, err
	}
	select {
	case <-ctx.Done():
		return f, context.Cause(ctx)
	case <-child.ended:
	}
	f.elapsed = time.Since(begun)
	if f.report, err = child.result(); err != nil {
		return f, err
	}
	r.say("  %.0f events/s", float64(f.events)/f.elapsed.Seconds())
	return f, r.checkBaseline(ctx, &f)
}

// spansOf spreads so many events over partitions, the first of each.
func spansOf(begins, ends []int64, events int64) (spans []span) {
	left := events
	for partition := range begins {
		share := left / int64(len(begins)-partition)
		if take := min(share, ends[partition]-begins[partition]); take > 0 {
			spans = append(spans, span{Partition: partition, From: begins[partition], Events: take})
			left -= take
		}
	}
	return spans
}

// sharesOf deals spans out to consumers; one without any is left out.
func sharesOf(spans []span, consumers int) [][]span {
	shares := make([][]span, min(consumers, len(spans)))
	for i, s := range spans {
		shares[i%len(shares)] = append(shares[i%len(shares)], s)
	}
	return shares
}

// checkBaseline compares the rows and balances of the naive way with what it has read, and removes them: nothing that
// it leaves behind may slow down what is measured next.
func (r *run) checkBaseline(ctx context.Context, f *baselineFigures) error {
	database, err := openClickHouse(r.cluster.config.ClickHouse.DSN)
	if err != nil {
		return err
	}
	defer database.Close()
	var rows uint64
	var inRows int64
	if err := database.QueryRow(ctx, "SELECT count(), sum(credits_nano) FROM baseline").Scan(&rows, &inRows); err != nil {
		return fmt.Errorf("baseline: count its rows: %w", err)
	}
	inBalances, err := r.takeBaselineBalances(ctx)
	if err != nil {
		return fmt.Errorf("baseline: read its balances: %w", err)
	}
	if rows != uint64(f.events) || inRows != f.report.Nano || inBalances != -f.report.Nano {
		return fmt.Errorf("baseline: of %d events that cost %d nano-credits ClickHouse has %d rows of %d and Redis balances of %d",
			f.events, f.report.Nano, rows, inRows, inBalances)
	}
	if err := database.Exec(ctx, "DROP TABLE baseline SYNC"); err != nil {
		return fmt.Errorf("baseline: %w", err)
	}
	return nil
}

// takeBaselineBalances reads and removes the balances of the naive way and returns their sum.
func (r *run) takeBaselineBalances(ctx context.Context) (sum int64, err error) {
	client, _, err := r.cluster.config.OpenRedis()
	if err != nil {
		return 0, err
	}
	defer client.Close()
	for _, account := range r.load.accounts {
		balance, err := client.GetDel(ctx, baselinePrefix+account).Int64()
		if err != nil && !errors.Is(err, redis.Nil) {
			return 0, err
		}
		sum += balance
	}
	return sum, nil
}
