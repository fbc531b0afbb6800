package outbox

import (
	"context"
	"errors"
	"fmt"
	"time"

	kafka "github.com/segmentio/kafka-go"

	"drawdown/consumer/fetch"
	"drawdown/notify"
)

// fetchBytesMax is how much is asked for at once.
const fetchBytesMax = 4 << 20

// Last implements [notify.Outbox].
func (o *Outbox) Last(ctx context.Context, partition int32) (time.Time, error) {
	held, err := o.held(ctx, partition)
	if err != nil {
		return time.Time{}, err
	}
	var last time.Time
	err = o.read(ctx, partition, max(held.Earliest, held.Latest-1), held.Latest, func(r *notify.OutboxRecord) error {
		last = r.Appended
		return nil
	})
	return last, err
}

// Read implements [notify.Outbox].
func (o *Outbox) Read(ctx context.Context, partition int32, since time.Time, take func(*notify.OutboxRecord) error) error {
	held, err := o.held(ctx, partition)
	if err != nil {
		return err
	}
	from, err := o.offsetAt(ctx, partition, since, held)
	if err != nil {
		return err
	}
	return o.read(ctx, partition, from, held.Latest, take)
}

func (o *Outbox) held(ctx context.Context, partition int32) (fetch.Range, error) {
	ranges, err := o.fetch.Offsets(ctx, o.config.Topic, []int32{partition})
	return ranges[partition], err
}

// offsetAt finds the first record that was appended at or after an instant; the end where there is none.
func (o *Outbox) offsetAt(ctx context.Context, partition int32, at time.Time, held fetch.Range) (int64, error) {
	if at.Before(time.UnixMilli(1)) {
		return held.Earliest, nil
	}
	ctx, cancel := context.WithTimeout(ctx, o.config.AttemptTimeout)
	defer cancel()
	answer, err := o.client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{
		o.config.Topic: {kafka.TimeOffsetOf(int(partition), at)},
	}})
	if err != nil {
		return 0, fmt.Errorf("ask for the offset of an instant in %s/%d: %w", o.config.Topic, partition, err)
	}
	for _, p := range answer.Topics[o.config.Topic] {
		if p.Partition != int(partition) {
			continue
		}
		if p.Error != nil {
			return 0, fmt.Errorf("ask for the offset of an instant in %s/%d: %w", o.config.Topic, partition, p.Error)
		}
		for offset := range p.Offsets {
			if offset >= 0 {
				return max(offset, held.Earliest), nil
			}
		}
		return held.Latest, nil // offset -1 with time -1: the library takes that for an answer about the end
	}
	return 0, fmt.Errorf("ask for the offset of an instant in %s/%d: no answer for the partition", o.config.Topic, partition)
}

// read hands over the records of a partition from one offset to before another.
func (o *Outbox) read(ctx context.Context, partition int32, from, end int64, take func(*notify.OutboxRecord) error) error {
	for from < end {
		next, err := o.readSome(ctx, partition, from, end, take)
		var cut *fetch.OutOfRangeError
		switch {
		case errors.As(err, &cut) && cut.Offset == from && cut.Earliest > from:
			next = cut.Earliest // what was to be read first has just reached its age
		case err != nil:
			return err
		}
		from = next
	}
	return nil
}

// readSome reads one answer, and returns where to go on.
func (o *Outbox) readSome(ctx context.Context, partition int32, from, end int64, take func(*notify.OutboxRecord) error) (next int64, err error) {
	answer, err := o.fetch.Fetch(ctx, fetch.Request{
		Topic: o.config.Topic, Partitions: []fetch.Partition{{ID: partition, Offset: from, BytesMax: fetchBytesMax}},
		BytesMin: 1, BytesMax: fetchBytesMax, WaitMax: 100 * time.Millisecond,
	})
	if err != nil {
		return 0, err
	}
	defer answer.Release()
	set := answer.Sets[0]
	var record fetch.Record
	for {
		more, err := set.Next(&record)
		if err != nil {
			return 0, err
		}
		if !more || record.Offset >= end {
			return set.NextOffset(), nil
		}
		err = take(&notify.OutboxRecord{
			Key: string(record.Key), Value: record.Value, Appended: time.UnixMilli(record.AppendTime),
		})
		if err != nil {
			return 0, err
		}
	}
}
