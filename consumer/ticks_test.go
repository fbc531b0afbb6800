package consumer

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"drawdown"
	"drawdown/balance"
	"drawdown/consumer/decode"
)

// ticks returns the tick records in the log.
func (w *world) ticks() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var ticks []string
	for _, record := range w.records {
		if strings.Contains(string(record.Value), `"type":"tick"`) {
			ticks = append(ticks, string(record.Value))
		}
	}
	return ticks
}

func TestAnIdleAccountGetsItsTickInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.append(usage("a", 1, 7)) // due one second later
		worker := w.worker(nil)
		stop := run(t, worker)
		time.Sleep(500 * time.Millisecond)
		if ticks := w.ticks(); len(ticks) != 0 {
			t.Fatalf("ticks before anything is due: %v", ticks)
		}
		time.Sleep(800 * time.Millisecond)
		if ticks := w.ticks(); len(ticks) != 1 {
			t.Fatalf("ticks: %v, want one", ticks)
		}
		time.Sleep(time.Minute)
		stop()
		if ticks := w.ticks(); len(ticks) != 1 {
			t.Errorf("ticks: %v, want no more than one", ticks)
		}
		w.check()
	})
}

func TestATickIsARecordOfTheContract(t *testing.T) {
	now := time.Date(2026, 2, 3, 4, 5, 6, 789_000_000, time.UTC)
	tick := (&ticker{token: "5b0c"}).record("acme:1.x_y-z", now)
	var d decode.Decoder
	var rec drawdown.Record
	d.Decode(tick, drawdown.TimeOf(now), &rec)
	if rec.Reject != "" || rec.Type != drawdown.Tick || string(rec.Account) != "acme:1.x_y-z" || rec.Time != drawdown.TimeOf(now) {
		t.Errorf("%s is read as %+v", tick, rec)
	}
}

// dueStore answers the due accounts that a test sets.
type dueStore struct {
	balance.Store
	due []balance.DueAccount
}

func (s *dueStore) Due(_ context.Context, _ int32, _ drawdown.Time, limit int) ([]balance.DueAccount, error) {
	return s.due[:min(limit, len(s.due))], nil
}

func newTicker(w *world, store balance.Store) *ticker {
	return &ticker{
		cfg: &w.cfg, token: "t", store: store, producer: &part{world: w, fault: func(string, bool) error { return nil }},
		retrier: &retrier{attemptTimeout: time.Second, pauseMax: time.Second, log: slog.New(slog.DiscardHandler), count: func(string) {}},
		metrics: NewMetrics(prometheus.NewRegistry()), gauge: newPartitionGauge(), now: time.Now,
		appended: make(map[string]tick),
	}
}

func TestTicksAreNotRepeatedWhileThePartitionLags(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		store := &dueStore{due: []balance.DueAccount{{Account: "a", Due: 1}, {Account: "b", Due: 2}}}
		ticking := newTicker(w, store)
		look := func(want int) {
			t.Helper()
			if err := ticking.once(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := len(w.ticks()); got != want {
				t.Errorf("%d ticks in the log, want %d", got, want)
			}
			time.Sleep(2 * tickRepeatAfter)
		}
		look(2)
		look(2) // nothing is applied yet
		store.due = []balance.DueAccount{{Account: "b", Due: 2}, {Account: "a", Due: 5}}
		look(3) // a is due again, at another instant
		ticking.gauge.next.Store(3)
		look(5) // all are applied and both accounts are still due: the broker's clock is behind
		store.due = nil
		look(5)
		if len(ticking.appended) != 0 {
			t.Errorf("remembers %v although nothing is due", ticking.appended)
		}
		if got := testutil.ToFloat64(ticking.metrics.ticks); got != 5 {
			t.Errorf("%v ticks are counted", got)
		}
	})
}

func TestTicksOnTheirWayAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		store := &dueStore{}
		for i := range tickPendingMax + 3*tickAccountsMax {
			store.due = append(store.due, balance.DueAccount{Account: fmt.Sprint("a", i), Due: drawdown.Time(i)})
		}
		ticking := newTicker(w, store)
		for range 2 * tickPendingMax / tickAccountsMax {
			if err := ticking.once(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if got := len(w.ticks()); got != tickPendingMax {
			t.Errorf("%d ticks in the log, want %d", got, tickPendingMax)
		}
	})
}
