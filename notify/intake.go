package notify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"drawdown"
)

const (
	// intakeMax is how many entries become deliveries at a time. Each may become 37 (21 addresses, 16 endpoints).
	intakeMax = 200
	// lookupsMax is how many accounts are read at a time.
	lookupsMax = 16
)

// intake turns entries into deliveries until the lane ends.
func (l *lane) intake() {
	for l.ctx.Err() == nil {
		batch := l.gather()
		if batch == nil || !l.awaitRoom() {
			return
		}
		profiles := l.profiles(batch)
		if profiles == nil {
			return
		}
		l.create(batch, profiles)
	}
}

// gather waits for an entry and takes those behind it too; nil when the lane ends.
func (l *lane) gather() (batch []*entry) {
	select {
	case first := <-l.incoming:
		batch = append(batch, first)
	case <-l.ctx.Done():
		return nil
	}
	for len(batch) < intakeMax {
		select {
		case next := <-l.incoming:
			batch = append(batch, next)
		default:
			return batch
		}
	}
	return batch
}

// awaitRoom waits until there are not too many deliveries pending. It reports false when the lane ends.
func (l *lane) awaitRoom() bool {
	waited := false
	for l.ctx.Err() == nil {
		l.mu.Lock()
		count := len(l.pending)
		l.mu.Unlock()
		if count < l.notifier.config.PendingMax {
			if waited {
				l.workedOn(stageRoom)
			}
			return true
		}
		if !waited {
			l.failedOn(stageRoom, fmt.Errorf("partition %d: %d deliveries are pending, more than pending_max allows: the ledger is not read on", l.partition, count))
			waited = true
		}
		select {
		case <-l.room:
		case <-l.ctx.Done():
		}
	}
	return false
}

// profiles reads each account as it was after its last entry of the batch, or later; nil when the lane ends.
func (l *lane) profiles(batch []*entry) map[string]*drawdown.Profile {
	last := map[string]drawdown.Offset{}
	for _, e := range batch {
		last[e.notice.Account] = max(last[e.notice.Account], e.offset)
	}
	profiles := make(map[string]*drawdown.Profile, len(last))
	for account := range last {
		profiles[account] = &drawdown.Profile{}
	}
	reading, ctx := errgroup.WithContext(l.ctx)
	reading.SetLimit(lookupsMax)
	for account, after := range last {
		profile := profiles[account]
		reading.Go(func() error {
			read := l.insist(ctx, stageDirectory, func(ctx context.Context) (err error) {
				*profile, err = l.notifier.deps.Directory.Profile(ctx, account, after)
				return err
			})
			if !read {
				return errEnded
			}
			return nil
		})
	}
	if reading.Wait() != nil {
		return nil
	}
	return profiles
}

// errEnded ends what works for a lane that has ended.
var errEnded = errors.New("the partition was taken away")

// create has the deliveries of a batch appended. Those that are known from before are left as they are: after a crash the
// ledger is read from before them.
func (l *lane) create(batch []*entry, profiles map[string]*drawdown.Profile) {
	now := time.Now()
	var made []*delivery
	var records []OutboxRecord
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return // whoever owns the partition next reads the entries again
	}
	for _, e := range batch {
		profile := profiles[e.notice.Account]
		for _, t := range targetsOf(e.notice, profile, e.follows && mails(PaymentFailed, profile)) {
			if d, record := l.delivery(e, t, now); d != nil {
				made = append(made, d)
				records = append(records, record)
			}
		}
	}
	l.mu.Unlock()
	l.log.put(records, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		for _, e := range batch {
			e.kept = true
		}
		for _, d := range made {
			if d.born != StatePending {
				l.end(d, d.born)
			} else {
				l.dispatch(d)
			}
		}
	})
}

// delivery makes one, nil where it is known. The lock is held.
func (l *lane) delivery(e *entry, t target, now time.Time) (*delivery, OutboxRecord) {
	key := deliveryID(e.notice.ID, t.channel, t.name)
	d := &delivery{
		lane: l, id: fingerprintOf(key), notice: e.notice, channel: t.channel, target: t.name,
		createdAt: now, nextAt: now, appended: e.appended, born: StatePending, offset: e.offset,
	}
	if l.knows(d.id) {
		return nil, OutboxRecord{}
	}
	detail := ""
	if most := l.notifier.config.NoticeAgeMax; now.Sub(e.notice.At) > most {
		d.born, detail = StateExpired, fmt.Sprintf("older than %v when it was read", most)
	}
	l.await(d)
	return d, l.record(d, d.born, detail)
}
