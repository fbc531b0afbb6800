package consumer

import (
	"context"

	"drawdown/balance"
)

// ownership is a claim of a partition, and whether it still holds.
type ownership struct {
	partition int32
	epoch     balance.Epoch
	store     balance.Store
	retrier   *retrier
	gauge     *partitionGauge
}

// verify reports an error unless everything read from the store before the call is what this owner has committed.
//
// The commit alone does not protect what is published before it. The simulation found it: an owner that had been
// replaced read an account which its successor had already advanced, applied records to it a second time and published
// charges that were wrong, before its commit was refused. The same happens with an account read from a store that was
// put back to a backup. So whatever is read is used only after the store has said, later, that this is still the owner
// and that all of its commits are there.
func (o *ownership) verify(ctx context.Context) error {
	committed := o.gauge.committedOffset()
	var found balance.Position
	err := o.retrier.do(ctx, "load", func(ctx context.Context) (err error) {
		found, err = o.store.Position(ctx, o.partition)
		return err
	})
	switch {
	case err != nil:
		return err
	case !found.Exists || found.Epoch.Number < o.epoch.Number:
		return &RewoundError{Partition: o.partition, Expected: committed, Found: found}
	case found.Epoch != o.epoch:
		return &FencedError{Partition: o.partition, Epoch: o.epoch, Found: found.Epoch}
	case found.Next < committed:
		return &RewoundError{Partition: o.partition, Expected: committed, Found: found}
	default:
		return nil
	}
}
