package clickhouse

import (
	"context"
	"errors"
	"time"

	"drawdown/consumer/fetch"
)

// Source is where records are read from.
type Source interface {
	// Fetch returns records of a topic's partition from the offset on, at least one unless none comes within wait.
	// An error of type *fetch.OutOfRangeError says that the topic does not have the offset.
	Fetch(ctx context.Context, topic string, partition int32, offset int64, wait time.Duration) (Fetched, error)
	// Range returns the first record that the topic has and the one that will come next.
	Range(ctx context.Context, topic string, partition int32) (earliest, latest int64, err error)
	// PartitionCount returns how many partitions a topic has.
	PartitionCount(ctx context.Context, topic string) (int, error)
}

// Fetched is what a source answered.
type Fetched interface {
	// Next returns the next record and whether there was one. Its value is valid until Release.
	Next() (record SourceRecord, ok bool, err error)
	// NextOffset is where to go on after the records that Next has returned.
	NextOffset() int64
	// Latest is the record that will come next on the topic.
	Latest() int64
	// Release gives the memory back.
	Release()
}

// SourceRecord is one record of a topic.
type SourceRecord struct {
	Offset     int64
	AppendTime time.Time
	Value      []byte
}

// KafkaSource reads from Kafka.
type KafkaSource struct {
	client   *fetch.Client
	bytesMax int32
}

// NewKafkaSource returns a source that reads with the client, about bytesMax bytes at a time.
func NewKafkaSource(client *fetch.Client, bytesMax int) *KafkaSource {
	return &KafkaSource{client: client, bytesMax: int32(bytesMax)}
}

// Fetch implements [Source].
func (k *KafkaSource) Fetch(ctx context.Context, topic string, partition int32, offset int64, wait time.Duration) (Fetched, error) {
	response, err := k.client.Fetch(ctx, fetch.Request{
		Topic:      topic,
		Partitions: []fetch.Partition{{ID: partition, Offset: offset, BytesMax: k.bytesMax}},
		BytesMin:   1,
		BytesMax:   k.bytesMax,
		WaitMax:    wait,
	})
	if err != nil {
		return nil, sourceError(err)
	}
	if err := response.Sets[0].Err(); err != nil {
		response.Release()
		return nil, sourceError(err)
	}
	return &kafkaFetched{response: response, set: response.Sets[0]}, nil
}

// Range implements [Source].
func (k *KafkaSource) Range(ctx context.Context, topic string, partition int32) (earliest, latest int64, err error) {
	ranges, err := k.client.Offsets(ctx, topic, []int32{partition})
	if err != nil {
		return 0, 0, sourceError(err)
	}
	return ranges[partition].Earliest, ranges[partition].Latest, nil
}

// PartitionCount implements [Source].
func (k *KafkaSource) PartitionCount(ctx context.Context, topic string) (int, error) {
	count, err := k.client.PartitionCount(ctx, topic)
	return count, sourceError(err)
}

// sourceError marks the errors that don't pass. Out of range is left to the lane, which knows what it means.
func sourceError(err error) error {
	var outOfRange *fetch.OutOfRangeError
	if err == nil || fetch.Retriable(err) || errors.As(err, &outOfRange) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &sourceStopError{err}
}

type kafkaFetched struct {
	response *fetch.Response
	set      *fetch.Set
	record   fetch.Record
}

func (f *kafkaFetched) Next() (SourceRecord, bool, error) {
	ok, err := f.set.Next(&f.record)
	if !ok || err != nil {
		return SourceRecord{}, false, sourceError(err)
	}
	return SourceRecord{f.record.Offset, time.UnixMilli(f.record.AppendTime), f.record.Value}, true, nil
}

func (f *kafkaFetched) NextOffset() int64 { return f.set.NextOffset() }
func (f *kafkaFetched) Latest() int64     { return f.set.HighWatermark }
func (f *kafkaFetched) Release()          { f.response.Release() }
