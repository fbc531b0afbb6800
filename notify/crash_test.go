package notify

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"drawdown"
)

// TestCrashesAtRandom lets notifiers crash, stop, lose servers and answers at random, while accounts get notices and the
// other sides fail as they like. In the end everybody was told of everything at least once, or a record says why not; and
// nobody was told again after a record said that they were. DRAWDOWN_SEED repeats one run.
func TestCrashesAtRandom(t *testing.T) {
	seeds := []uint64{}
	if text := os.Getenv("DRAWDOWN_SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seeds = append(seeds, seed)
	}
	for len(seeds) < 12 && os.Getenv("DRAWDOWN_SEED") == "" {
		seeds = append(seeds, rand.Uint64())
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { roughWeek(t, rand.New(rand.NewPCG(seed, 1))) })
		})
	}
}

const roughAccounts = 5

// want is a delivery that must end, and what must become of it.
type want struct {
	channel        Channel
	notice, target string
}

func roughWeek(t *testing.T, random *rand.Rand) {
	w := newWorld(t)
	for i := range roughAccounts {
		w.account(fmt.Sprint("account-", i), "one", "two")
	}
	roll := func(sides int) int { w.mu.Lock(); defer w.mu.Unlock(); return random.IntN(sides) }
	dice := func(sides int) bool { return roll(sides) == 0 }
	for _, side := range w.post {
		side.answers(func(ctx context.Context, _ *Delivery) Outcome {
			if dice(4) {
				time.Sleep(3 * time.Second)
			}
			if dice(3) || ctx.Err() != nil {
				return Outcome{Verdict: Retry, Detail: "not now"}
			}
			return Outcome{Verdict: Delivered}
		})
	}
	// Appends are lost before or after they happened, and some happen again later.
	var copies []OutboxRecord
	w.outbox.before = func(records []OutboxRecord) error {
		switch {
		case dice(10):
			return errAway
		case dice(10):
			copies = append(copies, records...)
		}
		return nil
	}
	w.outbox.after = func([]OutboxRecord) error {
		if dice(10) {
			return errAway
		}
		return nil
	}
	var wanted []want
	p := w.start()
	for range 60 {
		for range 1 + roll(3) {
			account := fmt.Sprint("account-", roll(roughAccounts))
			for _, id := range w.publish(lowBalance(account), &drawdown.StatusChanged{Head: head(account), From: drawdown.Exhausted, To: drawdown.Active}) {
				wanted = append(wanted, want{Email, id, account + "@example.com"}, want{Webhook, id, "one"}, want{Webhook, id, "two"})
			}
		}
		time.Sleep(time.Duration(roll(int(20 * time.Second))))
		switch roll(6) {
		case 0:
			p.crash()
			p = w.start()
		case 1:
			p.stop()
			if dice(2) {
				w.committed = 0
			}
			p = w.start()
		case 2:
			w.directory.change(func(a *accounts) { a.away = !a.away })
		case 3:
			w.outbox.mu.Lock()
			for _, r := range copies {
				r.Appended = time.Now()
				w.outbox.records = append(w.outbox.records, r)
			}
			copies = nil
			w.outbox.mu.Unlock()
		}
	}
	w.directory.change(func(a *accounts) { a.away = false })
	w.outbox.calm()
	for _, side := range w.post {
		side.answers(nil)
	}
	after(49 * time.Hour)
	p.stop()
	w.check(t, wanted)
}

// check compares what the other sides got with what the delivery log says.
func (w *world) check(t *testing.T, wanted []want) {
	records := map[string]DeliveryRecord{}
	for _, r := range w.list(Filter{}) {
		records[r.ID] = r
	}
	expect(t, "deliveries", len(records), len(wanted))
	expect(t, "committed", w.committed, int64(len(w.ledger)))
	tries := map[string][]told{}
	for channel, side := range w.post {
		for _, try := range side.tries() {
			id := deliveryID(try.notice, channel, try.target)
			tries[id] = append(tries[id], try)
		}
	}
	ends := w.ends(t)
	for _, want := range wanted {
		id := deliveryID(want.notice, want.channel, want.target)
		state := records[id].State
		switch {
		case state == StateDelivered && len(tries[id]) == 0:
			t.Errorf("%s is put down as delivered and was not sent", id)
		case state != StateDelivered && state != StateExpired:
			t.Errorf("%s is %q", id, state)
		}
		for _, try := range tries[id] {
			if try.at.After(ends[id]) {
				t.Errorf("%s was sent at %v, after the record that it is %s", id, try.at, state)
			}
		}
	}
}

// ends returns when the delivery log said first that a delivery has ended.
func (w *world) ends(t *testing.T) map[string]time.Time {
	ends := map[string]time.Time{}
	for _, o := range w.outbox.records {
		r, err := decodeRecord(o.Value)
		if err != nil {
			t.Fatal(err)
		}
		if _, known := ends[r.ID]; r.State != StatePending && !known {
			ends[r.ID] = o.Appended
		}
	}
	return ends
}
