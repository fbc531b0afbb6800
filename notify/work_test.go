package notify

import (
	"testing"
	"testing/synctest"
)

// TestABurstWakesEveryWorker: what comes faster than workers wake up announces itself once only.
func TestABurstWakesEveryWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const count = 3
		w, taken := newWorkers(), make(chan *delivery, count)
		for range count {
			go func() { taken <- w.take(t.Context()) }()
		}
		synctest.Wait() // all of them sleep
		w.mu.Lock()
		w.waiting = append(w.waiting, make([]*delivery, count)...)
		for i := range w.waiting {
			w.waiting[i] = &delivery{tries: i}
		}
		w.mu.Unlock()
		signal(w.ready)
		synctest.Wait()
		expect(t, "taken", len(taken), count)
	})
}
