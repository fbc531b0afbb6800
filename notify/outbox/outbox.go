package outbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	kafka "github.com/segmentio/kafka-go"

	"drawdown/consumer/fetch"
	"drawdown/notify"
)

// Config is how the delivery log is reached. Transport stays its owner's, who closes its connections.
type Config struct {
	Transport kafka.RoundTripper
	Addr      net.Addr
	Topic     string // "" for [Topic]
	// AttemptTimeout bounds one request.
	AttemptTimeout time.Duration
}

// Outbox is a [notify.Outbox] on Kafka. It is safe for concurrent use and has nothing to close.
type Outbox struct {
	config Config
	client kafka.Client
	fetch  *fetch.Client
}

var _ notify.Outbox = (*Outbox)(nil)

// New returns an outbox. It does not connect.
func New(config Config) (*Outbox, error) {
	if config.Topic == "" {
		config.Topic = Topic
	}
	if config.AttemptTimeout <= 0 {
		return nil, errors.New("outbox: an attempt timeout is required")
	}
	reader, err := fetch.NewClient(fetch.Config{
		Transport: config.Transport, Addr: config.Addr, RequestTimeout: config.AttemptTimeout,
		AllowCreateTime: true, // times only bound what is read, with days to spare
	})
	if err != nil {
		return nil, fmt.Errorf("outbox: %w", err)
	}
	return &Outbox{config: config, client: kafka.Client{Addr: config.Addr, Transport: config.Transport}, fetch: reader}, nil
}

// batchBytesMax is how much is produced at a time. It stays below what a broker takes unless it is configured otherwise
// (message.max.bytes, 1 MiB), with room for keys and headers.
const batchBytesMax = 900_000

// Append implements [notify.Outbox].
func (o *Outbox) Append(ctx context.Context, partition int32, records []notify.OutboxRecord) error {
	for len(records) > 0 {
		count := fitting(records)
		if err := o.produce(ctx, partition, records[:count]); err != nil {
			return fmt.Errorf("append to %s/%d: %w", o.config.Topic, partition, err)
		}
		records = records[count:]
	}
	return nil
}

// fitting is how many leading records are produced together, at least one.
func fitting(records []notify.OutboxRecord) int {
	const overhead = 40 // a record's lengths and deltas
	size := 0
	for i := range records {
		if size += overhead + len(records[i].Key) + len(records[i].Value); size > batchBytesMax && i > 0 {
			return i
		}
	}
	return len(records)
}

func (o *Outbox) produce(ctx context.Context, partition int32, records []notify.OutboxRecord) error {
	ctx, cancel := context.WithTimeout(ctx, o.config.AttemptTimeout)
	defer cancel()
	now := time.Now() // what brokers without append time keep
	batch := make([]kafka.Record, 0, len(records))
	for _, r := range records {
		batch = append(batch, kafka.Record{Time: now, Key: kafka.NewBytes([]byte(r.Key)), Value: kafka.NewBytes(r.Value)})
	}
	answer, err := o.client.Produce(ctx, &kafka.ProduceRequest{
		Topic: o.config.Topic, Partition: int(partition), RequiredAcks: kafka.RequireAll, Records: kafka.NewRecordReader(batch...),
	})
	if err != nil {
		return err
	}
	return answer.Error
}

// Partitions implements [notify.Outbox].
func (o *Outbox) Partitions(ctx context.Context) (int32, error) {
	count, err := o.fetch.PartitionCount(ctx, o.config.Topic)
	if err == nil && count == 0 {
		err = fmt.Errorf("topic %s: %w (`drawdown topics create` creates it)", o.config.Topic, kafka.UnknownTopicOrPartition)
	}
	return int32(count), err
}
