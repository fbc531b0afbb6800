package producer

import (
	"context"
	"sync"

	"github.com/segmentio/kafka-go"
)

// eventHeaders mark a structured CloudEvent (CloudEvents Kafka binding, section 3.3.1).
var eventHeaders = []kafka.Header{{Key: "content-type", Value: []byte(contentType)}}

// run is the sender: take what has gathered, deliver it, settle it, again. While one round is
// under way the next one gathers, so that batches grow with the load and a single event does
// not wait.
func (p *Producer) run(ctx context.Context) {
	defer close(p.done)
	for {
		batch := p.take()
		if batch == nil {
			return
		}
		failed, reason := p.deliver(ctx, batch)
		p.settle(len(batch), failed, reason)
	}
}

// take waits for events; nil means that none will come any more.
func (p *Producer) take() []entry {
	for {
		p.mu.Lock()
		if n := min(len(p.pending), p.config.BatchEvents); n > 0 {
			batch := p.pending[:n:n]
			p.pending = p.pending[n:]
			p.mu.Unlock()
			return batch
		}
		closing, changed := p.closing, p.changed
		p.mu.Unlock()
		if closing {
			return nil
		}
		<-changed
	}
}

// deliver writes the batch, each partition's share by itself, and returns what was not
// acknowledged and why (of the first).
func (p *Producer) deliver(ctx context.Context, batch []entry) (failed []entry, reason error) {
	partitions, err := p.log.Partitions(ctx)
	if err != nil {
		return batch, err
	}
	shares, partitionOf := make(map[int32][]entry), partitioner(partitions)
	for _, e := range batch {
		partition := partitionOf(e.record.key)
		shares[partition] = append(shares[partition], e)
	}
	var mu sync.Mutex
	var group sync.WaitGroup
	for partition, share := range shares {
		group.Go(func() {
			written, failure := p.log.writeAll(ctx, partition, records(share))
			if failure == nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			failed = append(failed, share[written:]...)
			if reason == nil {
				reason = failure
			}
		})
	}
	group.Wait()
	return failed, reason
}

func records(share []entry) []record {
	list := make([]record, len(share))
	for i, e := range share {
		list[i] = e.record
	}
	return list
}

// settle counts the batch as settled and hands its failures on: to the handler before anything
// waits no longer, or to the next Flush.
func (p *Producer) settle(count int, failed []entry, reason error) {
	if len(failed) > 0 && p.config.OnUndelivered != nil {
		p.config.OnUndelivered(undelivered(failed, reason))
		failed = nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.settled += int64(count)
	if len(failed) > 0 {
		if p.reason == nil {
			p.reason = reason
		}
		p.failed = append(p.failed, failed...)
	}
	p.announce()
}
