package feed

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// ledger is a handler that notes what its lanes get, with faults that a test sets.
type ledger struct {
	world *world
	// take, done, caughtUp, open and closing replace what a lane does; nil: it takes all, and at once.
	open     func(partition int32) error
	take     func(ctx context.Context, e *Event) error
	caughtUp func(partition int32) error
	done     func(next int64) int64
	closing  func(partition int32)

	mu     sync.Mutex
	lanes  []*lane
	delays []time.Duration // from append to Take
}

// lane notes what happens to it.
type lane struct {
	*ledger
	ctx       context.Context
	partition int32

	// Guarded by ledger.mu.
	taken    []*Event
	caughtAt []int // how many were taken when CaughtUp was called
	closed   bool
}

func (l *ledger) Open(ctx context.Context, partition int32) (Lane, error) {
	if l.open != nil {
		if err := l.open(partition); err != nil {
			return nil, err
		}
	}
	l.world.hold(partition, 1)
	l.mu.Lock()
	defer l.mu.Unlock()
	opened := &lane{ledger: l, ctx: ctx, partition: partition}
	l.lanes = append(l.lanes, opened)
	return opened, nil
}

func (l *lane) Take(ctx context.Context, e *Event) error {
	if l.take != nil {
		if err := l.take(ctx, e); err != nil {
			return err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		panic("an event is given to a closed lane")
	}
	l.taken = append(l.taken, e)
	l.delays = append(l.delays, time.Since(e.Appended))
	return nil
}

func (l *lane) CaughtUp(context.Context) error {
	l.mu.Lock()
	l.caughtAt = append(l.caughtAt, len(l.taken))
	l.mu.Unlock()
	if l.ledger.caughtUp != nil {
		return l.ledger.caughtUp(l.partition)
	}
	return nil
}

func (l *lane) Done(next int64) int64 {
	if l.ledger.done != nil {
		return l.ledger.done(next)
	}
	return next
}

func (l *lane) Close() {
	if l.ctx.Err() == nil {
		panic("a lane is closed while its context goes on")
	}
	if l.closing != nil {
		l.closing(l.partition)
	}
	l.world.hold(l.partition, -1)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
}

// of returns what each lane of a partition took, in the order of their opening.
func (l *ledger) of(partition int32) (positions [][]int64) {
	for _, events := range l.eventsOf(partition) {
		var taken []int64
		for _, e := range events {
			taken = append(taken, e.Position)
		}
		positions = append(positions, taken)
	}
	return positions
}

func (l *ledger) eventsOf(partition int32) (taken [][]*Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, opened := range l.lanes {
		if opened.partition == partition {
			taken = append(taken, slices.Clone(opened.taken))
		}
	}
	return taken
}

// id is that of the event, which repeats have too.
func (e *Event) id() string { return fmt.Sprint(e.Partition, "-", e.Offset, "-", e.N) }

// total returns how many events all lanes took.
func (l *ledger) total() (count int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, opened := range l.lanes {
		count += len(opened.taken)
	}
	return count
}

// opened returns how many lanes were opened.
func (l *ledger) opened() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.lanes)
}

// count returns how many events all lanes of a partition took.
func (l *ledger) count(partition int32) (count int) {
	for _, taken := range l.of(partition) {
		count += len(taken)
	}
	return count
}

// last returns the newest lane of a partition.
func (l *ledger) last(partition int32) *lane {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, opened := range slices.Backward(l.lanes) {
		if opened.partition == partition {
			return opened
		}
	}
	return nil
}

// span returns the integers from first to before end.
func span(first, end int64) (all []int64) {
	for i := first; i < end; i++ {
		all = append(all, i)
	}
	return all
}
