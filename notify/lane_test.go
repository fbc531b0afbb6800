package notify

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"drawdown"
)

func TestANoticeReachesEverybodyOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		profile := w.account("acme", "crm", "chat")
		profile.Recipients = []string{"boss@example.com"}
		w.directory.set(profile)
		p := w.start()
		ids := w.publish(lowBalance("acme"), &drawdown.GrantAdded{Head: head("acme"), Grant: "g"})
		settle()
		expectAll(t, "mails", w.post[Email].targets(ids[0]), []string{"acme@example.com", "boss@example.com"})
		expectAll(t, "webhooks", w.post[Webhook].targets(ids[0]), []string{"chat", "crm"})
		expect(t, "data", w.post[Email].tries()[0].data, `{"kind":"low_balance","available":"5"}`)
		expect(t, "delivered", len(w.list(Filter{State: StateDelivered})), 4)
		expect(t, "committed", w.committed, 2)
		expect(t, "counted", testutil.ToFloat64(p.notifier.metrics.deliveries.WithLabelValues("email", "delivered")), 2)
		expect(t, "pending", testutil.ToFloat64(p.notifier.metrics.pending.WithLabelValues("webhook")), 0)
		p.stop()
	})
}

func TestARunawayIsToldAndHoldsAreReadOver(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		profile := w.account("acme", "scheduler", "crm")
		profile.Webhooks[1].Kinds = []string{"low_balance"}
		w.directory.set(profile)
		other := w.account("other")
		other.OptOuts = []string{"runaway"}
		w.directory.set(other)
		p := w.start()
		w.publish(
			&drawdown.HoldPlacedEntry{Head: head("acme")}, &drawdown.HoldQueuedEntry{Head: head("acme")},
			&drawdown.HoldReleasedEntry{Head: head("acme")}, &drawdown.HoldExpiredEntry{Head: head("acme")},
		)
		ids := w.publish(
			&drawdown.RunawayNotice{Head: head("acme"), Connection: "c", Job: 4}, &drawdown.RunawayNotice{Head: head("other"), Connection: "c"},
		)
		settle()
		expectAll(t, "mails", w.post[Email].targets(ids[0]), []string{"acme@example.com"})
		expectAll(t, "webhooks", w.post[Webhook].targets(ids[0]), []string{"scheduler"})
		expect(t, "data", w.post[Webhook].tries()[0].data, `{"kind":"runaway","connection":"c","job":4,"used":"0","usual":"0"}`)
		expect(t, "deliveries", len(w.list(Filter{})), 2)
		expect(t, "committed", w.committed, 6)
		m := p.notifier.metrics
		expect(t, "kinds", testutil.CollectAndCount(m.notices), len(Kinds))
		for _, kind := range Kinds {
			want := map[Kind]float64{Runaway: 2}[kind]
			expect(t, string(kind), testutil.ToFloat64(m.notices.WithLabelValues(string(kind))), want)
		}
		for _, s := range []stage{stageDirectory, stageLog, stageOperations, stageRoom} {
			expect(t, string(s), testutil.ToFloat64(m.errors.WithLabelValues(string(s))), 0)
		}
		p.stop()
	})
}

func TestAFailingWebhookIsTriedOnSchedule(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.account("acme", "crm")
		w.post[Webhook].always(Outcome{Verdict: Retry, Detail: "HTTP 503"})
		p := w.start()
		ids := w.publish(lowBalance("acme"))
		began := time.Now()
		after(5 * 24 * time.Hour)
		var waits []time.Duration
		for i, try := range w.post[Webhook].tries() {
			expect(t, "attempt", try.attempt, i+1)
			waits = append(waits, try.at.Sub(began))
		}
		day := 24 * time.Hour
		minute := 65 * time.Second
		expectAll(t, "tries", waits, []time.Duration{
			0, 5 * time.Second, minute, minute + time.Hour, minute + time.Hour + day, minute + time.Hour + 2*day, minute + time.Hour + 3*day,
		})
		last := w.list(Filter{Channel: Webhook})[0]
		expect(t, "state", last.State, StateExpired)
		expect(t, "tries", last.Tries, 7)
		expect(t, "detail", last.Detail, "given up, last: HTTP 503")
		expectAll(t, "mails", w.post[Email].targets(ids[0]), []string{"acme@example.com"})
		p.stop()
	})
}

func TestTheOtherSideMayAskForALongerWait(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.account("acme")
		began := time.Now()
		w.post[Email].answers(func(context.Context, *Delivery) Outcome {
			if time.Since(began) < 24*time.Hour {
				return Outcome{Verdict: Retry, Detail: "451 later", RetryAfter: 40 * time.Hour}
			}
			return Outcome{Verdict: Delivered}
		})
		p := w.start()
		w.publish(lowBalance("acme"))
		after(25 * time.Hour)
		tries := w.post[Email].tries()
		expect(t, "tries", len(tries), 2)
		expect(t, "wait", tries[1].at.Sub(tries[0].at), 24*time.Hour)
		p.stop()
	})
}

func TestWhatIsRefusedIsNotTriedAgain(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.account("acme", "crm")
		w.post[Email].always(Outcome{Verdict: Refused, Detail: "550 no such user"})
		w.post[Webhook].always(Outcome{Verdict: Refused, Detail: "not https"})
		p := w.start()
		w.publish(lowBalance("acme"))
		after(72 * time.Hour)
		expect(t, "mails", len(w.post[Email].tries()), 1)
		expect(t, "webhooks", len(w.post[Webhook].tries()), 1)
		refused := w.list(Filter{State: StateRefused})
		expect(t, "refused", len(refused), 2)
		expect(t, "detail", refused[0].Detail, "550 no such user")
		p.stop()
	})
}

func TestAChannelThatIsNotConfiguredSaysSo(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.account("acme")
		p := w.start()
		p.notifier.channels[Email].sender = orNone(nil, Email)
		w.publish(lowBalance("acme"))
		settle()
		expect(t, "detail", w.list(Filter{State: StateRefused})[0].Detail, "nothing is configured to send by email")
		p.stop()
	})
}

// exhausted is what a purchase that fails for good causes.
func exhausted(account string) []drawdown.Entry {
	return []drawdown.Entry{
		&drawdown.PurchaseFailedEntry{Head: head(account), Purchase: "p", Reason: "card_declined"},
		&drawdown.StatusChanged{Head: head(account), From: drawdown.Purchasing, To: drawdown.PaymentFailed},
	}
}

func TestAFailedPaymentIsMailedOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.account("acme", "crm")
		p := w.start()
		ids := w.publish(exhausted("acme")...)
		settle()
		expect(t, "mails of the failure", len(w.post[Email].targets(ids[0])), 1)
		expect(t, "mails of the exhaustion", len(w.post[Email].targets(ids[1])), 0)
		expect(t, "webhooks", len(w.post[Webhook].tries()), 2)
		expect(t, "committed", w.committed, 2)
		// In another record it is news of its own.
		w.publish(exhausted("acme")[0])
		later := w.publish(exhausted("acme")[1])
		settle()
		expect(t, "mails of a later exhaustion", len(w.post[Email].targets(later[0])), 1)
		p.stop()
	})
}

func TestWhoOptedOutOfFailuresIsMailedTheExhaustion(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		profile := w.account("acme")
		profile.OptOuts = []string{string(PaymentFailed)}
		w.directory.set(profile)
		p := w.start()
		ids := w.publish(exhausted("acme")...)
		settle()
		expect(t, "mails of the failure", len(w.post[Email].targets(ids[0])), 0)
		expect(t, "mails of the exhaustion", len(w.post[Email].targets(ids[1])), 1)
		p.stop()
	})
}

// TestARestartInTheMiddleOfARecord happens when a worker publishes a record's entries in two parts.
func TestARestartInTheMiddleOfARecord(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.account("acme")
		p := w.start()
		entries := exhausted("acme")
		w.publish(entries[0])
		settle()
		expect(t, "committed", w.committed, 0)
		p.stop()
		w.mu.Lock()
		second := entries[1].Where()
		second.Offset, second.N, second.At = w.offset, 1, drawdown.TimeOf(time.Now())
		w.ledger = append(w.ledger, event(t, entries[1], 1))
		w.mu.Unlock()
		p = w.start()
		settle()
		expect(t, "mails", len(w.post[Email].tries()), 1)
		expect(t, "committed", w.committed, 2)
		p.stop()
	})
}

func TestOldNewsIsNotTold(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.account("acme")
		entry := func(age time.Duration) *drawdown.LowBalanceNotice {
			return &drawdown.LowBalanceNotice{Head: drawdown.Head{Account: "acme", At: drawdown.TimeOf(time.Now().Add(-age))}}
		}
		fresh := w.publish(entry(71 * time.Hour))
		stale := w.publish(entry(73 * time.Hour))
		w.publish(entry(9 * 24 * time.Hour))
		p := w.start()
		settle()
		expect(t, "fresh", w.state(fresh[0], Email, "acme@example.com"), "delivered")
		expect(t, "stale", w.state(stale[0], Email, "acme@example.com"), "expired")
		expect(t, "all", len(w.list(Filter{})), 2)
		expect(t, "mails", len(w.post[Email].tries()), 1)
		expect(t, "too old", testutil.ToFloat64(p.notifier.metrics.tooOld), 1)
		expect(t, "committed", w.committed, 3)
		p.stop()
	})
}

func TestAnAccountIsReadAsItWasAfterTheRecord(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		profile := w.account("acme")
		w.directory.change(func(a *accounts) { a.applied = 100 })
		p := w.start()
		w.publish(lowBalance("acme"))
		after(5 * time.Second)
		expect(t, "mails before the commit", len(w.post[Email].tries()), 0)
		expect(t, "committed", w.committed, 0)
		profile.Email = "new@example.com"
		w.directory.set(profile)
		w.directory.change(func(a *accounts) { a.applied = 101 })
		settle()
		expect(t, "mailed to", w.post[Email].tries()[0].target, "new@example.com")
		p.stop()
	})
}

func TestAServerThatIsAwayIsNoTry(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.account("acme", "crm")
		w.post[Webhook].always(Outcome{Verdict: Retry, Detail: "HTTP 503"})
		p := w.start()
		w.publish(lowBalance("acme"))
		after(time.Second)
		w.directory.change(func(a *accounts) { a.away = true })
		after(time.Hour)
		expect(t, "tries", len(w.post[Webhook].tries()), 1)
		if err := p.notifier.Ready(); err == nil || !strings.Contains(err.Error(), "read account acme: server away") {
			t.Errorf("ready: %v", err)
		}
		w.directory.change(func(a *accounts) { a.away = false })
		after(3 * time.Minute)
		expect(t, "tries", w.list(Filter{Channel: Webhook})[0].Tries, 3)
		expect(t, "ready", p.notifier.Ready(), nil)
		p.stop()
	})
}

func TestNothingIsSentBeforeItIsPutDown(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.account("acme")
		w.outbox.setAway(true)
		p := w.start()
		w.publish(lowBalance("acme"))
		after(time.Hour)
		expect(t, "mails", len(w.post[Email].tries()), 0)
		expect(t, "committed", w.committed, 0)
		if p.notifier.Ready() == nil {
			t.Error("it is ready without its log")
		}
		w.outbox.setAway(false)
		after(10 * time.Minute)
		expect(t, "mails", len(w.post[Email].tries()), 1)
		expect(t, "committed", w.committed, 1)
		p.stop()
	})
}

func TestTooManyPendingHoldUpTheLedger(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.config.PendingMax = 100
		w.account("acme")
		w.post[Email].always(Outcome{Verdict: Retry, Detail: "421 busy"})
		p := w.start()
		for range 2000 {
			w.publish(lowBalance("acme"))
		}
		after(time.Hour)
		pending := testutil.ToFloat64(p.notifier.metrics.pending.WithLabelValues("email"))
		if pending < 100 || pending > 100+intakeMax {
			t.Errorf("%v are pending", pending)
		}
		if err := p.notifier.Ready(); err == nil || !strings.Contains(err.Error(), "pending_max") {
			t.Errorf("ready: %v", err)
		}
		w.post[Email].answers(nil)
		after(24 * time.Hour)
		expect(t, "delivered", len(w.list(Filter{State: StateDelivered})), 2000)
		expect(t, "committed", w.committed, 2000)
		expect(t, "ready", p.notifier.Ready(), nil)
		p.stop()
	})
}

func TestMailsAreSentSideBySide(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.account("acme")
		w.post[Email].answers(func(context.Context, *Delivery) Outcome {
			time.Sleep(time.Second)
			return Outcome{Verdict: Delivered}
		})
		p := w.start()
		began := time.Now()
		for range 3 * w.config.EmailConcurrencyMax {
			w.publish(lowBalance("acme"))
		}
		after(time.Minute)
		var last time.Time
		for _, r := range w.list(Filter{State: StateDelivered}) {
			last = r.ChangedAt
		}
		expect(t, "deliveries", len(w.list(Filter{State: StateDelivered})), 3*w.config.EmailConcurrencyMax)
		expect(t, "took", last.Sub(began), 3*time.Second)
		p.stop()
	})
}
