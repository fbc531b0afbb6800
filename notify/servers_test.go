package notify

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"drawdown"
)

// memory is a delivery log of one partition.
type memory struct {
	mu      sync.Mutex
	records []OutboxRecord
	away    bool
	// before and after are called around an append; an error is answered by it.
	before, after func([]OutboxRecord) error
}

func (m *memory) append(records []OutboxRecord) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.away {
		return errAway
	}
	if m.before != nil {
		if err := m.before(records); err != nil {
			return err
		}
	}
	for _, r := range records {
		r.Appended = time.Now()
		m.records = append(m.records, r)
	}
	if m.after != nil {
		return m.after(records)
	}
	return nil
}

func (m *memory) setAway(away bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.away = away
}

type linkedOutbox struct {
	*memory
	link *link
}

func (o *linkedOutbox) Append(ctx context.Context, _ int32, records []OutboxRecord) error {
	if err := errors.Join(o.link.check(), ctx.Err()); err != nil {
		return err
	}
	return o.append(records)
}

func (m *memory) Last(context.Context, int32) (time.Time, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.records) == 0 {
		return time.Time{}, nil
	}
	return m.records[len(m.records)-1].Appended, nil
}

func (m *memory) Read(_ context.Context, _ int32, since time.Time, take func(*OutboxRecord) error) error {
	m.mu.Lock()
	records := slices.Clone(m.records)
	m.mu.Unlock()
	for i := range records {
		if records[i].Appended.Before(since) {
			continue
		}
		if err := take(&records[i]); err != nil {
			return err
		}
	}
	return nil
}

func (m *memory) Partitions(context.Context) (int32, error) { return 1, nil }

// accounts is a directory.
type accounts struct {
	mu       sync.Mutex
	profiles map[string]*drawdown.Profile
	applied  drawdown.Offset // accounts are as they are after it
	away     bool
}

func (a *accounts) set(p *drawdown.Profile) {
	a.mu.Lock()
	defer a.mu.Unlock()
	copied := *p
	copied.Webhooks = slices.Clone(p.Webhooks)
	a.profiles[p.Account] = &copied
}

func (a *accounts) change(change func(*accounts)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change(a)
}

// Profile implements [Directory].
func (a *accounts) Profile(ctx context.Context, account string, after drawdown.Offset) (drawdown.Profile, error) {
	for {
		a.mu.Lock()
		profile, applied, away := a.profiles[account], a.applied, a.away
		a.mu.Unlock()
		switch {
		case away:
			return drawdown.Profile{}, errAway
		case applied >= after && profile == nil:
			return drawdown.Profile{}, errors.New("no such account")
		case applied >= after:
			copied := *profile
			copied.Webhooks = slices.Clone(profile.Webhooks)
			return copied, nil
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return drawdown.Profile{}, ctx.Err()
		}
	}
}

// operations disables endpoints as the engine does: the account changes and the ledger has a notice.
type operations struct {
	*world
	link *link
}

// Append implements [Operations].
func (o *operations) Append(ctx context.Context, op *Operation) (drawdown.Offset, error) {
	if err := errors.Join(o.link.check(), ctx.Err()); err != nil {
		return 0, err
	}
	endpoint, reason := op.Data["endpoint"].(string), op.Data["reason"].(string)
	o.mu.Lock()
	repeated := slices.ContainsFunc(o.operated, func(before *Operation) bool { return before.ID == op.ID })
	o.operated = append(o.operated, op)
	at := o.offset + 1
	o.mu.Unlock()
	if repeated {
		return at - 1, nil
	}
	o.directory.change(func(a *accounts) {
		if known := webhookOf(a.profiles[op.Account], endpoint); known != nil {
			known.Disabled = reason
		}
	})
	o.publish(&drawdown.WebhookDisabledNotice{Head: head(op.Account), Endpoint: endpoint, Reason: reason})
	return at, nil
}

// otherSide is what is told over a channel.
type otherSide struct {
	mu     sync.Mutex
	answer func(ctx context.Context, d *Delivery) Outcome // nil: it takes everything
	got    []told
}

// told is a try as the other side sees it.
type told struct {
	notice, target string
	attempt        int
	at             time.Time
	data           string
}

func (o *otherSide) sender() Sender { return o }

// Send implements [Sender].
func (o *otherSide) Send(ctx context.Context, d *Delivery) Outcome {
	o.mu.Lock()
	o.got = append(o.got, told{d.Notice.ID, d.Target, d.Attempt, time.Now(), string(d.Notice.Data)})
	answer := o.answer
	o.mu.Unlock()
	if answer == nil {
		return Outcome{Verdict: Delivered, Detail: "ok"}
	}
	return answer(ctx, d)
}

func (o *otherSide) answers(answer func(ctx context.Context, d *Delivery) Outcome) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.answer = answer
}

func (o *otherSide) always(outcome Outcome) {
	o.answers(func(context.Context, *Delivery) Outcome { return outcome })
}

func (o *otherSide) tries() []told {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.got)
}

// targets returns who was told of a notice, in the order of names, each as often as it was.
func (o *otherSide) targets(notice string) (names []string) {
	for _, try := range o.tries() {
		if try.notice == notice {
			names = append(names, try.target)
		}
	}
	slices.Sort(names)
	return names
}
