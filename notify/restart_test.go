package notify

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// on runs act when a record in a state is about to be appended (before) or has just been.
func (m *memory) on(before bool, state State, act func() error) {
	hook := func(records []OutboxRecord) error {
		for _, r := range records {
			if strings.Contains(string(r.Value), `"state":"`+string(state)+`"`) {
				return act()
			}
		}
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if before {
		m.before = hook
	} else {
		m.after = hook
	}
}

func (m *memory) calm() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.before, m.after = nil, nil
}

// TestACrashAtEachPoint crashes a notifier at each point of a delivery's way, and starts another one.
func TestACrashAtEachPoint(t *testing.T) {
	for name, c := range map[string]struct {
		before bool
		state  State
		sent   int // how often the other side gets the notice in all
	}{
		"before it is put down as pending": {true, StatePending, 1},
		"after":                            {false, StatePending, 1},
		"after it was accepted":            {true, StateDelivered, 2}, // with the same id
		"after it was put down":            {false, StateDelivered, 1},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.account("acme")
				p := w.start()
				crashing := make(chan struct{})
				crashed := false
				w.outbox.on(c.before, c.state, func() error {
					p.link.mu.Lock()
					defer p.link.mu.Unlock()
					p.link.dead = true
					if !crashed {
						crashed = true
						close(crashing)
					}
					return errAway
				})
				ids := w.publish(lowBalance("acme"))
				<-crashing
				p.crash()
				w.outbox.calm()
				w.committed = 0 // at worst
				p = w.start()
				settle()
				expect(t, "sent", len(w.post[Email].tries()), c.sent)
				expect(t, "state", w.state(ids[0], Email, "acme@example.com"), "delivered")
				expect(t, "committed", w.committed, 1)
				p.stop()
			})
		})
	}
}

func TestTheLedgerReadAgainIsNotToldAgain(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.account("acme", "crm")
		w.post[Webhook].always(Outcome{Verdict: Refused, Detail: "not https"})
		for day := range 4 { // on the fifth the endpoint would be disabled
			p := w.start()
			w.publish(lowBalance("acme"))
			after(24 * time.Hour)
			p.stop()
			w.committed = 0
			expect(t, "mails", len(w.post[Email].tries()), day+1)
			expect(t, "records", len(w.states()), 4*(day+1))
		}
	})
}

func TestTriesAndTimesSurviveARestart(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.account("acme", "crm")
		w.post[Webhook].always(Outcome{Verdict: Retry, Detail: "HTTP 503"})
		p := w.start()
		ids := w.publish(lowBalance("acme"))
		after(2 * time.Minute) // three tries; the next in an hour
		p.crash()
		after(10 * time.Minute)
		p = w.start()
		after(45 * time.Minute)
		expect(t, "tries", len(w.post[Webhook].tries()), 3)
		w.post[Webhook].answers(nil)
		after(5 * time.Minute)
		tries := w.post[Webhook].tries()
		expect(t, "tries", len(tries), 4)
		expect(t, "attempt", tries[3].attempt, 4)
		expect(t, "data", tries[3].data, tries[0].data)
		expect(t, "state", w.state(ids[0], Webhook, "crm"), "delivered")
		p.stop()
	})
}

// TestWhatWaitedThroughAStandstillEnds: the log is read back from its last record, not from the present.
func TestWhatWaitedThroughAStandstillEnds(t *testing.T) {
	for name, c := range map[string]struct {
		standstill time.Duration
		state      string
	}{"of days": {5 * 24 * time.Hour, "delivered"}, "of weeks": {20 * 24 * time.Hour, "expired"}} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.account("acme", "crm")
				w.post[Webhook].always(Outcome{Verdict: Retry, Detail: "HTTP 503"})
				p := w.start()
				ids := w.publish(lowBalance("acme"))
				after(2 * time.Minute)
				p.stop()
				w.post[Webhook].answers(nil)
				after(c.standstill)
				p = w.start()
				settle()
				expect(t, "state", w.state(ids[0], Webhook, "crm"), c.state)
				p.stop()
			})
		})
	}
}

func TestARebalanceLetsASendFinish(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.account("acme")
		w.post[Email].answers(func(ctx context.Context, _ *Delivery) Outcome {
			select {
			case <-time.After(5 * time.Second):
				return Outcome{Verdict: Delivered}
			case <-ctx.Done():
				return Outcome{Verdict: Retry, Detail: "cut"}
			}
		})
		p := w.start()
		ids := w.publish(lowBalance("acme"))
		after(3 * time.Second)
		p.stop()
		expect(t, "state", w.state(ids[0], Email, "acme@example.com"), "delivered")
		expect(t, "committed", w.committed, 1)
		p = w.start()
		after(time.Minute)
		expect(t, "mails", len(w.post[Email].tries()), 1)
		p.stop()
	})
}

func TestASendThatHangsIsCutAndMadeAgain(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.account("acme")
		w.post[Email].answers(func(ctx context.Context, _ *Delivery) Outcome {
			<-ctx.Done()
			return Outcome{Verdict: Retry, Detail: "cut"}
		})
		p := w.start()
		w.publish(lowBalance("acme"))
		after(3 * time.Second)
		began := time.Now()
		p.stop()
		expect(t, "stopping took", time.Since(began), w.config.DrainTimeout)
		expectAll(t, "records", w.states(), []string{"101-0/email/acme@example.com pending 0"})
		w.post[Email].answers(nil)
		p = w.start()
		settle()
		expect(t, "mails", len(w.post[Email].tries()), 2)
		expect(t, "attempt", w.post[Email].tries()[1].attempt, 1)
		p.stop()
	})
}

func TestALaneCloses(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.account("acme", "crm")
		w.outbox.setAway(true)
		p := w.start()
		w.publish(lowBalance("acme"))
		after(time.Minute)
		began := time.Now()
		p.stop()
		if took := time.Since(began); took > w.config.AttemptTimeout {
			t.Errorf("closing without the delivery log took %v", took)
		}
		expect(t, "ready", p.notifier.Ready(), nil)
		expect(t, "committed", w.committed, 0)
		w.outbox.setAway(false)
		p = w.start()
		settle()
		expect(t, "mails", len(w.post[Email].tries()), 1)
		p.stop()
	})
}

// TestALateCopyChangesNothing: what has ended stays so, whatever a broker appends after.
func TestALateCopyChangesNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.account("acme")
		p := w.start()
		w.publish(lowBalance("acme"))
		settle()
		p.stop()
		expect(t, "records", len(w.outbox.records), 2)
		if err := w.outbox.append([]OutboxRecord{w.outbox.records[0]}); err != nil {
			t.Fatal(err)
		}
		p = w.start()
		after(time.Minute)
		expect(t, "mails", len(w.post[Email].tries()), 1)
		expect(t, "pending", len(w.list(Filter{State: StatePending})), 0)
		p.stop()
	})
}

func TestAForeignRecordStopsThePartition(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.start()
		defer p.stop()
		if err := w.outbox.append([]OutboxRecord{{Value: []byte(`{"state":"dreaming"}`)}}); err != nil {
			t.Fatal(err)
		}
		_, err := p.notifier.Open(t.Context(), 0)
		if err == nil || !strings.Contains(err.Error(), "none of ours") || errors.Is(err, errAway) {
			t.Errorf("got %v", err)
		}
	})
}

func TestFinishedForgetsByDay(t *testing.T) {
	f := newFinished(48 * time.Hour)
	began := time.Date(2026, 2, 1, 12, 0, 0, 0, time.UTC)
	for day := range 10 {
		f.add(fingerprintOf(string(rune('a'+day))), began.AddDate(0, 0, day))
	}
	f.forget(began.AddDate(0, 0, 9))
	for day := range 10 {
		expect(t, "day "+string(rune('0'+day)), f.has(fingerprintOf(string(rune('a'+day)))), day >= 6)
	}
}
