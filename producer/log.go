package producer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/segmentio/kafka-go"
)

// Log appends records to the metering topic and waits until all in-sync replicas have them. It
// knows nothing of what a record says: usage, operations and broadcasts all go through it. Safe
// for concurrent use.
//
// It stands on the library's Client.Produce and not on its Writer: that one goes on retrying, and
// sleeping, after the caller's context has ended, so that Close could not keep its word.
type Log struct {
	config    Config
	client    *kafka.Client
	transport *kafka.Transport
}

// NewLog reads the security files and makes a Log. It does not connect: a broker that is away shows
// at the first append.
func NewLog(config Config) (*Log, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	config = config.withDefaults()
	tlsConfig, err := config.Security.TLSConfig()
	if err != nil {
		return nil, err
	}
	mechanism, err := config.Security.SASL()
	if err != nil {
		return nil, err
	}
	transport := &kafka.Transport{
		Dial: config.Dial, ClientID: config.ClientID, TLS: tlsConfig, SASL: mechanism,
		// Without a list the library asks for every topic of the cluster, again and again.
		MetadataTopics: []string{config.Topic},
		// The library looks for moved leaders and brokers that are back only this often.
		MetadataTTL: 2 * time.Second,
	}
	client := &kafka.Client{Addr: kafka.TCP(config.Brokers...), Transport: transport}
	return &Log{config: config, client: client, transport: transport}, nil
}

// Close closes idle connections. Appends still under way end by themselves.
func (l *Log) Close() error {
	l.transport.CloseIdleConnections()
	return nil
}

// Topic is the topic appended to.
func (l *Log) Topic() string { return l.config.Topic }

// Partitions is how many partitions the topic has. It tries again until ctx ends or
// Config.DeliveryTimeout has passed, whichever is first, like all of Log.
func (l *Log) Partitions(ctx context.Context) (int32, error) {
	var count int32
	err := l.retry(ctx, func(ctx context.Context) (err error) {
		count, err = l.askPartitions(ctx)
		return err
	})
	if err != nil {
		return 0, &AppendError{Topic: l.config.Topic, Partition: -1, Err: err}
	}
	return count, nil
}

// Append writes one record to the partition that Kafka's default partitioner gives the key, and
// says where it landed. The error is an *AppendError. A retry after a lost answer may write the
// record twice; the position is then that of the last copy.
func (l *Log) Append(ctx context.Context, key string, value []byte, headers ...kafka.Header) (partition int32, offset int64, err error) {
	count, err := l.Partitions(ctx)
	if err != nil {
		return -1, -1, err
	}
	partition = PartitionOf(key, count)
	offset, err = l.AppendTo(ctx, partition, key, value, headers...)
	return partition, offset, err
}

// AppendTo writes one record to a partition of the caller's choice: broadcasts go to every
// partition. An empty key is none.
func (l *Log) AppendTo(ctx context.Context, partition int32, key string, value []byte, headers ...kafka.Header) (offset int64, err error) {
	offset, failure := l.write(ctx, partition, []record{{key, value, headers}})
	if failure != nil {
		return -1, failure
	}
	return offset, nil
}

// AppendBatch writes the values in order, all under one key, in as few batches as
// Config.BatchBytes allows, each with the headers. It returns how many leading ones were
// acknowledged; the error is an *AppendError.
func (l *Log) AppendBatch(ctx context.Context, key string, values [][]byte, headers ...kafka.Header) (written int, err error) {
	count, err := l.Partitions(ctx)
	if err != nil {
		return 0, err
	}
	records := make([]record, len(values))
	for i, value := range values {
		records[i] = record{key, value, headers}
	}
	written, failure := l.writeAll(ctx, PartitionOf(key, count), records)
	if failure != nil {
		return written, failure
	}
	return written, nil
}

// PartitionOf is Kafka's default partitioner: murmur2 of the key over the partition count, as in
// the Java client.
func PartitionOf(key string, partitions int32) int32 { return partitioner(partitions)(key) }

// partitioner is PartitionOf for many keys: the library wants the list of ids each time.
func partitioner(partitions int32) func(key string) int32 {
	ids := make([]int, partitions)
	for i := range ids {
		ids[i] = i
	}
	balancer := kafka.Murmur2Balancer{Consistent: true}
	return func(key string) int32 {
		return int32(balancer.Balance(kafka.Message{Key: []byte(key)}, ids...))
	}
}

type record struct {
	key     string
	value   []byte
	headers []kafka.Header
}

// bytes is at least what the record takes in a batch: its varints are at most 35 bytes, a
// header's at most 10.
func (r record) bytes() int {
	size := 35 + len(r.key) + len(r.value)
	for _, header := range r.headers {
		size += 10 + len(header.Key) + len(header.Value)
	}
	return size
}

// writeAll writes records to one partition in order, split by size; it stops at the first batch
// that fails and tells how many were acknowledged.
func (l *Log) writeAll(ctx context.Context, partition int32, records []record) (int, *AppendError) {
	written, limit := 0, len(records)
	for written < len(records) {
		batch := records[written:min(written+l.fitting(records[written:]), written+limit)]
		_, failure := l.write(ctx, partition, batch)
		switch {
		case failure == nil:
			written += len(batch)
		case errors.Is(failure.Err, kafka.MessageSizeTooLarge) && len(batch) > 1:
			limit = len(batch) / 2 // this broker allows less than BatchBytes
		default:
			failure.Written = written
			return written, failure
		}
	}
	return written, nil
}

// fitting is how many leading records one batch may hold: at least one.
func (l *Log) fitting(records []record) int {
	size := 0
	for i := range records {
		if size += records[i].bytes(); size > l.config.BatchBytes && i > 0 {
			return i
		}
	}
	return len(records)
}

// write puts one batch into a partition, trying again while that may help.
func (l *Log) write(ctx context.Context, partition int32, batch []record) (offset int64, failure *AppendError) {
	unknown := false
	err := l.retry(ctx, func(ctx context.Context) error {
		answer, err := l.client.Produce(ctx, &kafka.ProduceRequest{
			Topic: l.config.Topic, Partition: int(partition), RequiredAcks: kafka.RequireAll,
			Compression: l.config.Compression, Records: kafka.NewRecordReader(kafkaRecords(batch)...),
		})
		if err == nil {
			err, offset = answer.Error, answer.BaseOffset
		}
		unknown = unknown || err != nil && sent(err)
		return err
	})
	if err == nil {
		return offset, nil
	}
	return -1, &AppendError{Topic: l.config.Topic, Partition: partition, MaybeWritten: unknown, Err: err}
}

// sent: the request may have reached the broker. One that could not be dialled or routed was not
// sent, one that was answered with a refusal was not written.
func sent(err error) bool {
	var dial *net.OpError
	if errors.As(err, &dial) && dial.Op == "dial" {
		return false
	}
	return !answered(err)
}

// kafkaRecords are made anew for each try: a record reader is consumed. They carry the time of
// now, which is what brokers without append time keep.
func kafkaRecords(batch []record) []kafka.Record {
	now := time.Now()
	records := make([]kafka.Record, len(batch))
	for i, r := range batch {
		records[i] = kafka.Record{Time: now, Value: kafka.NewBytes(r.value), Headers: r.headers}
		if r.key != "" {
			records[i].Key = kafka.NewBytes([]byte(r.key))
		}
	}
	return records
}

func (l *Log) askPartitions(ctx context.Context) (int32, error) {
	answer, err := l.client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{l.config.Topic}})
	if err != nil {
		return 0, err
	}
	for _, topic := range answer.Topics {
		if topic.Name != l.config.Topic {
			continue
		}
		if topic.Error != nil {
			return 0, fmt.Errorf("topic %s: %w", topic.Name, topic.Error)
		}
		return countPartitions(topic)
	}
	return 0, fmt.Errorf("topic %s: %w", l.config.Topic, kafka.UnknownTopicOrPartition)
}

// countPartitions refuses a list with holes: a key's partition follows from the count, and a wrong
// count would put an account's records where nobody looks for them.
func countPartitions(topic kafka.Topic) (int32, error) {
	seen := make([]bool, len(topic.Partitions))
	for _, partition := range topic.Partitions {
		if partition.ID < 0 || partition.ID >= len(seen) || seen[partition.ID] {
			return 0, fmt.Errorf("topic %s: the broker lists %d partitions, but not 0 to %d", topic.Name, len(seen), len(seen)-1)
		}
		seen[partition.ID] = true
	}
	if len(seen) == 0 {
		return 0, fmt.Errorf("topic %s: %w", topic.Name, kafka.UnknownTopicOrPartition)
	}
	return int32(len(seen)), nil
}
