package purchasingtest

import (
	"context"
	"sync"
	"testing"

	"drawdown/consumer/feed"
	"drawdown/purchasing"
)

// Process is a purchaser at work, as the follower of a ledger and the process around it run it.
type Process struct {
	world   *World
	handler feed.Handler
	lane    feed.Lane
	stop    context.CancelFunc
	running sync.WaitGroup
	killed  sync.Once

	mu   sync.Mutex
	next int64
}

// Start starts a purchaser at the position that was committed last.
func (w *World) Start(t testing.TB, p *purchasing.Purchaser) *Process {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	lane, err := p.Open(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	w.mu.Lock()
	from, end := w.committed, int64(len(w.ledger))
	w.mu.Unlock()
	process := &Process{world: w, handler: p, lane: lane, stop: stop, next: from}
	process.running.Go(func() { _ = p.Run(ctx) })
	process.running.Go(func() { process.follow(ctx, t, end) })
	t.Cleanup(process.Kill)
	return process
}

func (p *Process) follow(ctx context.Context, t testing.TB, end int64) {
	caughtUp := false
	for ctx.Err() == nil {
		if !caughtUp && p.next >= end {
			caughtUp = true
			if err := p.lane.CaughtUp(ctx); err != nil {
				t.Error(err)
			}
		}
		for _, e := range p.world.await(ctx, p.next) {
			if ctx.Err() != nil || (!caughtUp && p.next >= end) {
				break
			}
			if err := p.lane.Take(ctx, &e); err != nil {
				t.Error(err)
			}
			p.mu.Lock()
			p.next++
			p.mu.Unlock()
		}
	}
}

// Commit remembers how far the ledger need not be read again.
func (p *Process) Commit() int64 {
	p.mu.Lock()
	next := p.next
	p.mu.Unlock()
	done := p.lane.Done(next)
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	p.world.committed = max(p.world.committed, done)
	return done
}

// Read reports whether the purchaser has taken all of the ledger, and all of it is done.
func (p *Process) Read() bool {
	done := p.Commit()
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	return done == int64(len(p.world.ledger))
}

// Kill ends the purchaser at once. What it has under way is cut off. Killing twice is fine.
func (p *Process) Kill() {
	p.killed.Do(func() {
		p.stop()
		p.lane.Close()
		p.running.Wait()
	})
}
