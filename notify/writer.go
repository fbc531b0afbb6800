package notify

import (
	"context"
	"sync"
	"time"
)

// recordsMax is how many records are appended at a time: some 2 MiB.
const recordsMax = 2000

// writer appends to one partition of the delivery log, everything that waits at a time. It is the only one of its lane to
// do so, so what is put first stands first.
type writer struct {
	lane   *lane
	ended  chan struct{}
	cancel context.CancelFunc

	mu      sync.Mutex
	waiting []writing
	closing bool
	ready   chan struct{} // has one element while something may wait, or closing has begun
}

// writing is records, and what is to be done when they stand in the log.
type writing struct {
	records []OutboxRecord
	done    func()
}

func newWriter(l *lane) *writer {
	ctx, cancel := context.WithCancel(context.Background())
	w := &writer{lane: l, ended: make(chan struct{}), cancel: cancel, ready: make(chan struct{}, 1)}
	go w.run(ctx)
	return w
}

// put has records appended. It does not wait: what may be put is bounded by the deliveries that may be pending.
func (w *writer) put(records []OutboxRecord, done func()) {
	w.mu.Lock()
	w.waiting = append(w.waiting, writing{records, done})
	w.mu.Unlock()
	signal(w.ready)
}

// close appends what waits, for as long as that may take, and ends. What is then not appended is done again by the next
// owner of the partition.
func (w *writer) close(most time.Duration) {
	w.mu.Lock()
	w.closing = true
	w.mu.Unlock()
	signal(w.ready)
	late := time.AfterFunc(most, w.cancel)
	<-w.ended
	late.Stop()
	w.cancel()
}

func (w *writer) run(ctx context.Context) {
	defer close(w.ended)
	for {
		batch, records := w.take(ctx)
		if batch == nil {
			return
		}
		appended := w.lane.insist(ctx, stageLog, func(ctx context.Context) error {
			return w.lane.notifier.deps.Outbox.Append(ctx, w.lane.partition, records)
		})
		if !appended {
			return
		}
		for _, written := range batch {
			written.done()
		}
	}
}

// take waits for something to append; nil when there will be nothing more.
func (w *writer) take(ctx context.Context) (batch []writing, records []OutboxRecord) {
	for ctx.Err() == nil {
		w.mu.Lock()
		for len(batch) < len(w.waiting) && (len(batch) == 0 || len(records)+len(w.waiting[len(batch)].records) <= recordsMax) {
			records = append(records, w.waiting[len(batch)].records...)
			batch = w.waiting[:len(batch)+1]
		}
		w.waiting = w.waiting[len(batch):]
		closing := w.closing
		w.mu.Unlock()
		if len(batch) > 0 || closing {
			return batch, records
		}
		select {
		case <-w.ready:
		case <-ctx.Done():
		}
	}
	return nil, nil
}
