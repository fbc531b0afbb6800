package webhook

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"drawdown/notify"
)

func acquire(t *testing.T, l *limiter, host string) func() {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	release, err := l.acquire(ctx, host)
	if err != nil {
		t.Fatalf("%s: %v", host, err)
	}
	return release
}

func full(t *testing.T, l *limiter, host string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := l.acquire(ctx, host); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%s has room: %v", host, err)
	}
}

func TestLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(3, 2)
		first, second := acquire(t, l, "a"), acquire(t, l, "a")
		full(t, l, "a") // a host's own limit
		third := acquire(t, l, "b")
		full(t, l, "c") // the limit in all; who waited has given its turn back:
		full(t, l, "b")
		first()
		acquire(t, l, "b")()
		acquire(t, l, "c")()
		fourth := acquire(t, l, "a")
		second()
		third()
		fourth()
		if len(l.hosts) != 0 || len(l.total) != 0 {
			t.Errorf("%d hosts and %d turns are left", len(l.hosts), len(l.total))
		}
	})
}

// Many wait for a slow host; others are not held up, and the limits hold.
func TestSlowHostHoldsUpOnlyItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(4, 2)
		var group sync.WaitGroup
		var mu sync.Mutex
		running, most := make(map[string]int), 0
		for range 20 {
			group.Go(func() {
				release := acquire(t, l, "slow")
				defer release()
				mu.Lock()
				running["slow"]++
				most = max(most, running["slow"])
				mu.Unlock()
				time.Sleep(time.Second)
				mu.Lock()
				running["slow"]--
				mu.Unlock()
			})
		}
		synctest.Wait()
		began := time.Now()
		acquire(t, l, "fast")()
		if waited := time.Since(began); waited != 0 {
			t.Errorf("waited %v for a host that is free", waited)
		}
		group.Wait()
		if took := time.Since(began); most != 2 || took != 10*time.Second {
			t.Errorf("%d at once, %v in all", most, took)
		}
		if len(l.hosts) != 0 {
			t.Errorf("%d hosts are left", len(l.hosts))
		}
	})
}

// Who gets no turn in time has not tried, and says so.
func TestNoTurn(t *testing.T) {
	reached, hold := make(chan struct{}), make(chan struct{})
	r := receive(t, "127.0.0.1:0", func(http.ResponseWriter, *http.Request) { reached <- struct{}{}; <-hold })
	config := local()
	config.ConcurrencyMax, config.ConcurrencyPerHostMax = 2, 1
	sender := senderOf(t, config, nil)
	first := make(chan notify.Outcome)
	go func() { first <- sender.Send(t.Context(), deliveryTo(r.URL)) }()
	<-reached
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	got := sender.Send(ctx, deliveryTo(r.URL))
	if got != (notify.Outcome{Verdict: notify.Retry, Detail: "not tried: earlier requests take too long"}) {
		t.Errorf("%+v", got)
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if got := sender.Send(stopped, deliveryTo(r.URL)); got != (notify.Outcome{Verdict: notify.Retry, Detail: "cancelled"}) {
		t.Errorf("%+v", got)
	}
	close(hold)
	if got := <-first; got.Verdict != notify.Delivered {
		t.Errorf("%+v", got)
	}
}
