package feed

import (
	"context"
	"errors"
	"fmt"
	"time"

	kafka "github.com/segmentio/kafka-go"
)

const (
	// heartbeatsPerSession leaves room for some lost heartbeats, and tells of a rebalance within a sixth of the session
	// timeout.
	heartbeatsPerSession = 6
	// joinPause is the pause after a failed join: right after its start a broker has no coordinator for a while.
	joinPause = 500 * time.Millisecond
)

// runGroup takes part in the consumer group, which assigns partitions.
func (f *Follower) runGroup(ctx context.Context) error {
	group, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: f.cfg.Group, Brokers: f.deps.Brokers, Dialer: f.deps.Dialer, Topics: []string{f.cfg.Topic},
		SessionTimeout: f.cfg.SessionTimeout, HeartbeatInterval: f.cfg.SessionTimeout / heartbeatsPerSession,
		// A member closes its lanes and commits before it joins again, and the others wait for it.
		RebalanceTimeout: f.cfg.DrainTimeout + f.cfg.AttemptTimeout + f.cfg.SessionTimeout,
		JoinGroupBackoff: joinPause, Timeout: f.cfg.AttemptTimeout,
		// Topics that appear or grow after the first assignment are noticed.
		WatchPartitionChanges: true, PartitionWatchInterval: 5 * time.Second,
	})
	if err != nil {
		return fmt.Errorf("configure the consumer group of %s: %w", f.deps.Consumer, err)
	}
	// The group is closed as soon as the context ends, while lanes are closed: the library waits for them and then leaves.
	// Were it closed after, it would join once more in between.
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
			f.runGeneration(ctx, generation)
		case errors.Is(err, kafka.ErrGroupClosed) || ctx.Err() != nil:
			return nil
		default: // the library pauses and tries again
			f.metrics.failed(stageJoin)
			f.assign(nil, fmt.Errorf("can't join the consumer group: %w", err))
			f.log.Warn("join the consumer group", "group", f.cfg.Group, "error", err)
		}
	}
	return nil
}

// runGeneration follows the partitions of one assignment, until the group assigns anew or the context ends.
func (f *Follower) runGeneration(ctx context.Context, generation *kafka.Generation) {
	var assigned []int32
	for _, a := range generation.Assignments[f.cfg.Topic] {
		assigned = append(assigned, int32(a.ID))
	}
	f.log.Info("partitions assigned", "group", generation.GroupID, "generation", generation.ID, "partitions", len(assigned))
	f.metrics.rebalances.Inc()
	m := member{generation: generation.ID, id: generation.MemberID}
	finished := make(chan struct{})
	generation.Start(func(assignment context.Context) {
		defer close(finished)
		// The library's context has neither values nor a deadline; what ends first, ends the work.
		work, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(assignment, cancel)()
		drained, stop := context.WithCancel(context.WithoutCancel(ctx))
		alive := make(chan struct{})
		go func() { defer close(alive); f.stayAlive(drained, work.Done(), m) }()
		f.serve(work, assigned, m)
		stop()
		<-alive
	})
	<-finished
	f.assign(nil, errNotJoined)
}

// stayAlive sends heartbeats from the end of an assignment until its lanes are closed, which ends drained. The library
// has stopped its own by then: a member that drains for longer than the session timeout would be taken for dead, and its
// successor would begin beside it.
func (f *Follower) stayAlive(drained context.Context, ended <-chan struct{}, m member) {
	select {
	case <-ended:
	case <-drained.Done():
		return
	}
	interval := f.cfg.SessionTimeout / heartbeatsPerSession
	for sleep(drained, interval) {
		// Not cut short: none may reach the broker after the member has joined again or left.
		if err := f.offsets.heartbeat(context.WithoutCancel(drained), m, interval); err != nil {
			f.metrics.failed(stageHeartbeat)
			f.log.Warn("the group may give partitions away before their lanes are closed", "error", err)
		}
	}
}
