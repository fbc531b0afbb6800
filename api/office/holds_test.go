package office

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"drawdown"
)

// TestASchedulerSeesHoldsOnly: a worker reads holds without the scope for the rest of an account.
func TestASchedulerSeesHoldsOnly(t *testing.T) {
	w := newWorld()
	w.overview.Reserve = 30 * drawdown.Credit
	o := w.office(t)
	if _, err := o.Overview(t.Context(), worker, "acme"); refused(t, err).Kind != Forbidden {
		t.Fatal(err)
	}
	all, err := o.Holds(t.Context(), worker, "acme")
	if err != nil || all.Available != 90*drawdown.Credit || all.Held != 10*drawdown.Credit || all.Reserve != 30*drawdown.Credit || len(all.Holds) != 1 {
		t.Fatalf("%+v, %v", all, err)
	}
	hold, etag, err := o.Hold(t.Context(), worker, "acme", "night")
	if err != nil || hold.Job != 7 || etag != all.ETag || etag == "" {
		t.Errorf("%+v, %s, %v", hold, etag, err)
	}
	if _, _, err := o.Hold(t.Context(), worker, "acme", "none"); refused(t, err).Reason != "unknown_hold" {
		t.Error(err)
	}
}

// inLineFor makes the account's hold wait, and something happen to it after a while.
func inLineFor(w *world, after time.Duration, happens func()) {
	waiting := w.overview.Balance.Holds[0]
	waiting.Waiting = true
	w.overview.Balance.Holds, w.gate.Hold = []drawdown.HoldBalance{waiting}, &waiting
	go func() {
		time.Sleep(after)
		w.mu.Lock()
		defer w.mu.Unlock()
		happens()
	}()
}

// TestAHoldIsWaitedFor until it is open or gone, or the wait is over; looking at it a few times a second.
func TestAHoldIsWaitedFor(t *testing.T) {
	opens := func(w *world) {
		open := w.overview.Balance.Holds[0]
		open.Waiting = false
		w.overview.Balance.Holds, w.gate.Hold = []drawdown.HoldBalance{open}, &open
	}
	ends := func(w *world) { w.overview.Balance.Holds, w.gate.Hold = nil, nil }
	again := func(w *world) { // another hold for the same job
		other := w.overview.Balance.Holds[0]
		other.Hold = "other"
		w.overview.Balance.Holds, w.gate.Hold = []drawdown.HoldBalance{other}, &other
	}
	for name, c := range map[string]struct {
		happens func(*world)
		wait    time.Duration
		reason  string
		waiting bool
		took    time.Duration
	}{
		"opens":                {opens, 10 * time.Second, "", false, 3 * time.Second},
		"ends":                 {ends, 10 * time.Second, "unknown_hold", false, 3 * time.Second},
		"another in its place": {again, 10 * time.Second, "unknown_hold", false, 3 * time.Second},
		"nothing":              {func(*world) {}, 10 * time.Second, "", true, 10 * time.Second},
		"too late":             {opens, 2 * time.Second, "", true, 2 * time.Second},
		"not waited for":       {opens, 0, "", true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				o := w.office(t)
				began := time.Now()
				inLineFor(w, 2900*time.Millisecond, func() { c.happens(w) })
				hold, _, err := o.AwaitHold(t.Context(), worker, "acme", "night", c.wait)
				if c.reason != "" {
					if refused(t, err).Reason != c.reason {
						t.Errorf("%+v, %v", hold, err)
					}
				} else if err != nil || hold.Waiting != c.waiting {
					t.Errorf("%+v, %v", hold, err)
				}
				if took := time.Since(began); took != c.took {
					t.Errorf("answered after %v, expected %v", took, c.took)
				}
				w.mu.Lock()
				if asked, most := len(w.accounts), 2+int(c.took/holdPoll); asked > most {
					t.Errorf("Redis was asked %d times, expected %d at most", asked, most)
				}
				w.mu.Unlock()
				synctest.Wait()
				time.Sleep(time.Minute) // what is still to happen
			})
		})
	}
}

// TestAWaitEndsWithItsRequest, and with the store.
func TestAWaitEndsWithItsRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		o := w.office(t)
		inLineFor(w, time.Second, func() { w.away = true })
		if _, _, err := o.AwaitHold(t.Context(), worker, "acme", "night", 10*time.Second); refused(t, err).Kind != Unavailable {
			t.Error(err)
		}
		w.mu.Lock()
		w.away = false
		w.mu.Unlock()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, _, err := o.AwaitHold(ctx, worker, "acme", "night", 10*time.Second); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}
