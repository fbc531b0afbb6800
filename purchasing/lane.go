package purchasing

import (
	"context"
	"errors"
	"sync"
	"time"

	"drawdown/consumer/feed"
)

// lane works on the purchases of one partition of the ledger. It implements [feed.Lane].
//
// Until it has caught up it only listens: most of the purchases that it reads of have their outcome further on in the
// ledger. Then it begins with those that have none. Of an account it works on one attempt at a time, in the order of the
// ledger.
type lane struct {
	purchaser *Purchaser
	ctx       context.Context // ends when the partition is taken away

	mu       sync.Mutex
	caughtUp bool
	closed   bool
	accounts map[string]*queue // those with tasks
	ordered  []*task           // by position; the first is not done
	steps    sync.WaitGroup    // under way
}

// queue is the tasks of one account.
type queue struct {
	lane    *lane
	account string
	tasks   []*task // the first is being worked on, or waits for its next try
	running bool    // the first is with the workers, or waits for a timer
}

// Take implements [feed.Lane].
func (l *lane) Take(_ context.Context, e *feed.Event) error {
	if !isPurchase(e.Type) {
		return nil
	}
	read, err := readEntry(e)
	if err != nil {
		return err
	}
	switch e.Type {
	case requestedEntry, retriedEntry:
		payment, err := read.payment(e)
		if err != nil {
			return err
		}
		l.add(&task{
			lane: l, payment: payment, position: e.Position, asked: time.UnixMilli(int64(e.At)), appended: e.Appended,
		})
	case settledEntry:
		l.end(e.Account, &read, true)
	case declinedEntry:
		l.refused(e.Account, &read)
	case failedEntry:
		if read.Attempt > 0 {
			l.refused(e.Account, &read)
		} else {
			l.end(e.Account, &read, false)
		}
	}
	return nil
}

// add takes an attempt that the ledger asks for. One of the same purchase before it that is not certain is made certain
// first: it must not be charged beside the new one.
func (l *lane) add(t *task) {
	l.mu.Lock()
	defer l.mu.Unlock()
	q := l.accounts[t.payment.Account]
	if q == nil {
		q = &queue{lane: l, account: t.payment.Account}
		l.accounts[t.payment.Account] = q
	}
	for _, before := range q.tasks {
		before.overtaken = before.overtaken || before.payment.Purchase == t.payment.Purchase
	}
	q.tasks = append(q.tasks, t)
	l.ordered = append(l.ordered, t)
	l.purchaser.metrics.open.Inc()
	l.start(q)
}

// end takes note that a purchase settled, or ended otherwise than by a refusal: by its timeout, or by hand. While the lane
// catches up, what settled is over; anything else that is not certain here is cancelled at the gateway, which also finds a
// charge that was made after all.
func (l *lane) end(account string, read *entry, settled bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	q := l.accounts[account]
	if q == nil {
		return
	}
	for _, t := range q.tasks {
		switch {
		case t.payment.Purchase != read.Purchase || t.reporting || t.done:
		case settled && !l.caughtUp:
			l.finish(t)
		default:
			t.overtaken = true
		}
	}
	l.sweep(q)
}

// refused takes note of an attempt that the log knows as refused, which only matters while the lane catches up: it was
// this program that reported it, when the gateway had said so for good, and nothing of it can be charged any more.
func (l *lane) refused(account string, read *entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	q := l.accounts[account]
	if q == nil || l.caughtUp {
		return
	}
	for _, t := range q.tasks {
		if t.payment.Purchase == read.Purchase && t.payment.Attempt == read.Attempt && !t.done {
			l.finish(t)
		}
	}
	l.sweep(q)
}

// CaughtUp implements [feed.Lane].
func (l *lane) CaughtUp(context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.caughtUp = true
	for _, q := range l.accounts {
		l.start(q)
	}
	return nil
}

// Done implements [feed.Lane]: what must be read again begins with the first attempt whose outcome is not in the log.
func (l *lane) Done(next int64) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.ordered) > 0 && l.ordered[0].done {
		l.ordered[0] = nil
		l.ordered = l.ordered[1:]
	}
	if len(l.ordered) > 0 {
		return l.ordered[0].position
	}
	return next
}

// Close implements [feed.Lane].
func (l *lane) Close() {
	l.mu.Lock()
	l.closed = true
	for _, t := range l.ordered {
		if !t.done {
			l.purchaser.metrics.open.Dec()
		}
	}
	l.mu.Unlock()
	l.steps.Wait()
}

// finish marks a task as done. The lock is held.
func (l *lane) finish(t *task) {
	t.done = true
	if !l.closed {
		l.purchaser.metrics.open.Dec()
	}
}

// sweep removes tasks that are done from a queue at rest. The lock is held.
func (l *lane) sweep(q *queue) {
	if q.running {
		return
	}
	for len(q.tasks) > 0 && q.tasks[0].done {
		q.tasks = q.tasks[1:]
	}
	if len(q.tasks) == 0 {
		delete(l.accounts, q.account)
	}
}

// start gives a queue's first task to the workers, if it has one and they don't have it. The lock is held.
func (l *lane) start(q *queue) {
	if l.caughtUp && !l.closed && !q.running && len(q.tasks) > 0 {
		q.running = true
		l.purchaser.first.Put(q)
	}
}

// report takes note that a task's outcome is certain: the entry that it causes ends nothing here.
func (l *lane) report(t *task) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t.reporting = true
}

// isOvertaken reports whether a later entry has ended the task's purchase meanwhile: the log need not be told of a refusal
// then.
func (l *lane) isOvertaken(t *task) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return t.overtaken
}

// work makes one try of the queue's first task. It is called by a worker.
func (q *queue) work() {
	l := q.lane
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return
	}
	t := q.tasks[0]
	overtaken := t.overtaken
	l.steps.Add(1)
	l.mu.Unlock()
	defer l.steps.Done()
	ctx, cancel := context.WithTimeout(l.ctx, l.purchaser.config.AttemptTimeout)
	began, asking := time.Now(), t.outcome == nil
	done, err := t.step(ctx, overtaken)
	cancel()
	l.purchaser.observe(t, began, asking, err)
	if l.ctx.Err() != nil {
		return // whoever owns the partition next finds it in the ledger
	}
	q.after(t, done, err)
}

// after decides what the queue does next.
func (q *queue) after(t *task, done bool, err error) {
	l := q.lane
	l.mu.Lock()
	defer l.mu.Unlock()
	if done {
		l.finish(t)
		q.running = false
		l.sweep(q)
		l.start(q)
		return
	}
	if err == nil {
		l.purchaser.reports.Put(q) // the log must not hold up who asks the gateway
		return
	}
	t.tries++
	pause := l.purchaser.pause(t.tries)
	var throttled *ThrottledError
	if errors.As(err, &throttled) {
		pause = max(pause, throttled.After)
	}
	time.AfterFunc(pause, func() { l.purchaser.again.Put(q) })
}
