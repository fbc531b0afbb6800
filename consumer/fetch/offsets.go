package fetch

import (
	"context"
	"fmt"

	kafka "github.com/segmentio/kafka-go"
)

// Range is what the log of a partition holds: Earliest is its first offset, Latest the one that the next record will
// get. They are equal if it is empty.
type Range struct{ Earliest, Latest int64 }

// Offsets asks what the logs of partitions hold. It fails as a whole if one of them cannot be asked.
func (c *Client) Offsets(ctx context.Context, topic string, partitions []int32) (map[int32]Range, error) {
	op := "asking for the offsets of topic " + topic
	caller := ctx
	ctx, cancel := context.WithTimeout(ctx, c.config.RequestTimeout)
	defer cancel()
	questions := make([]kafka.OffsetRequest, 0, 2*len(partitions))
	for _, p := range partitions {
		questions = append(questions, kafka.FirstOffsetOf(int(p)), kafka.LastOffsetOf(int(p)))
	}
	library := kafka.Client{Addr: c.config.Addr, Transport: c.config.Transport}
	res, err := library.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{topic: questions}})
	if err != nil {
		return nil, giveUp(caller, classify(op, err))
	}
	ranges := make(map[int32]Range, len(partitions))
	for _, p := range res.Topics[topic] {
		if p.Error != nil {
			return nil, giveUp(caller, classify(fmt.Sprintf("%s: partition %d", op, p.Partition), p.Error))
		}
		ranges[int32(p.Partition)] = Range{Earliest: p.FirstOffset, Latest: p.LastOffset}
	}
	for _, p := range partitions {
		if _, ok := ranges[p]; !ok {
			return nil, &RetriableError{Op: op, Err: fmt.Errorf("no answer for partition %d", p)}
		}
	}
	return ranges, nil
}

// PartitionCount asks a broker how many partitions a topic has.
func (c *Client) PartitionCount(ctx context.Context, topic string) (int, error) {
	caller := ctx
	ctx, cancel := context.WithTimeout(ctx, c.config.RequestTimeout)
	defer cancel()
	known, err := c.leaders.ask(ctx, topic)
	if err != nil {
		return 0, giveUp(caller, err)
	}
	return len(known.node), nil
}

// outOfRange explains a broker's answer that an offset is out of range. If the log turns out to hold the offset, the
// answer was that of a leader just elected which did not know its own log's end yet: that passes.
func (c *Client) outOfRange(ctx context.Context, s *Set) error {
	e := &OutOfRangeError{Topic: s.Topic, Partition: s.Partition, Offset: s.next, Earliest: Unknown, Latest: Unknown}
	ranges, err := c.Offsets(ctx, s.Topic, []int32{s.Partition})
	if err != nil {
		return e
	}
	r := ranges[s.Partition]
	if r.Earliest <= s.next && s.next <= r.Latest {
		return &RetriableError{
			Op:  fmt.Sprintf("fetching partition %d of topic %s from offset %d", s.Partition, s.Topic, s.next),
			Err: fmt.Errorf("%w, but the log holds %d to %d", kafka.OffsetOutOfRange, r.Earliest, r.Latest),
		}
	}
	e.Earliest, e.Latest = r.Earliest, r.Latest
	return e
}
