package notify

import (
	"context"
	"sync"
)

// workers is a number of goroutines that try deliveries in the order in which they came. What may wait is bounded by
// [Config.PendingMax].
type workers struct {
	mu      sync.Mutex
	waiting []*delivery
	ready   chan struct{} // has one element while something may wait
}

func newWorkers() *workers { return &workers{ready: make(chan struct{}, 1)} }

func (w *workers) put(d *delivery) {
	w.mu.Lock()
	w.waiting = append(w.waiting, d)
	w.mu.Unlock()
	signal(w.ready)
}

// take returns the delivery that waited longest, nil when the context ends.
func (w *workers) take(ctx context.Context) *delivery {
	for ctx.Err() == nil {
		w.mu.Lock()
		if len(w.waiting) > 0 {
			d := w.waiting[0]
			w.waiting[0] = nil
			w.waiting = w.waiting[1:]
			more := len(w.waiting) > 0
			w.mu.Unlock()
			if more {
				signal(w.ready)
			}
			return d
		}
		w.mu.Unlock()
		select {
		case <-w.ready:
		case <-ctx.Done():
		}
	}
	return nil
}

// run works with count goroutines until the context ends.
func (w *workers) run(ctx context.Context, count int) {
	var running sync.WaitGroup
	for range count {
		running.Go(func() {
			for d := w.take(ctx); d != nil; d = w.take(ctx) {
				d.work()
			}
		})
	}
	running.Wait()
}

// signal wakes one who waits for a channel with room for one.
func signal(ready chan struct{}) {
	select {
	case ready <- struct{}{}:
	default:
	}
}
