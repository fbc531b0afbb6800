package notify

import (
	"container/heap"
	"strconv"
	"strings"
	"time"

	"drawdown"
)

// delivery is one that has not ended: it is tried, waits to be tried, or what came of it is being put down.
type delivery struct {
	lane      *lane
	id        fingerprint
	notice    *Notice // shared with the notice's other deliveries
	channel   Channel
	target    string
	offset    drawdown.Offset // of the record that caused the notice
	createdAt time.Time
	appended  time.Time // of its entry to the ledger; zero for one that was read from the delivery log
	born      State     // as which it is first put down

	// Guarded by lane.mu, but for whoever tries it at the time.
	tries    int
	failures int // on our side, since the last try
	nextAt   time.Time
	place    int // in lane.due, from 1; 0 where it is not in there
}

// offsetOf reads the offset in a notice's id, `<partition>-<offset>-<n>`; -1 where it has another form.
func offsetOf(n *Notice) drawdown.Offset {
	_, rest, _ := strings.Cut(n.ID, "-")
	offset, _, _ := strings.Cut(rest, "-")
	parsed, err := strconv.ParseInt(offset, 10, 64)
	if err != nil {
		return -1
	}
	return drawdown.Offset(parsed)
}

// record is the delivery's, in a state and with what is known of its endpoint. The lock is held.
func (l *lane) record(d *delivery, state State, detail string) OutboxRecord {
	r := DeliveryRecord{
		ID: deliveryID(d.notice.ID, d.channel, d.target), State: state, Notice: d.notice, Channel: d.channel, Target: d.target,
		Tries: d.tries, CreatedAt: d.createdAt, ChangedAt: time.Now(), Detail: detail,
	}
	if state == StatePending {
		r.NextAt = d.nextAt
	}
	if e := l.endpointOf(d); e != nil {
		r.FailingSince, r.Receiver = e.failingSince, e.receiver
	}
	return r.encode()
}

// dispatch gives a delivery to the workers, or puts it where it waits for its time. The lock is held.
func (l *lane) dispatch(d *delivery) {
	switch {
	case l.closed:
	case d.nextAt.After(time.Now()):
		heap.Push(&l.due, d)
		if d.place == 1 {
			signal(l.sooner)
		}
	case d.channel == Webhook:
		l.dispatchWebhook(d)
	default:
		l.notifier.channels[d.channel].give(d, d.tries > 0)
	}
}

func (c *channel) give(d *delivery, again bool) {
	if again {
		c.again.Put(d)
	} else {
		c.first.Put(d)
	}
}

// clockInterval is how often a lane looks for what to forget, where nothing is due.
const clockInterval = time.Hour

// clock gives deliveries to the workers when their time has come, until the lane ends.
func (l *lane) clock() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-l.sooner:
		case <-l.ctx.Done():
			return
		}
		timer.Reset(l.release())
	}
}

// release dispatches what is due, and returns how long nothing will be.
func (l *lane) release() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.finished.forget(now)
	for len(l.due) > 0 {
		if wait := l.due[0].nextAt.Sub(now); wait > 0 {
			return min(wait, clockInterval)
		}
		l.dispatch(heap.Pop(&l.due).(*delivery))
	}
	return clockInterval
}

// dueQueue is a heap of deliveries, the earliest first.
type dueQueue []*delivery

func (q dueQueue) Len() int           { return len(q) }
func (q dueQueue) Less(i, j int) bool { return q[i].nextAt.Before(q[j].nextAt) }
func (q dueQueue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place, q[j].place = i+1, j+1
}

// Push implements [heap.Interface].
func (q *dueQueue) Push(x any) {
	d := x.(*delivery)
	*q = append(*q, d)
	d.place = len(*q)
}

// Pop implements [heap.Interface].
func (q *dueQueue) Pop() any {
	last := len(*q) - 1
	d := (*q)[last]
	(*q)[last], *q = nil, (*q)[:last]
	d.place = 0
	return d
}
