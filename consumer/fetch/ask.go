package fetch

import (
	"context"
	"fmt"
	"sync"
	"time"

	kafka "github.com/segmentio/kafka-go"
)

// group is the part of a request that goes to one leader.
type group struct {
	leader     int32
	partitions []wireRequestPartition
	sets       map[int32]*Set
	throttled  time.Duration
}

// group splits a request by leader. A partition without one gets its error at once. Each request begins with another
// partition than the one before: brokers fill an answer in the order of the request, and a partition with a long
// backlog would otherwise starve those behind it.
func (c *Client) group(req Request, res *Response, known *topicLeaders) []*group {
	var groups []*group
	byLeader := make(map[int32]*group)
	start := int(c.turn.Add(1)) % len(req.Partitions)
	for i := range req.Partitions {
		at := (start + i) % len(req.Partitions)
		p, set := req.Partitions[at], res.Sets[at]
		leader, ok := known.node[p.ID]
		if !ok || leader < 0 {
			set.fail(noLeader(ok))
			continue
		}
		g := byLeader[leader]
		if g == nil {
			g = &group{leader: leader, sets: make(map[int32]*Set)}
			byLeader[leader], groups = g, append(groups, g)
		}
		g.sets[p.ID] = set
		g.partitions = append(g.partitions, wireRequestPartition{
			Partition: p.ID, CurrentLeaderEpoch: -1, FetchOffset: p.Offset, LogStartOffset: -1, PartitionMaxBytes: p.BytesMax,
		})
	}
	return groups
}

func noLeader(known bool) kafka.Error {
	if known {
		return kafka.LeaderNotAvailable
	}
	return kafka.UnknownTopicOrPartition
}

// askAll asks every leader at the same time. If some fail, their sets carry the error; if all fail, it is returned.
func (c *Client) askAll(ctx context.Context, req Request, groups []*group) error {
	errs := make([]error, len(groups))
	var others sync.WaitGroup
	for i := 1; i < len(groups); i++ {
		others.Go(func() { errs[i] = c.ask(ctx, req, groups[i]) })
	}
	if len(groups) > 0 {
		errs[0] = c.ask(ctx, req, groups[0])
	}
	others.Wait()
	failed := 0
	for i, err := range errs {
		if err != nil {
			failed++
			for _, s := range groups[i].sets {
				s.err = err
			}
		}
	}
	if failed > 0 && failed == len(groups) {
		return errs[0]
	}
	return nil
}

// ask sends one request and puts the answer into the sets of its group. A set stays empty if the answer leaves its
// partition out: some brokers do that when the bytes asked for are used up; its turn to be first comes.
func (c *Client) ask(ctx context.Context, req Request, g *group) error {
	op := fmt.Sprintf("fetching topic %s from broker %d", req.Topic, g.leader)
	m, err := c.config.Transport.RoundTrip(ctx, c.config.Addr, &wireRequest{
		ReplicaID:    -1,
		MaxWaitTime:  int32(min(req.WaitMax.Milliseconds(), 1<<31-1)),
		MinBytes:     req.BytesMin,
		MaxBytes:     req.BytesMax,
		SessionEpoch: -1, // no fetch session: every request is complete, so none depends on an answer that was lost
		Topics:       []wireRequestTopic{{Topic: req.Topic, Partitions: g.partitions}},
		leader:       g.leader,
	})
	if err != nil {
		return classify(op, err)
	}
	answer := m.(*wireResponse)
	if answer.ErrorCode != 0 {
		return classify(op, kafka.Error(answer.ErrorCode))
	}
	g.throttled = time.Duration(answer.ThrottleTimeMs) * time.Millisecond
	for t := range answer.Topics {
		for p := range answer.Topics[t].Partitions {
			part := &answer.Topics[t].Partitions[p]
			if s := g.sets[part.Partition]; s != nil && answer.Topics[t].Topic == req.Topic {
				s.accept(part)
			}
		}
	}
	return nil
}

// accept takes over what the broker answered for the partition.
func (s *Set) accept(part *wireResponsePartition) {
	s.HighWatermark, s.LogStart = part.HighWatermark, part.LogStartOffset
	if buf := part.RecordSet.buf; buf != nil {
		s.buffers, s.data = append(s.buffers, buf), buf.b
	}
	if part.ErrorCode != 0 {
		s.data = nil
		s.fail(kafka.Error(part.ErrorCode))
	}
}

// fail sets the error that a broker's code means for the partition. Out of range is explained later (explain).
func (s *Set) fail(code kafka.Error) {
	if code == kafka.InvalidMessage {
		s.err = s.corrupt(s.next, "the broker cannot read it from its own log")
		return
	}
	op := fmt.Sprintf("fetching partition %d of topic %s from offset %d", s.Partition, s.Topic, s.next)
	if !passes(code) {
		s.err = fmt.Errorf("%s: %w", op, code)
		return
	}
	s.err = &RetriableError{Op: op, Err: code}
}
