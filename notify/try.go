package notify

import (
	"container/heap"
	"context"
	"fmt"
	"strings"
	"time"

	"drawdown"
)

// attempt is what came of working on a delivery: one try, or the reason for none.
type attempt struct {
	state    State
	outcome  Outcome // of a try
	tried    bool
	receiver string // the URL's hash, for a webhook
	detail   string
}

// work makes one try of a delivery. It is called by a worker.
//
// It may be interrupted between any two lines: whoever reads the delivery log next tries again. Where the other side had
// accepted the notice and the outcome could not be put down, it gets it twice, with the same id.
func (d *delivery) work() {
	l := d.lane
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return
	}
	l.tries.Add(1)
	l.mu.Unlock()
	defer l.tries.Done()
	a, err := l.try(d)
	switch {
	case err == nil:
		l.settle(d, &a)
	case l.ctx.Err() == nil:
		l.postpone(d)
	}
}

// try makes a try, unless nobody is there to get the notice any more. An error is on our side.
func (l *lane) try(d *delivery) (attempt, error) {
	if most := l.notifier.config.Horizon; time.Since(d.notice.At) > most {
		return attempt{state: StateExpired, detail: fmt.Sprintf("not tried before it was %v old", most)}, nil
	}
	if sentenced := l.sentenceOf(d); sentenced != nil {
		return l.carryOut(d, sentenced)
	}
	profile, err := l.profileFor(d)
	if err != nil {
		return attempt{}, err
	}
	a := attempt{}
	if d.channel == Webhook {
		endpoint := webhookOf(profile, d.target)
		switch {
		case endpoint == nil:
			return l.drop(d, "the endpoint was removed"), nil
		case endpoint.Disabled != "":
			return l.drop(d, "the endpoint is disabled: "+endpoint.Disabled), nil
		}
		a.receiver = receiverOf(endpoint.URL)
	}
	if l.ctx.Err() != nil {
		return attempt{}, errEnded
	}
	a.outcome, a.tried = l.send(d, profile), true
	if l.sends.Err() != nil && a.outcome.Verdict != Delivered {
		return attempt{}, errEnded // it was cut short: no outcome of the other side's
	}
	return l.conclude(d, a)
}

// profileFor reads the account as it is, and at least as it was when the notice was caused and after the notifier itself
// changed it: a store that fell back is waited for.
func (l *lane) profileFor(d *delivery) (*drawdown.Profile, error) {
	after := d.offset
	l.mu.Lock()
	if e := l.endpointOf(d); e != nil {
		after = max(after, e.disabledBy)
	}
	l.mu.Unlock()
	ctx, cancel := context.WithTimeout(l.ctx, l.notifier.config.AttemptTimeout)
	defer cancel()
	profile, err := l.notifier.deps.Directory.Profile(ctx, d.notice.Account, after)
	if err != nil {
		if l.ctx.Err() == nil {
			l.failedOn(stageDirectory, fmt.Errorf("read account %s: %w", d.notice.Account, err))
		}
		return nil, err
	}
	l.workedOn(stageDirectory)
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := l.endpointOf(d); e != nil {
		e.disabledBy = 0 // the account shows it, from now on
	}
	return &profile, nil
}

// send hands the notice to the channel's sender.
func (l *lane) send(d *delivery, profile *drawdown.Profile) Outcome {
	ctx, cancel := context.WithTimeout(l.sends, l.notifier.config.SendTimeout)
	defer cancel()
	m := l.notifier.metrics
	began := time.Now()
	if d.tries == 0 && !d.appended.IsZero() {
		m.lag.Observe(max(0, began.Sub(d.appended).Seconds()))
	}
	outcome := l.notifier.channels[d.channel].sender.Send(ctx, &Delivery{
		Notice: d.notice, Channel: d.channel, Target: d.target, Attempt: d.tries + 1, Profile: profile,
	})
	m.duration.WithLabelValues(string(d.channel)).Observe(time.Since(began).Seconds())
	return outcome
}

// conclude decides from a try's outcome what becomes of the delivery, and of its endpoint.
func (l *lane) conclude(d *delivery, a attempt) (attempt, error) {
	a.detail = a.outcome.Detail
	switch a.outcome.Verdict {
	case Delivered:
		a.state = StateDelivered
	case Refused, Gone:
		a.state = StateRefused
	default:
		a.state = StatePending
	}
	if d.channel != Webhook {
		return a, nil
	}
	l.mu.Lock()
	e := l.endpoint(d.endpoint())
	if a.outcome.Verdict == Delivered {
		e.succeeded()
	} else {
		l.judge(e, d, &a.outcome, a.receiver)
	}
	sentenced := e.condemned
	l.mu.Unlock()
	if sentenced == nil {
		return a, nil
	}
	dropped, err := l.carryOut(d, sentenced)
	dropped.tried = err == nil
	return dropped, err
}

func (l *lane) sentenceOf(d *delivery) *sentence {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := l.endpointOf(d); e != nil {
		return e.condemned
	}
	return nil
}

// carryOut disables an endpoint and drops the delivery to it.
func (l *lane) carryOut(d *delivery, s *sentence) (attempt, error) {
	if err := l.disable(d, s); err != nil {
		return attempt{}, err
	}
	return attempt{state: StateDropped, detail: "the endpoint was disabled: " + s.reason}, nil
}

// drop ends a delivery whose endpoint is not there any more. Set again, the endpoint has not failed yet.
func (l *lane) drop(d *delivery, detail string) attempt {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.endpoint(d.endpoint()).succeeded()
	return attempt{state: StateDropped, detail: detail}
}

// settle has the result put down, and then ends the delivery or lets it wait for its next try.
func (l *lane) settle(d *delivery, a *attempt) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if a.tried {
		d.tries++
	}
	d.failures = 0
	if a.state == StatePending {
		wait, more := l.notifier.channels[d.channel].schedule(d.notice.ID, d.tries)
		d.nextAt = time.Now().Add(max(wait, min(a.outcome.RetryAfter, askedWaitMax)))
		if !more {
			a.state, a.detail = StateExpired, "given up, last: "+a.detail
		}
	}
	record := l.record(d, a.state, clip(a.detail))
	l.free(d)
	l.log.put([]OutboxRecord{record}, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if a.state == StatePending {
			l.notifier.metrics.count(d.channel, resultRetry)
			l.dispatch(d)
		} else {
			l.end(d, a.state)
		}
	})
}

// postpone lets a delivery wait after a failure on our side, which is no try.
func (l *lane) postpone(d *delivery) {
	l.mu.Lock()
	defer l.mu.Unlock()
	d.failures++
	d.nextAt = time.Now().Add(l.notifier.pause(d.failures))
	l.free(d)
	if !l.closed {
		heap.Push(&l.due, d)
		signal(l.sooner)
	}
}

// detailMax bounds what is kept of why: 128 bytes are also what a reason in the log may have.
const detailMax = drawdown.MaxNameLen

// clip shortens a text to what is kept of it, between two characters.
func clip(text string) string {
	text = strings.ToValidUTF8(text, "")
	if len(text) <= detailMax {
		return text
	}
	return strings.ToValidUTF8(text[:detailMax-len("…")], "") + "…"
}
