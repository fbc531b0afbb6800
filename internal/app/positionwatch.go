package app

import (
	"context"
	"time"

	"drawdown/api/office"
)

// positionWatch asks the store for the position of one partition, for all who wait for it: however many they are, it is asked
// once every [positionPoll].
type positionWatch struct {
	waiters int
	next    int64         // the store stands here or further
	moved   chan struct{} // closed and replaced whenever next has grown
	stop    context.CancelFunc
}

// awaitPosition waits until the store stands behind a record.
func (o *Outcomes) awaitPosition(ctx context.Context, at office.Position) error {
	watch := o.watch(at.Partition)
	defer o.unwatch(at.Partition, watch)
	for {
		o.mu.Lock()
		next, moved := watch.next, watch.moved
		o.mu.Unlock()
		if next > int64(at.Offset) {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// watch joins the watch of a partition, and begins it where there is none.
func (o *Outcomes) watch(partition int32) *positionWatch {
	o.mu.Lock()
	defer o.mu.Unlock()
	watch := o.waiting[partition]
	if watch == nil {
		ctx, stop := context.WithCancel(context.Background())
		watch = &positionWatch{moved: make(chan struct{}), stop: stop}
		o.waiting[partition] = watch
		go o.poll(ctx, partition, watch)
	}
	watch.waiters++
	return watch
}

// unwatch leaves a watch; the last one ends it.
func (o *Outcomes) unwatch(partition int32, watch *positionWatch) {
	o.mu.Lock()
	defer o.mu.Unlock()
	watch.waiters--
	if watch.waiters == 0 {
		watch.stop()
		delete(o.waiting, partition)
	}
}

// poll asks until nobody waits any more. While the store is away everybody waits on, as long as each may.
func (o *Outcomes) poll(ctx context.Context, partition int32, watch *positionWatch) {
	for ctx.Err() == nil {
		position, err := o.store.Position(ctx, partition)
		if err == nil {
			o.mu.Lock()
			if next := int64(position.Next); next > watch.next {
				watch.next = next
				close(watch.moved)
				watch.moved = make(chan struct{})
			}
			o.mu.Unlock()
		}
		select {
		case <-ctx.Done():
		case <-time.After(positionPoll):
		}
	}
}
