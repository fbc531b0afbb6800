package consumer

import (
	"context"
	"time"

	"drawdown/balance"
)

// committer commits published batches one after the other and hands them back to the goroutine that applies.
type committer struct {
	partition int32
	store     balance.Store
	retrier   *retrier
	metrics   *Metrics
	gauge     *partitionGauge
	from      <-chan *batch
	done      chan<- *batch
}

// run ends when there are no more batches, with an outcome that ends the ownership, or with the context.
func (c *committer) run(ctx context.Context) error {
	defer close(c.done)
	for {
		select {
		case b, more := <-c.from:
			if !more {
				return nil
			}
			if err := c.commit(ctx, b); err != nil {
				return err
			}
			c.done <- b // has room for every batch in flight
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// commit makes the batch visible. An error leaves the outcome unknown: the same commit is sent again, and the store
// says whether it had been applied.
func (c *committer) commit(ctx context.Context, b *batch) error {
	begun := time.Now()
	var outcome balance.Outcome
	err := c.retrier.do(ctx, "commit", func(ctx context.Context) (err error) {
		outcome, err = c.store.Commit(ctx, b.commit)
		return err
	})
	if err != nil {
		return err
	}
	c.metrics.committed(outcome.Kind, time.Since(begun))
	if err := judge(c.partition, outcome, b.commit); err != nil {
		return err
	}
	c.gauge.committed(b)
	c.metrics.applied(b)
	return nil
}

// judge says whether the partition may go on after an outcome.
func judge(partition int32, outcome balance.Outcome, commit *balance.Commit) error {
	switch outcome.Kind {
	case balance.Applied, balance.AlreadyApplied:
		return nil
	case balance.Fenced:
		return &FencedError{Partition: partition, Epoch: commit.Epoch, Found: outcome.Found.Epoch}
	case balance.Rewound:
		return &RewoundError{Partition: partition, Expected: commit.Expected, Found: outcome.Found}
	default: // Diverged, and whatever a newer store may say: nothing was written
		return &DivergedError{
			Partition: partition, Expected: commit.Expected, Found: outcome.Found.Next,
			Account: outcome.Account, Before: outcome.Expected, Other: outcome.Got,
		}
	}
}
