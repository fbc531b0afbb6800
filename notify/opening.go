package notify

import (
	"container/heap"
	"context"
	"fmt"
	"time"

	"drawdown/consumer/feed"
)

// open rebuilds a lane from the delivery log and starts it.
func (n *Notifier) open(ctx context.Context, partition int32) (*lane, error) {
	l := &lane{
		notifier: n, partition: partition, ctx: ctx,
		incoming: make(chan *entry, incomingMax), room: make(chan struct{}, 1), sooner: make(chan struct{}, 1),
		pending: map[fingerprint]*delivery{}, finished: newFinished(n.config.Horizon), endpoints: map[endpointName]*endpoint{},
	}
	began := time.Now()
	read, err := l.rebuild(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the delivery log of partition %d: %w", partition, err)
	}
	n.deps.Logger.Info("deliveries", "partition", partition, "records_read", read, "pending", len(l.pending),
		"endpoints_failing", len(l.endpoints), "took", time.Since(began))
	l.sends, l.cutSends = context.WithCancel(context.WithoutCancel(ctx))
	l.log = newWriter(l)
	l.running.Go(l.clock)
	l.running.Go(l.intake)
	return l, nil
}

// rebuild reads the log's end: from the horizon before its last record, and not before the present, so that a notifier
// that was away for weeks still finds what was pending when it stopped.
func (l *lane) rebuild(ctx context.Context) (read int, err error) {
	outbox := l.notifier.deps.Outbox
	last, err := outbox.Last(ctx, l.partition)
	if err != nil || last.IsZero() {
		return 0, err
	}
	notices := map[string]*Notice{} // shared by the deliveries of each
	err = outbox.Read(ctx, l.partition, last.Add(-l.notifier.config.Horizon-horizonSpare), func(r *OutboxRecord) error {
		read++
		record, err := decodeRecord(r.Value)
		if err != nil {
			return &feed.StopError{Err: err} // of a later version, or of somebody else: what it says may be that all is delivered
		}
		if shared := notices[record.Notice.ID]; shared != nil {
			record.Notice = shared
		} else {
			notices[record.Notice.ID] = record.Notice
		}
		l.replay(&record)
		return nil
	})
	if err != nil {
		return read, err
	}
	for _, d := range l.pending {
		l.notifier.metrics.pending.WithLabelValues(string(d.channel)).Inc()
		heap.Push(&l.due, d)
	}
	return read, nil
}

// replay takes over one record of the delivery log.
func (l *lane) replay(r *DeliveryRecord) {
	id := fingerprintOf(r.ID)
	if l.finished.has(id) {
		return
	}
	d := l.pending[id]
	if d != nil && !r.overtakes(StatePending, d.tries) {
		return
	}
	l.replayEndpoint(r)
	if r.State != StatePending {
		delete(l.pending, id)
		l.finished.add(id, r.ChangedAt)
		return
	}
	l.pending[id] = &delivery{
		lane: l, id: id, notice: r.Notice, channel: r.Channel, target: r.Target, createdAt: r.CreatedAt, born: StatePending, offset: offsetOf(r.Notice),
		tries: r.Tries, nextAt: r.NextAt,
	}
}

// replayEndpoint takes over what was known of an endpoint after a try, or when it was found to be gone.
func (l *lane) replayEndpoint(r *DeliveryRecord) {
	if r.Channel != Webhook || r.Tries == 0 && r.State != StateDropped {
		return
	}
	name := endpointName{r.Notice.Account, r.Target}
	if r.FailingSince.IsZero() {
		delete(l.endpoints, name)
		return
	}
	l.endpoints[name] = &endpoint{failingSince: r.FailingSince, receiver: r.Receiver}
}
