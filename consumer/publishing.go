package consumer

import (
	"context"
	"time"
)

// publisher publishes batches one after the other and hands them on.
type publisher struct {
	cfg       *Config
	partition int32
	producer  appender
	retrier   *retrier
	metrics   *Metrics
	from      <-chan *batch
	to        chan<- *batch
}

// appender appends messages to a partition; see producer.
type appender interface {
	publish(ctx context.Context, r *retrier, partition int32, publications []publication, failed func()) error
	append(ctx context.Context, r *retrier, partition int32, publications []publication, failed func()) ([]int64, error)
}

// run ends when there are no more batches, with the first error that can't be retried, or with the context.
func (p *publisher) run(ctx context.Context) error {
	defer close(p.to)
	for {
		select {
		case b, more := <-p.from:
			if !more {
				return nil
			}
			if err := p.publish(ctx, b); err != nil {
				return err
			}
			p.to <- b // has room for every batch in flight
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (p *publisher) publish(ctx context.Context, b *batch) error {
	begun := time.Now()
	err := p.producer.publish(ctx, p.retrier, p.partition, b.publications(p.cfg), func() { b.retired = true })
	if err == nil {
		p.metrics.published(time.Since(begun))
	}
	return err
}
