package feed

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	kafka "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/offsetcommit"
)

// none stands for an offset that there is not.
const none int64 = -1

// member is who commits: a member of a generation of the group, or noMember.
type member struct {
	generation int32
	id         string
}

// noMember commits to a group that has no members.
var noMember = member{generation: -1}

// offsets are those of a topic that the coordinator of a consumer group keeps.
type offsets struct {
	transport    kafka.RoundTripper
	addr         net.Addr
	group, topic string
	timeout      time.Duration // of one request
}

// committed returns the offset of a partition, or none.
func (o *offsets) committed(ctx context.Context, partition int32) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	answer, err := o.client().OffsetFetch(ctx, &kafka.OffsetFetchRequest{
		GroupID: o.group, Topics: map[string][]int{o.topic: {int(partition)}},
	})
	if err == nil {
		err = answer.Error
	}
	if errors.Is(err, kafka.GroupIdNotFound) { // what the embedded broker says of a group that nobody has used yet
		return none, nil
	}
	if err != nil {
		return none, fmt.Errorf("ask for the offset of group %s: %w", o.group, err)
	}
	for _, p := range answer.Topics[o.topic] {
		switch {
		case p.Partition != int(partition):
		case p.Error != nil:
			return none, fmt.Errorf("ask for the offset of group %s: %w", o.group, p.Error)
		default:
			return max(p.CommittedOffset, none), nil
		}
	}
	return none, fmt.Errorf("ask for the offset of group %s: the answer does not name the partition", o.group)
}

// commit sets the offsets of partitions.
func (o *offsets) commit(ctx context.Context, m member, next map[int32]int64) error {
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	// Not by the library's own calls: that of its group asks the broker to forget the offset after a day, and that of its
	// client does so with older brokers, and names a leader epoch that it does not know.
	request := &offsetcommit.Request{
		GroupID: o.group, GenerationID: m.generation, MemberID: m.id,
		RetentionTimeMs: -1, // as the broker is configured
		Topics:          []offsetcommit.RequestTopic{{Name: o.topic}},
	}
	for partition, offset := range next {
		request.Topics[0].Partitions = append(request.Topics[0].Partitions, offsetcommit.RequestPartition{
			PartitionIndex: partition, CommittedOffset: offset, CommitTimestamp: -1, CommittedLeaderEpoch: -1,
		})
	}
	answer, err := o.transport.RoundTrip(ctx, o.addr, request)
	if err != nil {
		return fmt.Errorf("commit offsets to group %s: %w", o.group, err)
	}
	return o.refused(answer.(*offsetcommit.Response), len(next))
}

// refused returns what an answer to a commit refuses.
func (o *offsets) refused(answer *offsetcommit.Response, want int) error {
	var faults []error
	for _, topic := range answer.Topics {
		for _, p := range topic.Partitions {
			want--
			if p.ErrorCode != 0 {
				faults = append(faults, fmt.Errorf("commit offset of partition %d to group %s: %w", p.PartitionIndex, o.group, kafka.Error(p.ErrorCode)))
			}
		}
	}
	if want != 0 {
		faults = append(faults, fmt.Errorf("commit offsets to group %s: the answer does not name all partitions", o.group))
	}
	return errors.Join(faults...)
}

// expelled reports whether the group does not take offsets from this member any more.
func expelled(err error) bool {
	return errors.Is(err, kafka.UnknownMemberId) || errors.Is(err, kafka.IllegalGeneration)
}

// heartbeat tells the coordinator that a member lives. That a rebalance is in progress is no error.
func (o *offsets) heartbeat(ctx context.Context, m member, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	answer, err := o.client().Heartbeat(ctx, &kafka.HeartbeatRequest{GroupID: o.group, GenerationID: m.generation, MemberID: m.id})
	if err == nil {
		err = answer.Error
	}
	if err != nil && !errors.Is(err, kafka.RebalanceInProgress) {
		return fmt.Errorf("send a heartbeat to group %s: %w", o.group, err)
	}
	return nil
}

func (o *offsets) client() *kafka.Client { return &kafka.Client{Addr: o.addr, Transport: o.transport} }
