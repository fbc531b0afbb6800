package consumer

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"drawdown/balance/memstore"
)

// run starts a worker and returns how to stop it; stop waits until it has drained.
func run(t testing.TB, w *Worker) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := w.Run(ctx); err != nil {
			t.Errorf("run: %v", err)
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}

// caughtUp waits until the store stands at the end of the log.
func (w *world) caughtUp(worker *Worker) {
	w.t.Helper()
	for range 3000 {
		position, err := w.store.Position(context.Background(), 0)
		if err != nil {
			w.t.Fatal(err)
		}
		if position.Next == w.end() {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	w.t.Errorf("not caught up with offset %d: %v", w.end(), worker.Ready())
}

// check compares what the world holds with a replay of its log.
func (w *world) check() {
	w.t.Helper()
	effects, accounts := w.want()
	found := w.effects()
	if !maps.Equal(found, effects) {
		for key, want := range effects {
			if found[key] != want {
				w.t.Errorf("%+v: found %q, want %q", key, found[key], want)
			}
		}
		for key := range found {
			if _, wanted := effects[key]; !wanted {
				w.t.Errorf("%+v: %q is not wanted", key, found[key])
			}
		}
	}
	if stored := w.stored(); !maps.EqualFunc(stored, accounts, slices.Equal[[]byte]) {
		w.t.Errorf("the store's accounts differ from replay: %d of them, want %d", len(stored), len(accounts))
	}
}

// feed appends a random log, with pauses.
func (w *world) feed(random *rand.Rand, records int) {
	for w.end() < 1 || records > 0 {
		for range random.IntN(30) {
			switch random.IntN(12) {
			case 0:
				w.append("not JSON")
			case 1:
				w.append(usage(fmt.Sprintf("a%d", random.IntN(20)), 1, 7))
			case 2:
				w.append(usage(fmt.Sprintf("a%d", random.IntN(20)), 1, 9))
			default:
				w.append(usage(fmt.Sprintf("a%d", random.IntN(20)), random.IntN(100), 1))
			}
			records--
		}
		time.Sleep(time.Duration(random.IntN(400)) * time.Millisecond)
	}
}

// faults returns a source of random faults: calls that fail before or after their effect, and after so many calls a
// crash, after which nothing of the worker reaches the world.
func faults(random *rand.Rand, oneIn, crashAfter int) func(string, bool) error {
	var calls atomic.Int64
	seed := random.Uint64()
	return func(string, bool) error {
		call := calls.Add(1)
		if crashAfter > 0 && call > int64(crashAfter) {
			return errAway
		}
		if rand.New(rand.NewPCG(seed, uint64(call))).IntN(oneIn) == 0 {
			return errAway
		}
		return nil
	}
}

// TestSimulation runs workers that crash between any two steps, lose replies, own the partition at the same time, on a
// store that is restored from backups, and compares what comes out with a replay of the log.
func TestSimulation(t *testing.T) {
	const seeds = 100
	for seed := range uint64(seeds) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				random := rand.New(rand.NewPCG(seed, 0))
				w := newWorld(t)
				fed := make(chan struct{})
				feeder := rand.New(rand.NewPCG(seed, 1))
				go func() {
					defer close(fed)
					w.feed(feeder, 400)
				}()
				var backup *memstore.Store
				var second func()
				for range 6 {
					stop := run(t, w.worker(faults(random, 4+random.IntN(30), 1+random.IntN(150))))
					time.Sleep(time.Duration(random.IntN(4000)) * time.Millisecond)
					switch random.IntN(4) {
					case 0:
						// A backup from before the first claim is the loss of the partition, which has a test of its own.
						if position, _ := w.store.Position(t.Context(), 0); position.Exists {
							backup = w.store.Snapshot()
						}
					case 1:
						if backup != nil { // a failover that loses writes, or a restore
							w.store.Restore(backup)
						}
					case 2:
						if second == nil { // two owners
							second = run(t, w.worker(faults(random, 10, 0)))
						}
					}
					time.Sleep(time.Duration(random.IntN(2000)) * time.Millisecond)
					stop()
				}
				if second != nil {
					second()
				}
				<-fed
				last := w.worker(nil)
				stop := run(t, last)
				w.caughtUp(last)
				// Ticks for what is due still come; then nothing more.
				time.Sleep(5 * time.Second)
				w.caughtUp(last)
				stop()
				w.check()
			})
		})
	}
}
