package purchasing

import (
	"context"
	"sync"
)

// workers is a number of goroutines that work on queues in the order in which they came. There is no bound to what may
// wait: 100,000 accounts can run out at once.
type workers struct {
	mu      sync.Mutex
	waiting []*queue
	ready   chan struct{} // has one element while something may wait
}

func newWorkers() *workers { return &workers{ready: make(chan struct{}, 1)} }

func (w *workers) put(q *queue) {
	w.mu.Lock()
	w.waiting = append(w.waiting, q)
	w.mu.Unlock()
	w.wake()
}

func (w *workers) wake() {
	select {
	case w.ready <- struct{}{}:
	default:
	}
}

// take returns the queue that waited longest, nil when the context ends.
func (w *workers) take(ctx context.Context) *queue {
	for {
		w.mu.Lock()
		if len(w.waiting) > 0 {
			q := w.waiting[0]
			w.waiting[0] = nil
			w.waiting = w.waiting[1:]
			more := len(w.waiting) > 0
			w.mu.Unlock()
			if more {
				w.wake()
			}
			return q
		}
		w.mu.Unlock()
		select {
		case <-w.ready:
		case <-ctx.Done():
			return nil
		}
	}
}

// run works with count goroutines until the context ends.
func (w *workers) run(ctx context.Context, count int) {
	var running sync.WaitGroup
	for range count {
		running.Go(func() {
			for q := w.take(ctx); q != nil; q = w.take(ctx) {
				q.work()
			}
		})
	}
	running.Wait()
}
