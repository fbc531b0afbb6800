package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"drawdown/sinks/clickhouse"
)

// measured is the name of the drain whose figures count.
const measured = "drain"

// run is one run of the benchmark.
type run struct {
	options *Options
	out     io.Writer
	cluster *cluster
	load    *workload
}

// Run measures, shows the figures on out and returns them. Where figures are wrong by a single nano-credit it returns a
// *DriftError instead. It stops everything that it started, also when the context ends.
func Run(ctx context.Context, options Options, out io.Writer) (result Result, err error) {
	if err := errors.Join(options.Validate(), options.Config.Validate()); err != nil {
		return Result{}, err
	}
	options.BaselineConsumers = max(1, options.BaselineConsumers)
	r := &run{options: &options, out: out}
	r.say("starting Kafka, Redis and ClickHouse")
	r.cluster, err = startCluster(ctx, options.machinery())
	defer func() { err = errors.Join(err, r.stop()) }()
	if err != nil {
		return Result{}, err
	}
	ends, err := r.setUp(ctx)
	if err != nil {
		return Result{}, err
	}
	goal, err := r.append(ctx)
	if err != nil {
		return Result{}, err
	}
	var naive baselineFigures
	if options.BaselineEvents > 0 {
		if naive, err = r.baseline(ctx, ends, goal.ends); err != nil {
			return Result{}, err
		}
	}
	r.say("draining %s events with a worker and a sink", thousands(int64(options.Events)))
	took, err := r.drain(ctx, measured, goal)
	if err != nil {
		return Result{}, fmt.Errorf("drain the backlog: %w", err)
	}
	r.say("comparing every account and every connection with what was appended")
	if err := r.verify(ctx); err != nil {
		return Result{}, err
	}
	result = r.result(took, naive)
	return result, show(out, &result, options.JSON)
}

// stop ends the servers.
func (r *run) stop() error {
	if r.options.KeepData && r.cluster.dir != "" {
		r.say("data and logs are kept in %s", r.cluster.dir)
	}
	return r.cluster.stop()
}

// setUp opens the accounts and drains that. It returns the ends of the log then.
func (r *run) setUp(ctx context.Context) (ends []int64, err error) {
	o := r.options
	r.load = newWorkload(o.Events, o.Accounts, o.EventBytes, time.Now().UTC().Truncate(time.Second))
	r.say("opening %s accounts", thousands(int64(o.Accounts)))
	if _, err := clickhouse.Migrate(ctx, r.cluster.config.ClickHouse.DSN); err != nil {
		return nil, err
	}
	loader := r.cluster.newLoader(ctx, o.Partitions)
	if err := errors.Join(r.load.setup(loader), loader.close()); err != nil {
		return nil, fmt.Errorf("open accounts: %w", err)
	}
	if ends, err = r.cluster.ends(ctx, o.Partitions); err != nil {
		return nil, err
	}
	if _, err = r.drain(ctx, "setup", goal{ends: ends, ledger: entriesPerAccount * o.Accounts}); err != nil {
		return nil, fmt.Errorf("open accounts: %w", err)
	}
	return ends, nil
}

// append appends the backlog and returns what draining it has to come to.
func (r *run) append(ctx context.Context) (goal, error) {
	o := r.options
	begun := time.Now()
	r.say("appending %s usage events over %d partitions", thousands(int64(o.Events)), o.Partitions)
	loader := r.cluster.newLoader(ctx, o.Partitions)
	r.load.backlog(loader)
	if err := loader.close(); err != nil {
		return goal{}, fmt.Errorf("append the backlog: %w", err)
	}
	r.say("  appended in %.1f s, %d bytes an event", time.Since(begun).Seconds(), r.load.eventBytes())
	ends, err := r.cluster.ends(ctx, o.Partitions)
	return goal{ends: ends, charges: o.Events, ledger: entriesPerAccount*o.Accounts + entriesPerPoor*r.load.poor()}, err
}

// say prints a progress line. A writer that fails loses it and nothing else: progress is for eyes only.
func (r *run) say(format string, args ...any) {
	if !r.options.JSON {
		_, _ = fmt.Fprintf(r.out, format+"\n", args...)
	}
}
