package notify

import (
	"cmp"
	"container/heap"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"drawdown"
)

// Source is the source of the operations that the notifier appends.
const Source = "drawdown/notify"

// endpointName is a webhook endpoint of an account.
type endpointName struct{ account, endpoint string }

// endpoint is what a lane knows of a webhook endpoint that is busy or has failed. One delivery to it is tried at a time: an
// endpoint that hangs takes one worker, however much it is sent. Guarded by lane.mu.
type endpoint struct {
	busy    bool
	waiting []*delivery // due, in their order
	// failingSince is when it failed first since its last success, and receiver the URL that did; zero where it does not.
	failingSince time.Time
	receiver     string
	condemned    *sentence
	// disabledBy is the operation that disabled it last: accounts are read as they are after it. 0 for none.
	disabledBy drawdown.Offset
}

// sentence is that an endpoint is to be disabled.
type sentence struct {
	since  time.Time // with the endpoint it names the operation, so that a repetition is the same
	reason string
}

// idle reports whether there is nothing to know.
func (e *endpoint) idle() bool {
	return !e.busy && len(e.waiting) == 0 && e.failingSince.IsZero() && e.condemned == nil && e.disabledBy == 0
}

func (d *delivery) endpoint() endpointName { return endpointName{d.notice.Account, d.target} }

// endpoint finds or makes what is known of one. The lock is held.
func (l *lane) endpoint(name endpointName) *endpoint {
	e := l.endpoints[name]
	if e == nil {
		e = &endpoint{}
		l.endpoints[name] = e
	}
	return e
}

// endpointOf is what is known of a delivery's endpoint; nil where nothing is, and for e-mail. The lock is held.
func (l *lane) endpointOf(d *delivery) *endpoint {
	if d.channel != Webhook {
		return nil
	}
	return l.endpoints[d.endpoint()]
}

// dispatchWebhook gives a delivery to the workers when its endpoint is free. The first try to one that is failing counts as
// another try: it would most likely fail as slowly as those before. The lock is held.
func (l *lane) dispatchWebhook(d *delivery) {
	e := l.endpoint(d.endpoint())
	if e.busy {
		e.waiting = append(e.waiting, d)
		return
	}
	e.busy = true
	l.notifier.channels[Webhook].give(d, d.tries > 0 || !e.failingSince.IsZero())
}

// free lets the next delivery to an endpoint be tried. The lock is held.
func (l *lane) free(d *delivery) {
	if d.channel != Webhook {
		return
	}
	e := l.endpoint(d.endpoint())
	e.busy = false
	if len(e.waiting) > 0 {
		next := e.waiting[0]
		e.waiting[0] = nil
		e.waiting = e.waiting[1:]
		l.dispatch(next)
	}
	if e.idle() {
		delete(l.endpoints, d.endpoint())
	}
}

// succeeded ends the failing of an endpoint. The lock is held.
func (e *endpoint) succeeded() { e.failingSince, e.receiver, e.condemned = time.Time{}, "", nil }

// failedAt notes that a try failed. A URL that was not tried before begins anew: it may be the repair.
func (e *endpoint) failedAt(now time.Time, receiver string) {
	if e.failingSince.IsZero() || e.receiver != receiver {
		e.failingSince, e.receiver = now, receiver
	}
}

// judge decides whether an endpoint is dead, after a try that failed. The lock is held.
func (l *lane) judge(e *endpoint, d *delivery, o *Outcome, receiver string) {
	now := time.Now()
	if o.Verdict == Gone {
		// Without failures before, the notice's time names the operation: it is the same when the try is repeated.
		since := d.notice.At
		if !e.failingSince.IsZero() && e.receiver == receiver {
			since = e.failingSince
		}
		e.condemned = &sentence{since: since, reason: clip("gone: " + cmp.Or(o.Detail, "it said so"))}
		return
	}
	e.failedAt(now, receiver)
	if failing := now.Sub(e.failingSince); failing >= l.notifier.config.DisableAfter {
		e.condemned = &sentence{
			since:  e.failingSince,
			reason: clip(fmt.Sprintf("no delivery succeeded since %s, last: %s", drawdown.TimeOf(e.failingSince), o.Detail)),
		}
	}
}

// disable carries a sentence out: an operation in the log, after which the account has the endpoint disabled and a notice
// tells of it.
func (l *lane) disable(d *delivery, s *sentence) error {
	ctx, cancel := context.WithTimeout(l.sends, l.notifier.config.AttemptTimeout)
	defer cancel()
	offset, err := l.notifier.deps.Operations.Append(ctx, &Operation{
		Type: drawdown.WebhookDisabled, Account: d.notice.Account, Source: Source, Time: time.Now(),
		ID:   operationID(d.target, s.since),
		Data: map[string]any{"endpoint": d.target, "reason": s.reason},
	})
	if err != nil {
		if l.sends.Err() == nil {
			l.failedOn(stageOperations, fmt.Errorf("disable webhook endpoint %s of account %s: %w", d.target, d.notice.Account, err))
		}
		return err
	}
	l.workedOn(stageOperations)
	l.notifier.metrics.disabled.Inc()
	l.notifier.deps.Logger.Info("disabled a webhook endpoint", "account", d.notice.Account, "endpoint", d.target, "reason", s.reason)
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.endpoint(d.endpoint())
	e.succeeded()
	e.disabledBy = offset
	l.hurry(d.endpoint())
	return nil
}

// hurry makes all that waits for its time at an endpoint due now: it will be dropped. The lock is held.
func (l *lane) hurry(name endpointName) {
	now := time.Now()
	for _, d := range l.due {
		if d.channel == Webhook && d.endpoint() == name {
			d.nextAt = now
		}
	}
	heap.Init(&l.due)
	signal(l.sooner)
}

// operationID names the disabling of an endpoint. What would be too long for an id is replaced by its hash.
func operationID(endpoint string, since time.Time) string {
	id := "disabled/" + endpoint + "/" + drawdown.TimeOf(since).String()
	if len(id) <= drawdown.MaxIDLen {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return "disabled/" + hex.EncodeToString(sum[:])
}
