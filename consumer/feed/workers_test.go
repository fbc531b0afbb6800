package feed

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
)

// TestABurstWakesEveryWorker: what comes faster than workers wake up announces itself once only.
func TestABurstWakesEveryWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const count = 3
		w := NewWorkers[int]()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		taken, done := make(chan int, count), make(chan struct{})
		go w.Run(ctx, count, func(task int) { taken <- task; <-done })
		synctest.Wait() // all of them sleep
		w.mu.Lock()
		w.waiting = append(w.waiting, 1, 2, 3)
		w.mu.Unlock()
		w.wake()
		synctest.Wait()
		if len(taken) != count {
			t.Errorf("%d of %d workers are at work", len(taken), count)
		}
		close(done)
	})
}

func TestWorkIsDoneInItsOrderAndLeftWhereItIsAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := NewWorkers[int]()
		ctx, cancel := context.WithCancel(t.Context())
		var mu sync.Mutex
		var worked []int
		for task := range 5 {
			w.Put(task)
		}
		w.Run(ctx, 1, func(task int) {
			mu.Lock()
			defer mu.Unlock()
			if worked = append(worked, task); task == 2 {
				cancel()
			}
		})
		if !slices.Equal(worked, []int{0, 1, 2}) || !slices.Equal(w.waiting, []int{3, 4}) {
			t.Errorf("worked on %v, left %v", worked, w.waiting)
		}
	})
}
