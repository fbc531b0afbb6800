package feed

import (
	"context"
	"sync"
)

// Workers is a number of goroutines that lanes give work to, in the order in which it comes. There is no bound to what may
// wait: 100,000 accounts can run out at once. Lanes bound it where they must.
type Workers[T any] struct {
	mu      sync.Mutex
	waiting []T
	ready   chan struct{} // has one element while something may wait
}

// NewWorkers returns workers that take work, and begin it with Run.
func NewWorkers[T any]() *Workers[T] { return &Workers[T]{ready: make(chan struct{}, 1)} }

// Put gives work to whoever is free first.
func (w *Workers[T]) Put(task T) {
	w.mu.Lock()
	w.waiting = append(w.waiting, task)
	w.mu.Unlock()
	w.wake()
}

// Run works with count goroutines until the context ends. What waits then stays where it is.
func (w *Workers[T]) Run(ctx context.Context, count int, work func(T)) {
	var running sync.WaitGroup
	for range count {
		running.Go(func() {
			for task, ok := w.take(ctx); ok; task, ok = w.take(ctx) {
				work(task)
			}
		})
	}
	running.Wait()
}

// take returns what waited longest; false when the context ends.
func (w *Workers[T]) take(ctx context.Context) (task T, ok bool) {
	for ctx.Err() == nil {
		if task, ok = w.next(); ok {
			return task, true
		}
		select {
		case <-w.ready:
		case <-ctx.Done():
		}
	}
	return task, false
}

// next takes what waited longest, and wakes the next worker where there is more: many that come at once announce themselves once.
func (w *Workers[T]) next() (task T, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.waiting) == 0 {
		return task, false
	}
	var none T
	task, w.waiting[0] = w.waiting[0], none
	if w.waiting = w.waiting[1:]; len(w.waiting) > 0 {
		w.wake()
	}
	return task, true
}

func (w *Workers[T]) wake() {
	select {
	case w.ready <- struct{}{}:
	default:
	}
}
