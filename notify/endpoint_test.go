package notify

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"drawdown"
)

const day = 24 * time.Hour

func (w *world) operations() []*Operation {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]*Operation(nil), w.operated...)
}

// told publishes a notice a day, and returns how often the endpoints were tried in all.
func (w *world) daily(days int) int {
	for range days {
		w.publish(lowBalance("acme"))
		after(day)
	}
	return len(w.post[Webhook].tries())
}

func TestAnEndpointThatIsGoneIsDisabled(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.account("acme", "crm", "chat")
		w.post[Webhook].answers(func(_ context.Context, d *Delivery) Outcome {
			switch {
			case d.Target == "chat":
				return Outcome{Verdict: Delivered}
			case d.Attempt == 1:
				return Outcome{Verdict: Retry, Detail: "HTTP 500", RetryAfter: time.Hour}
			default:
				return Outcome{Verdict: Gone, Detail: "HTTP 410"}
			}
		})
		p := w.start()
		first := w.publish(lowBalance("acme"))
		began := time.Now()
		after(time.Minute)
		second := w.publish(lowBalance("acme"))
		after(time.Hour - 30*time.Second) // it waits for 30 s more
		expect(t, "operations", len(w.operations()), 1)
		op := w.operations()[0]
		expect(t, "operation", fmt.Sprint(op.Type, op.Account, op.Source, op.Data), "webhook.disabledacmedrawdown/notifymap[endpoint:crm reason:gone: HTTP 410]")
		expect(t, "operation's id", op.ID, "disabled/crm/"+drawdown.TimeOf(began).String())
		expect(t, "the delivery that found out", w.state(first[0], Webhook, "crm"), "dropped")
		expect(t, "the one that waited", w.state(second[0], Webhook, "crm"), "dropped")
		expect(t, "tries of it", len(w.post[Webhook].targets(second[0])), 2)
		expect(t, "mails of it all", len(w.post[Email].tries()), 3)
		third := w.publish(lowBalance("acme"))
		settle()
		expectAll(t, "told from then on", w.post[Webhook].targets(third[0]), []string{"chat"})
		p.stop()
	})
}

func TestAnEndpointThatFailsForDaysIsDisabled(t *testing.T) {
	for name, restart := range map[string]bool{"in one process": false, "over restarts": true} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.account("acme", "crm")
				w.post[Webhook].always(Outcome{Verdict: Retry, Detail: "HTTP 503"})
				p := w.start()
				began := time.Now()
				for today := range 5 {
					expect(t, fmt.Sprint("operations on day ", today), len(w.operations()), 0)
					w.daily(1)
					if restart {
						p.crash()
						p = w.start()
					}
				}
				after(2 * time.Hour)
				expect(t, "operations", len(w.operations()), 1)
				op := w.operations()[0]
				expect(t, "operation's id", op.ID, "disabled/crm/"+drawdown.TimeOf(began).String())
				expect(t, "reason", op.Data["reason"].(string), "no delivery succeeded since 2000-01-01T00:00:00Z, last: HTTP 503")
				expect(t, "pending", len(w.list(Filter{State: StatePending})), 0)
				p.stop()
			})
		})
	}
}

func TestASuccessBeginsAnew(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.account("acme", "crm")
		w.post[Webhook].always(Outcome{Verdict: Retry, Detail: "HTTP 503"})
		p := w.start()
		w.daily(4)
		w.post[Webhook].answers(nil)
		w.daily(1)
		w.post[Webhook].always(Outcome{Verdict: Retry, Detail: "HTTP 503"})
		p.crash()
		p = w.start()
		w.daily(4)
		expect(t, "operations", len(w.operations()), 0)
		p.stop()
	})
}

// TestARepairedURLBeginsAnew: one failure of a new URL is not five days of failures.
func TestARepairedURLBeginsAnew(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		profile := w.account("acme", "crm")
		w.post[Webhook].always(Outcome{Verdict: Retry, Detail: "HTTP 503"})
		p := w.start()
		w.daily(4)
		profile.Webhooks[0].URL = "https://repaired.example/"
		w.directory.set(profile)
		p.crash()
		p = w.start()
		w.daily(4)
		expect(t, "operations", len(w.operations()), 0)
		w.daily(2)
		expect(t, "operations", len(w.operations()), 1)
		p.stop()
	})
}

func TestAnEndpointThatWasRemovedDropsWhatWaits(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		profile := w.account("acme", "crm", "chat")
		w.post[Webhook].always(Outcome{Verdict: Retry, Detail: "HTTP 503"})
		p := w.start()
		ids := w.publish(lowBalance("acme"))
		after(2 * time.Minute)
		profile.Webhooks = profile.Webhooks[:1]
		profile.Webhooks[0].Disabled = "by hand"
		w.directory.set(profile)
		tries := len(w.post[Webhook].tries())
		after(2 * time.Hour)
		expect(t, "tries", len(w.post[Webhook].tries()), tries)
		for _, r := range w.list(Filter{State: StateDropped}) {
			want := map[string]string{"crm": "the endpoint is disabled: by hand", "chat": "the endpoint was removed"}[r.Target]
			expect(t, "detail of "+r.Target, r.Detail, want)
			expect(t, "failing", r.FailingSince.IsZero(), true)
		}
		expect(t, "state", w.state(ids[0], Webhook, "chat"), "dropped")
		p.stop()
		expect(t, "known endpoints", len(p.lane.(*lane).endpoints), 0)
	})
}

func TestDisablingIsRepeatedUntilItWorks(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.account("acme", "crm")
		w.post[Webhook].always(Outcome{Verdict: Gone, Detail: "HTTP 410"})
		p := w.start()
		failing := &failingOperations{Operations: p.notifier.deps.Operations, failures: 5}
		p.notifier.deps.Operations = failing
		ids := w.publish(lowBalance("acme"))
		after(100 * time.Millisecond)
		if err := p.notifier.Ready(); err == nil || !strings.Contains(err.Error(), "disable webhook endpoint crm of account acme: server away") {
			t.Errorf("ready: %v", err)
		}
		after(5 * time.Minute)
		expect(t, "operations", len(w.operations()), 1)
		expect(t, "tries", len(w.post[Webhook].tries()), 1)
		expect(t, "state", w.state(ids[0], Webhook, "crm"), "dropped")
		expect(t, "ready", p.notifier.Ready(), nil)
		p.stop()
	})
}

type failingOperations struct {
	Operations
	failures int
}

func (f *failingOperations) Append(ctx context.Context, o *Operation) (drawdown.Offset, error) {
	if f.failures--; f.failures >= 0 {
		return 0, errors.Join(errAway)
	}
	return f.Operations.Append(ctx, o)
}

// TestSlowEndpointsHoldUpNobody: 100 accounts have endpoints that hang, more than there are workers.
func TestSlowEndpointsHoldUpNobody(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.config.WebhookConcurrencyMax, w.config.WebhookRetryConcurrencyMax = 8, 8
		w.post[Webhook].answers(func(ctx context.Context, d *Delivery) Outcome {
			if d.Target != "slow" {
				return Outcome{Verdict: Delivered}
			}
			select {
			case <-time.After(15 * time.Second):
			case <-ctx.Done():
			}
			return Outcome{Verdict: Retry, Detail: "timeout"}
		})
		for i := range 100 {
			w.account(fmt.Sprint("slow-", i), "slow")
		}
		w.account("acme", "crm")
		p := w.start()
		for range 3 {
			for i := range 100 {
				w.publish(lowBalance(fmt.Sprint("slow-", i)))
			}
		}
		after(5 * time.Minute) // each has failed by now
		for range 20 {
			for i := range 100 {
				w.publish(lowBalance(fmt.Sprint("slow-", i)))
			}
			began := time.Now()
			ids := w.publish(lowBalance("acme"))
			after(time.Second)
			expectAll(t, "told", w.post[Webhook].targets(ids[0]), []string{"crm"})
			for _, try := range w.post[Webhook].tries() {
				if try.notice == ids[0] && try.at.Sub(began) > 100*time.Millisecond {
					t.Errorf("told after %v", try.at.Sub(began))
				}
			}
		}
		p.stop()
	})
}

// TestOneTryAtATimeForAnEndpoint: an endpoint that hangs takes one worker.
func TestOneTryAtATimeForAnEndpoint(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.account("acme", "crm")
		underWay, most := make(chan struct{}, 100), 0
		w.post[Webhook].answers(func(context.Context, *Delivery) Outcome {
			underWay <- struct{}{}
			most = max(most, len(underWay))
			time.Sleep(time.Second)
			<-underWay
			return Outcome{Verdict: Delivered}
		})
		p := w.start()
		for range 20 {
			w.publish(lowBalance("acme"))
		}
		after(time.Minute)
		expect(t, "at a time", most, 1)
		expect(t, "delivered", len(w.list(Filter{State: StateDelivered, Channel: Webhook})), 20)
		p.stop()
	})
}

func TestLongNamesOfOperations(t *testing.T) {
	at := time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
	expect(t, "short", operationID("crm", at), "disabled/crm/2026-02-01T00:00:00Z")
	long := operationID(strings.Repeat("x", 128), at)
	if len(long) > drawdown.MaxIDLen || long == operationID(strings.Repeat("x", 128), at.Add(time.Second)) {
		t.Errorf("got %s", long)
	}
}
