package app

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	kafka "github.com/segmentio/kafka-go"

	"drawdown"
	"drawdown/api/office"
	"drawdown/consumer/murmur"
)

// officeLog appends what the office has. It implements [office.Log].
type officeLog struct {
	operations *Operations
	client     *kafka.Client
	topic      string
	bytesMax   int // of a batch

	mu         sync.Mutex
	partitions int // 0 before they were asked for; fixed for ever after
}

// newOfficeLog returns the log of a configuration.
func (c *Config) newOfficeLog(cluster *Cluster, operations *Operations) *officeLog {
	return &officeLog{
		operations: operations, client: &kafka.Client{Addr: cluster.Addr, Transport: cluster.Transport},
		topic: c.Worker.MeteringTopic, bytesMax: c.Worker.MessageBytesMax,
	}
}

// Append implements [office.Log].
func (l *officeLog) Append(ctx context.Context, o *office.Operation) (office.Position, error) {
	op := Operation{Type: o.Type, Account: o.Account, ID: o.ID, Source: o.Source, Actor: o.Actor, Time: o.Time}
	if o.Data != nil {
		op.Data = o.Data
	}
	positions, err := l.operations.Append(ctx, op)
	var unfit *UnfitError
	if errors.As(err, &unfit) {
		return office.Position{}, &office.Error{
			Kind: office.Invalid, Reason: string(unfit.Reason), Detail: "The operation is not of the form that the contract asks for.",
		}
	}
	if err != nil {
		return office.Position{}, err
	}
	return office.Position{Partition: positions[0].Partition, Offset: drawdown.Offset(positions[0].Offset)}, nil
}

// AppendUsage implements [office.Log]: the events of each partition in batches, the partitions side by side.
func (l *officeLog) AppendUsage(ctx context.Context, events []office.UsageEvent) ([]office.Position, error) {
	count, err := l.count(ctx)
	if err != nil {
		return nil, err
	}
	positions := make([]office.Position, len(events))
	places := map[int32][]int{} // of the events of a partition, in order
	for i := range events {
		partition := murmur.Partition([]byte(events[i].Account), count)
		positions[i].Partition = partition
		places[partition] = append(places[partition], i)
	}
	var appending sync.WaitGroup
	faults := make(chan error, len(places))
	for partition, at := range places {
		appending.Go(func() { faults <- l.appendAll(ctx, partition, events, at, positions) })
	}
	appending.Wait()
	close(faults)
	for fault := range faults {
		err = errors.Join(err, fault)
	}
	return positions, err
}

func (l *officeLog) count(ctx context.Context) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.partitions == 0 {
		count, err := l.operations.log.Partitions(ctx)
		if err != nil {
			return 0, err
		}
		l.partitions = int(count)
	}
	return l.partitions, nil
}

// appendAll appends the events at some places to a partition, and notes where they landed.
func (l *officeLog) appendAll(ctx context.Context, partition int32, events []office.UsageEvent, places []int, positions []office.Position) error {
	for len(places) > 0 {
		batch := places[:l.fitting(events, places)]
		base, err := l.appendBatch(ctx, partition, events, batch)
		if err != nil {
			return fmt.Errorf("append usage to %s/%d: %w", l.topic, partition, err)
		}
		for i, place := range batch {
			positions[place].Offset = drawdown.Offset(base + int64(i))
		}
		places = places[len(batch):]
	}
	return nil
}

// fitting is how many leading events one batch may hold, at least one.
func (l *officeLog) fitting(events []office.UsageEvent, places []int) int {
	const overhead = 40 // a record's lengths and deltas
	size := 0
	for i, place := range places {
		if size += overhead + len(events[place].Account) + len(events[place].Value); size > l.bytesMax && i > 0 {
			return i
		}
	}
	return len(places)
}

// Pauses between attempts to append; they double.
const (
	appendPauseMin = 50 * time.Millisecond
	appendPauseMax = time.Second
)

// appendBatch tries until the batch stands in the log, the broker refuses it for good, or ctx ends. A try whose answer was
// lost may have been written: the events are then there twice, and count once.
func (l *officeLog) appendBatch(ctx context.Context, partition int32, events []office.UsageEvent, batch []int) (base int64, err error) {
	for pause := appendPauseMin; ; pause = min(2*pause, appendPauseMax) {
		records := make([]kafka.Record, len(batch)) // anew for each try: a record reader is consumed
		now := time.Now()
		for i, place := range batch {
			records[i] = kafka.Record{Time: now, Key: kafka.NewBytes([]byte(events[place].Account)), Value: kafka.NewBytes(events[place].Value)}
		}
		answer, err := l.client.Produce(ctx, &kafka.ProduceRequest{
			Topic: l.topic, Partition: int(partition), RequiredAcks: kafka.RequireAll, Records: kafka.NewRecordReader(records...),
		})
		if err == nil {
			err = answer.Error
		}
		if err == nil {
			return answer.BaseOffset, nil
		}
		var refusal kafka.Error
		if errors.As(err, &refusal) && !refusal.Temporary() || ctx.Err() != nil {
			return 0, err
		}
		select {
		case <-ctx.Done():
			return 0, err
		case <-time.After(pause):
		}
	}
}
