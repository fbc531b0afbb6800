package fetchtest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	kafka "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"

	"drawdown/consumer/fetch"
)

// Conformance runs everything that a broker must let package fetch do.
func Conformance(t *testing.T, b Broker) {
	t.Run("differential", func(t *testing.T) { Differential(t, b) })
	t.Run("another producer", func(t *testing.T) { anotherProducer(t, b) })
	t.Run("transaction markers", func(t *testing.T) { transactionMarkers(t, b) })
	t.Run("out of range", func(t *testing.T) { outOfRange(t, b) })
	if b.AppendTime {
		t.Run("create time is refused", func(t *testing.T) { createTimeIsRefused(t, b) })
	}
}

// bench is a topic with one partition, and a client that reads it.
type bench struct {
	b      Broker
	ctx    context.Context
	topic  string
	client *fetch.Client
}

func newBench(t *testing.T, b Broker, timestampType string) *bench {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	t.Cleanup(cancel)
	transport := &kafka.Transport{MetadataTTL: time.Second}
	t.Cleanup(transport.CloseIdleConnections)
	topic := createTopic(ctx, t, b, transport, 1, timestampType)
	client, err := fetch.NewClient(fetch.Config{
		Transport: transport, Addr: kafka.TCP(b.Addr), AllowCreateTime: !b.AppendTime, Contiguous: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return &bench{b: b, ctx: ctx, topic: topic, client: client}
}

// producer is franz-go, whose encoding shares nothing with kafka-go's.
func (s *bench) producer(t *testing.T, options ...kgo.Opt) *kgo.Client {
	t.Helper()
	k, err := kgo.NewClient(append(options, kgo.SeedBrokers(s.b.Addr), kgo.DefaultProduceTopic(s.topic))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k
}

// read fetches from the offset until the end of the log, or the first error that does not pass.
func (s *bench) read(from int64) (values []string, next int64, err error) {
	next = from
	for {
		res, err := s.client.Fetch(s.ctx, fetch.Request{
			Topic: s.topic, Partitions: []fetch.Partition{{Offset: next, BytesMax: 100_000}}, BytesMin: 1, BytesMax: 100_000, WaitMax: 100 * time.Millisecond,
		})
		if fetch.Retriable(err) {
			continue // until the context ends
		}
		if err != nil {
			return values, next, err
		}
		set := res.Sets[0]
		var rec fetch.Record
		ok, err := set.Next(&rec)
		for ; ok; ok, err = set.Next(&rec) {
			values = append(values, string(rec.Value))
		}
		next = set.NextOffset()
		atEnd := set.HighWatermark == next
		res.Release()
		if (err != nil && !fetch.Retriable(err)) || (err == nil && atEnd) {
			return values, next, err
		}
	}
}

// anotherProducer reads what franz-go wrote in every codec: it writes snappy without framing, among other differences.
func anotherProducer(t *testing.T, b Broker) {
	s := newBench(t, b, "LogAppendTime")
	var want []string
	for _, codec := range []kgo.CompressionCodec{
		kgo.NoCompression(), kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression(),
	} {
		k := s.producer(t, kgo.ProducerBatchCompression(codec))
		var records []*kgo.Record
		for i := range 2000 {
			v := fmt.Sprintf("value %d of a record that compresses", i)
			want, records = append(want, v), append(records, kgo.StringRecord(v))
		}
		if err := k.ProduceSync(s.ctx, records...).FirstErr(); err != nil {
			t.Fatalf("producing: %v", err)
		}
	}
	got, next, err := s.read(0)
	if err != nil || len(got) != len(want) || next != int64(len(want)) {
		t.Fatalf("%d records of %d, next offset %d, error %v", len(got), len(want), next, err)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("offset %d is %q, want %q", i, got[i], want[i])
		}
	}
}

// transactionMarkers reads over the records that end transactions: they take offsets and say nothing.
func transactionMarkers(t *testing.T, b Broker) {
	const transactions, records = 3, 10
	s := newBench(t, b, "LogAppendTime")
	k := s.producer(t, kgo.TransactionalID(s.topic))
	for range transactions {
		if err := k.BeginTransaction(); err != nil {
			t.Fatalf("beginning a transaction: %v", err)
		}
		for i := range records {
			if err := k.ProduceSync(s.ctx, kgo.StringRecord(fmt.Sprint(i))).FirstErr(); err != nil {
				t.Fatalf("producing: %v", err)
			}
		}
		if err := k.EndTransaction(s.ctx, kgo.TryCommit); err != nil {
			t.Fatalf("ending a transaction: %v", err)
		}
	}
	s.awaitEnd(t, transactions*(records+1))                 // brokers write the last marker after the producer has its answer
	for from := range int64(transactions * (records + 1)) { // also from the marker itself on
		got, next, err := s.read(from)
		want := transactions*records - int(from) + int(from)/(records+1)
		if err != nil || len(got) != want || next != transactions*(records+1) {
			t.Fatalf("from %d: %d records, want %d, next offset %d, error %v", from, len(got), want, next, err)
		}
	}
}

// awaitEnd waits until the log ends at the offset.
func (s *bench) awaitEnd(t *testing.T, offset int64) {
	t.Helper()
	for {
		ranges, err := s.client.Offsets(s.ctx, s.topic, []int32{0})
		if err != nil && !fetch.Retriable(err) {
			t.Fatalf("waiting for the log to end at %d: %v", offset, err)
		}
		if err == nil && ranges[0].Latest == offset {
			return
		}
	}
}

func outOfRange(t *testing.T, b Broker) {
	s := newBench(t, b, "LogAppendTime")
	if err := s.producer(t).ProduceSync(s.ctx, kgo.StringRecord("one")).FirstErr(); err != nil {
		t.Fatalf("producing: %v", err)
	}
	_, next, err := s.read(7)
	var out *fetch.OutOfRangeError
	if !errors.As(err, &out) || out.Offset != 7 || out.Earliest != 0 || out.Latest != 1 || next != 7 {
		t.Fatalf("next offset %d, error %v; want offset 7 out of range 0 to 1", next, err)
	}
}

func createTimeIsRefused(t *testing.T, b Broker) {
	s := newBench(t, b, "CreateTime")
	if err := s.producer(t).ProduceSync(s.ctx, kgo.StringRecord("one")).FirstErr(); err != nil {
		t.Fatalf("producing: %v", err)
	}
	got, next, err := s.read(0)
	var refused *fetch.CreateTimeError
	if !errors.As(err, &refused) || len(got) != 0 || next != 0 {
		t.Fatalf("%d records, next offset %d, error %v; want it refused", len(got), next, err)
	}
}
