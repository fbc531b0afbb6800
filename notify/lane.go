package notify

import (
	"context"
	"sync"
	"time"

	"drawdown"
	"drawdown/consumer/feed"
)

// lane tells the notices of one partition of the ledger. It implements [feed.Lane].
//
// An entry becomes deliveries, which are appended to the delivery log as pending before the entry may be forgotten; from
// then on that log is what the lane works from. Every try is put down there before the delivery goes on.
type lane struct {
	notifier  *Notifier
	partition int32
	ctx       context.Context // ends when the partition is taken away
	sends     context.Context // ends some time after it: what is being sent may finish
	cutSends  context.CancelFunc
	log       *writer
	incoming  chan *entry
	room      chan struct{} // has one element when a delivery has ended
	sooner    chan struct{} // has one element when something may be due earlier than it was
	running   sync.WaitGroup

	mu        sync.Mutex
	closed    bool
	entries   []*entry // in order; the first is not kept in the delivery log
	failed    failedPurchase
	pending   map[fingerprint]*delivery
	finished  *finished
	due       dueQueue // those pending that wait for their time
	endpoints map[endpointName]*endpoint
	tries     sync.WaitGroup // under way
}

// entry is an entry of the ledger that is news.
type entry struct {
	notice   *Notice
	offset   drawdown.Offset // of the record that caused it
	position int64           // in the ledger
	appended time.Time       // to the ledger
	// follows is whether a PaymentFailed of the same record came before it.
	follows bool
	kept    bool // its deliveries stand in the delivery log; guarded by lane.mu
}

// failedPurchase is the last PaymentFailed, as long as an Exhausted of the same record may follow.
type failedPurchase struct {
	open     bool
	account  string
	offset   drawdown.Offset
	position int64
}

// incomingMax is how many entries may wait to become deliveries: some batches.
const incomingMax = 1000

// Take implements [feed.Lane].
func (l *lane) Take(ctx context.Context, e *feed.Event) error {
	notice, err := noticeOf(e)
	if err != nil {
		return err
	}
	follows := l.follows(e, notice)
	if notice == nil {
		return nil
	}
	if time.Since(notice.At) > l.notifier.config.Horizon {
		l.notifier.metrics.tooOld.Inc()
		return nil
	}
	l.notifier.metrics.notices.WithLabelValues(string(notice.Kind)).Inc()
	taken := &entry{notice: notice, offset: e.Offset, position: e.Position, appended: e.Appended, follows: follows}
	l.mu.Lock()
	l.entries = append(l.entries, taken)
	l.mu.Unlock()
	select {
	case l.incoming <- taken:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// follows reports whether an entry is an Exhausted after a PaymentFailed of the same record, and notes a PaymentFailed.
func (l *lane) follows(e *feed.Event, notice *Notice) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed.open && e.Offset != l.failed.offset {
		l.failed = failedPurchase{}
	}
	switch {
	case notice == nil:
		return false
	case notice.Kind == PaymentFailed:
		l.failed = failedPurchase{open: true, account: e.Account, offset: e.Offset, position: e.Position}
		return false
	case notice.Kind == Exhausted && l.failed.open && l.failed.account == e.Account:
		l.failed = failedPurchase{}
		return true
	default:
		return false
	}
}

// CaughtUp implements [feed.Lane]. What was done before stands in the delivery log, so nothing waits for it.
func (l *lane) CaughtUp(context.Context) error { return nil }

// Done implements [feed.Lane]: an entry is not needed again when its deliveries stand in the delivery log. A failed
// purchase is needed until it is known that no exhaustion of the same record follows: a lane that began between the two
// would mail twice.
func (l *lane) Done(next int64) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.entries) > 0 && l.entries[0].kept {
		l.entries[0] = nil
		l.entries = l.entries[1:]
	}
	if len(l.entries) > 0 {
		next = min(next, l.entries[0].position)
	}
	if l.failed.open {
		next = min(next, l.failed.position)
	}
	return next
}

// Close implements [feed.Lane]. What is being sent gets time to finish, and what came of it is put down, so that the next
// owner does not send it again.
func (l *lane) Close() {
	l.mu.Lock()
	l.closed = true
	for _, d := range l.pending {
		l.notifier.metrics.pending.WithLabelValues(string(d.channel)).Dec()
	}
	l.mu.Unlock()
	late := time.AfterFunc(l.notifier.config.DrainTimeout, l.cutSends)
	l.tries.Wait()
	late.Stop()
	l.cutSends()
	l.running.Wait()
	l.log.close(l.notifier.config.AttemptTimeout)
	l.leave()
}

// await adds a delivery to those pending. The lock is held.
func (l *lane) await(d *delivery) {
	l.pending[d.id] = d
	l.notifier.metrics.pending.WithLabelValues(string(d.channel)).Inc()
}

// end takes a delivery off those pending, whose end stands in the delivery log. The lock is held.
func (l *lane) end(d *delivery, state State) {
	delete(l.pending, d.id)
	l.finished.add(d.id, time.Now())
	if !l.closed {
		l.notifier.metrics.pending.WithLabelValues(string(d.channel)).Dec()
	}
	l.notifier.metrics.count(d.channel, ends[state])
	signal(l.room)
}

// knows reports whether there is or was such a delivery. The lock is held.
func (l *lane) knows(id fingerprint) bool {
	return l.pending[id] != nil || l.finished.has(id)
}
