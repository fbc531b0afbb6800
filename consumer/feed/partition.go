package feed

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// partition is one partition of an assignment.
type partition struct {
	*Follower
	index int32
	log   *slog.Logger

	// next is the offset after the last event taken, and done that before which the lane needs nothing again; each is none
	// while it is not known. Written by run's goroutine.
	next, done atomic.Int64
	reached    int64 // the greatest next of all lanes so far
	failedAt   int64 // reached, when something failed last

	mu    sync.Mutex
	fault error // why it does not go on, or what failed last; nil while all is well
}

var errOpening = errors.New("is being opened")

func (f *Follower) newPartition(index int32) *partition {
	p := &partition{Follower: f, index: index, log: f.log.With("partition", index), reached: none, failedAt: none, fault: errOpening}
	p.next.Store(none)
	p.done.Store(none)
	f.metrics.begin(index)
	return p
}

// run follows the partition until the context ends or somebody must act. It returns with the lane closed.
func (p *partition) run(ctx context.Context) {
	pause := backoff{min: p.cfg.RetryMin, max: p.cfg.RetryMax}
	for ctx.Err() == nil {
		before, began := p.reached, time.Now()
		failing, err := p.follow(ctx)
		var stop *StopError
		switch {
		case ctx.Err() != nil:
			return
		case errors.As(err, &stop):
			p.set(err)
			p.metrics.stop(p.index)
			p.log.Error("partition stopped: nothing of it is taken until this is resolved and the process started again", "error", err)
			return
		}
		// A lane that fails at the same event again and again is opened ever more slowly.
		if p.reached > before || time.Since(began) > p.cfg.RetryMax {
			pause.reset()
		}
		p.failed(failing, err)
		sleep(ctx, pause.next())
	}
}

// follow opens a lane and hands it events until the context ends or something fails, and returns what. It returns with
// the lane closed.
func (p *partition) follow(ctx context.Context) (stage, error) {
	begin, end, err := p.bounds(ctx)
	if err != nil {
		return stageBegin, err
	}
	p.next.Store(begin)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	lane, err := p.deps.Handler.Open(ctx, p.index)
	if err != nil {
		return stageLane, fmt.Errorf("open a lane: %w", err)
	}
	p.log.Info("following", "from", begin, "end", end)
	o := &opening{partition: p, lane: lane, begin: begin, end: end, noted: time.Now()}
	err = o.follow(ctx)
	cancel()
	o.close()
	return stageLane, err
}

// bounds returns where to begin, and where the partition ends now.
func (p *partition) bounds(ctx context.Context) (begin, end int64, err error) {
	if begin = p.done.Load(); begin == none {
		if begin, err = p.offsets.committed(ctx, p.index); err != nil {
			return 0, 0, err
		}
	}
	ranges, err := p.client.Offsets(ctx, p.cfg.Topic, []int32{p.index})
	if err != nil {
		return 0, 0, err
	}
	if begin == none {
		begin = ranges[p.index].Earliest
		p.log.Info("the group has no offset: beginning at the earliest event", "offset", begin)
	} else {
		p.done.Store(begin)
	}
	return begin, ranges[p.index].Latest, nil
}

// failed notes what is about to be tried again.
func (p *partition) failed(stage stage, err error) {
	p.set(err)
	p.failedAt = p.reached
	p.metrics.failed(stage)
	p.log.Warn("trying again", "stage", string(stage), "error", err)
}

func (p *partition) set(fault error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault = fault
}

func (p *partition) ready() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fault
}
