package consumer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"drawdown"
	"drawdown/balance"
)

// partition is one partition of an assignment, from claim to release.
type partition struct {
	worker    *Worker
	index     int32
	committed drawdown.Offset // Kafka's offset for the group when the partition was assigned, below 0 where there is none
	accounts  int             // bound of accounts in memory
	log       *slog.Logger
	retrier   *retrier
	gauge     *partitionGauge

	mu  sync.Mutex
	err error // why it does not run; nil while it does
}

// run owns the partition until stop ends, or until another worker or an error ends that. It never returns early with
// work in flight: when stop ends, batches in flight are finished within the drain timeout.
func (p *partition) run(stop context.Context) {
	p.worker.metrics.partitions.add(p.index, p.gauge)
	defer p.worker.metrics.partitions.remove(p.index)
	defer func() {
		removed := p.gauge.begin(0, [drawdown.StatusCount]int64{})
		p.worker.metrics.count(&removed)
	}()
	for stop.Err() == nil {
		p.enter(Starting, nil)
		err := p.own(stop)
		if stop.Err() != nil && (err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) {
			return
		}
		switch Classify(err) {
		case Restart:
			p.worker.metrics.rewinds.Inc()
			p.log.Error("the store went back: beginning again from its position", "error", err)
		case Retry: // all calls to servers are retried where they are made, so this is a trouble of our own
			p.log.Error("beginning again", "error", err)
			sleep(stop, p.worker.cfg.RetryPauseMax)
		case Yield:
			p.log.Info("fenced", "error", err)
			p.enter(Fenced, err)
			return
		case Stop:
			p.stopped(err)
			return
		}
	}
}

// stopped makes an error heard.
func (p *partition) stopped(err error) {
	state := Stopped
	var diverged *DivergedError
	if errors.As(err, &diverged) {
		state = Diverged
	}
	p.log.Error("partition stopped: nothing of it is applied until this is resolved and the worker is restarted", "state", state.String(), "error", err)
	p.enter(state, err)
}

func (p *partition) enter(state State, err error) {
	p.gauge.state.Store(int32(state))
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = err
}

// ready returns why the partition does not run, nil while it does.
func (p *partition) ready() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch state := State(p.gauge.state.Load()); {
	case p.err != nil:
		return p.err
	case p.retrier.failing.Load() > 0:
		return fmt.Errorf("%w: %w", errServerAway, p.retrier.trouble())
	case state == Starting:
		return errStarting
	default:
		return nil
	}
}

var (
	errStarting   = errors.New("is starting")
	errServerAway = errors.New("a server is away")
)

// own claims the partition and works on it until stop ends or an error does.
func (p *partition) own(stop context.Context) error {
	started, err := p.start(stop)
	if err != nil {
		return err
	}
	p.log.Info("partition claimed", "epoch", started.epoch.Number, "offset", int64(started.position.Next), "clock", started.position.Clock.String())
	p.enter(Running, nil)
	hard, cancel := drainContext(stop, p.worker.cfg.DrainTimeout)
	defer cancel()
	return p.process(stop, hard, started)
}

// drainContext returns a context that ends a while after stop does.
func drainContext(stop context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	hard, cancel := context.WithCancel(context.WithoutCancel(stop))
	expire := func() {
		timer := time.NewTimer(timeout)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel()
		case <-hard.Done():
		}
	}
	unregister := context.AfterFunc(stop, expire)
	return hard, func() { unregister(); cancel() }
}

// process runs the stages side by side: fetch → decode, load, apply → publish → commit, and ticks beside them. The
// end of stop ends the fetching, and what is in flight then runs through the stages to its end.
func (p *partition) process(stop, hard context.Context, s *started) error {
	w, cfg := p.worker, &p.worker.cfg
	stages, ctx := errgroup.WithContext(hard)
	intake, cancelIntake := context.WithCancel(ctx)
	defer context.AfterFunc(stop, cancelIntake)()
	defer cancelIntake()

	// The queues have room for every batch in flight, so that no stage waits to hand one on.
	read := make(chan *fetched, 1)
	applied := make(chan *batch, cfg.BatchesInFlight)
	published := make(chan *batch, cfg.BatchesInFlight)
	done := make(chan *batch, cfg.BatchesInFlight)

	fetching := &fetcher{partition: p.index, source: w.deps.Source, retrier: p.retrier, gauge: p.gauge, to: read}
	applying := &applier{
		cfg: cfg, epoch: s.epoch, machine: s.machine, decoder: s.decoder, loader: s.loader, outputs: &outputs{},
		gauge: p.gauge, now: w.deps.Now, accounts: p.accounts, from: read, to: applied, done: done,
	}
	applying.outputs.begin(p.index, s.position.Next, cfg.MessageBytesMax)
	publishing := &publisher{cfg: cfg, partition: p.index, producer: w.producer, retrier: p.retrier, metrics: w.metrics, from: applied, to: published}
	committing := &committer{partition: p.index, store: w.deps.Store, retrier: p.retrier, metrics: w.metrics, gauge: p.gauge, from: published, done: done}
	ticking := &ticker{
		cfg: cfg, partition: p.index, token: s.epoch.Token, store: w.deps.Store, producer: w.producer,
		retrier: p.retrier, metrics: w.metrics, gauge: p.gauge, now: w.deps.Now,
	}

	stages.Go(func() error { fetching.run(intake, s.position.Next); return nil })
	stages.Go(func() error { defer cancelIntake(); return applying.run(ctx, s.position.Next) })
	stages.Go(func() error { return publishing.run(ctx) })
	stages.Go(func() error { return committing.run(ctx) })
	stages.Go(func() error { return ticking.run(intake) })
	err := stages.Wait()
	for answer := range read { // what was fetched and is not wanted any more
		answer.release()
	}
	return err
}

// started is a partition that was claimed and restored.
type started struct {
	epoch    balance.Epoch
	position balance.Position
	machine  machine
	decoder  *decoder
	loader   *loader
}
