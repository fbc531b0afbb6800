package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"golang.org/x/sync/errgroup"

	"drawdown/consumer/murmur"
	"drawdown/consumer/signature"
)

// batchBytes is the size of the loader's record batches; brokers refuse more than 1,048,588 bytes by default, and the
// metering topic a little less.
const batchBytes = 800_000

// recordOverhead is more than what a record takes beside its key and value.
const recordOverhead = 128

// How long, and how often, a new topic's partition is tried until it has a leader.
const (
	leaderTimeout = 30 * time.Second
	leaderPause   = 100 * time.Millisecond
)

// loader appends records to the metering topic in large batches, in order within each partition.
type loader struct {
	ctx     context.Context
	client  *kafkago.Client
	topic   string
	keys    *signature.Keys
	lanes   []loaderLane
	sending *errgroup.Group
}

type loaderLane struct {
	records []record
	bytes   int
	full    chan []record
}

type record struct {
	key     string // "" for none
	value   []byte
	headers []kafkago.Header
}

// newLoader returns a loader. Call close, which waits for what was added.
func (c *cluster) newLoader(ctx context.Context, partitions int) *loader {
	l := &loader{client: c.client, topic: c.config.Worker.MeteringTopic, keys: c.keys, lanes: make([]loaderLane, partitions)}
	l.sending, l.ctx = errgroup.WithContext(ctx)
	for partition := range l.lanes {
		full := make(chan []record, 1)
		l.lanes[partition].full = full
		l.sending.Go(func() error { return l.send(partition, full) })
	}
	return l
}

// send appends batch after batch to a partition.
func (l *loader) send(partition int, full <-chan []record) error {
	for {
		select {
		case <-l.ctx.Done():
			return l.ctx.Err()
		case records, more := <-full:
			if !more {
				return nil
			}
			if err := l.append(partition, records); err != nil {
				return fmt.Errorf("append to %s, partition %d: %w", l.topic, partition, err)
			}
		}
	}
}

// append appends one batch. Right after a topic was created its leader may not know of it: then, and only then, it tries
// again, since nothing was written.
func (l *loader) append(partition int, records []record) error {
	for deadline := time.Now().Add(leaderTimeout); ; {
		answer, err := l.client.Produce(l.ctx, &kafkago.ProduceRequest{
			Topic: l.topic, Partition: partition, RequiredAcks: kafkago.RequireAll, Records: reader(records),
		})
		if err == nil {
			err = answer.Error
		}
		leaderless := errors.Is(err, kafkago.NotLeaderForPartition) || errors.Is(err, kafkago.UnknownTopicOrPartition) ||
			errors.Is(err, kafkago.LeaderNotAvailable)
		if !leaderless || time.Now().After(deadline) {
			return err
		}
		select {
		case <-l.ctx.Done():
			return l.ctx.Err()
		case <-time.After(leaderPause):
		}
	}
}

func reader(records []record) kafkago.RecordReader {
	list := make([]kafkago.Record, len(records))
	for i := range records {
		list[i] = kafkago.Record{Value: kafkago.NewBytes(records[i].value), Headers: records[i].headers}
		if records[i].key != "" {
			list[i].Key = kafkago.NewBytes([]byte(records[i].key))
		}
	}
	return kafkago.NewRecordReader(list...)
}

// usage adds a usage event.
func (l *loader) usage(account string, value []byte) {
	l.add(murmur.Partition([]byte(account), len(l.lanes)), account, value)
}

// operation adds a signed operation to the partition of its account.
func (l *loader) operation(account string, value []byte) error {
	header, err := l.keys.Sign(value)
	if err != nil {
		return err
	}
	l.add(murmur.Partition([]byte(account), len(l.lanes)), account, value, kafkago.Header{Key: signature.Header, Value: header})
	return nil
}

// broadcast adds a signed operation to every partition.
func (l *loader) broadcast(value []byte) error {
	header, err := l.keys.Sign(value)
	if err != nil {
		return err
	}
	for partition := range l.lanes {
		l.add(int32(partition), "", value, kafkago.Header{Key: signature.Header, Value: header})
	}
	return nil
}

func (l *loader) add(partition int32, key string, value []byte, headers ...kafkago.Header) {
	lane := &l.lanes[partition]
	size := len(key) + len(value) + recordOverhead
	for i := range headers {
		size += len(headers[i].Key) + len(headers[i].Value)
	}
	if lane.bytes+size > batchBytes {
		l.flush(lane)
	}
	lane.records, lane.bytes = append(lane.records, record{key, value, headers}), lane.bytes+size
}

// flush hands a batch on. After a failure it drops it: close tells the failure.
func (l *loader) flush(lane *loaderLane) {
	if len(lane.records) == 0 {
		return
	}
	select {
	case lane.full <- lane.records:
	case <-l.ctx.Done():
	}
	lane.records, lane.bytes = nil, 0
}

// close appends what is left and waits until everything is acknowledged.
func (l *loader) close() error {
	for i := range l.lanes {
		l.flush(&l.lanes[i])
		close(l.lanes[i].full)
	}
	return l.sending.Wait()
}
