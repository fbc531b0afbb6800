package accesslog

import (
	"context"
	"fmt"
	"time"

	kafka "github.com/segmentio/kafka-go"

	"drawdown/api/access"
	"drawdown/consumer/fetch"
	"drawdown/consumer/signature"
	"drawdown/producer"
)

// readWait is how long Read waits for a first record. A broker answers as soon as there is one.
const readWait = 500 * time.Millisecond

// KeyLog is an [access.Log] on Kafka. It is safe for concurrent use and has nothing to close.
type KeyLog struct {
	producer *producer.Log
	fetch    *fetch.Client
}

var _ access.Log = (*KeyLog)(nil)

// NewKeyLog does not connect.
func NewKeyLog(config Config) (*KeyLog, error) {
	client, err := config.client(true)
	if err != nil {
		return nil, err
	}
	return &KeyLog{producer: config.Producer, fetch: client}, nil
}

// Append implements [access.Log]. It tries for as long as the producer is configured to, or until ctx ends.
func (l *KeyLog) Append(ctx context.Context, r access.LogRecord) (int64, error) {
	return l.producer.AppendTo(ctx, 0, r.Key, r.Value, kafka.Header{Key: signature.Header, Value: r.Signature})
}

// End implements [access.Log].
func (l *KeyLog) End(ctx context.Context) (int64, error) {
	count, err := l.fetch.PartitionCount(ctx, l.producer.Topic())
	if err != nil {
		return 0, err
	}
	if count != 1 {
		return 0, fmt.Errorf("topic %s has %d partitions: records of keys are read in one order, so it must have one; create it anew with `drawdown topics create`", l.producer.Topic(), count)
	}
	held, err := l.fetch.Offsets(ctx, l.producer.Topic(), []int32{0})
	return held[0].Latest, err
}

// Read implements [access.Log].
func (l *KeyLog) Read(ctx context.Context, from int64, take func(access.LogRecord)) (int64, error) {
	answer, err := l.fetch.Fetch(ctx, fetch.Request{
		Topic: l.producer.Topic(), Partitions: []fetch.Partition{{ID: 0, Offset: from, BytesMax: fetchBytesMax}},
		BytesMin: 1, BytesMax: fetchBytesMax, WaitMax: readWait,
	})
	if err != nil {
		return from, err
	}
	defer answer.Release()
	set := answer.Sets[0]
	var record fetch.Record
	for {
		more, err := set.Next(&record)
		if err != nil || !more {
			return set.NextOffset(), err
		}
		signed, _ := record.Header(signature.Header)
		take(access.LogRecord{Key: string(record.Key), Value: record.Value, Signature: signed})
	}
}
