package consumer

import (
	"context"
	"errors"
	"fmt"
	"time"

	kafka "github.com/segmentio/kafka-go"
)

const (
	// heartbeatsPerSession leaves room for some lost heartbeats, and tells of a rebalance within a sixth of the
	// session timeout.
	heartbeatsPerSession = 6
	// joinPause is the pause after a failed join: right after its start a broker has no coordinator for a while.
	joinPause = 500 * time.Millisecond
	// tellInterval is how often Kafka is told the offsets. They are for lag displays only.
	tellInterval = time.Second
)

// runGroup takes part in the consumer group. The group assigns partitions and nothing else: data is fetched at the
// level of the protocol, from the store's position. The library's offsets and readers are not used.
func (w *Worker) runGroup(ctx context.Context) error {
	group, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: w.cfg.Group, Brokers: w.brokers, Dialer: w.dialer, Topics: []string{w.cfg.MeteringTopic},
		SessionTimeout: w.cfg.SessionTimeout, HeartbeatInterval: w.cfg.SessionTimeout / heartbeatsPerSession,
		// A member drains before it joins again, and the others wait for it.
		RebalanceTimeout: w.cfg.DrainTimeout + w.cfg.SessionTimeout,
		JoinGroupBackoff: joinPause, Timeout: w.cfg.AttemptTimeout,
		// Topics that appear or grow after the first assignment are noticed.
		WatchPartitionChanges: true, PartitionWatchInterval: 5 * time.Second,
	})
	if err != nil {
		return fmt.Errorf("configure the consumer group: %w", err)
	}
	// The group is closed as soon as the context ends, while the partitions drain: the library waits for them and then
	// leaves. Were it closed after, it would join once more in between.
	closed := make(chan struct{})
	unregister := context.AfterFunc(ctx, func() { _ = group.Close(); close(closed) })
	defer func() {
		if unregister() {
			_ = group.Close()
			return
		}
		<-closed
	}()
	for ctx.Err() == nil {
		generation, err := group.Next(ctx)
		switch {
		case err == nil:
			w.runGeneration(ctx, generation)
		case errors.Is(err, kafka.ErrGroupClosed) || ctx.Err() != nil:
			return nil
		default:
			w.metrics.retried("join")
			w.assign(nil, fmt.Errorf("can't join the consumer group: %w", err))
			w.log.Warn("join the consumer group", "group", w.cfg.Group, "error", err)
		}
	}
	return nil
}

// runGeneration works on one assignment, until the group assigns anew or the context ends.
func (w *Worker) runGeneration(ctx context.Context, generation *kafka.Generation) {
	var assigned []assignment
	for _, a := range generation.Assignments[w.cfg.MeteringTopic] {
		assigned = append(assigned, assignment{partition: int32(a.ID), offset: a.Offset})
	}
	w.log.Info("partitions assigned", "group", generation.GroupID, "generation", generation.ID, "partitions", len(assigned))
	w.metrics.rebalances.Inc()
	finished := make(chan struct{})
	generation.Start(func(assignment context.Context) {
		defer close(finished)
		// The library's context has neither values nor a deadline; what ends first, ends the work.
		work, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(assignment, cancel)()
		w.serve(work, assigned, func(offsets map[int32]int64) error {
			byPartition := make(map[int]int64, len(offsets))
			for partition, offset := range offsets {
				byPartition[int(partition)] = offset
			}
			return generation.CommitOffsets(map[string]map[int]int64{w.cfg.MeteringTopic: byPartition})
		})
	})
	<-finished
	w.assign(nil, errNotJoined)
}

// tellOffsets tells Kafka at intervals, and at the end, how far partitions are committed. Errors are of no
// consequence: the store's position is the truth.
func (w *Worker) tellOffsets(owned []*partition, tell func(map[int32]int64) error, ended <-chan struct{}) {
	told := make(map[int32]int64)
	interval := time.NewTicker(tellInterval)
	defer interval.Stop()
	for last := false; !last; {
		select {
		case <-interval.C:
		case <-ended:
			last = true
		}
		moved := make(map[int32]int64)
		for _, p := range owned {
			if next := p.gauge.told.Load(); next > 0 && next != told[p.index] {
				moved[p.index] = next
			}
		}
		if len(moved) == 0 {
			continue
		}
		if err := tell(moved); err != nil {
			w.log.Debug("tell Kafka the offsets", "error", err)
			continue
		}
		for partition, next := range moved {
			told[partition] = next
		}
	}
}
