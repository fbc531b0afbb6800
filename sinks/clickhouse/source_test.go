package clickhouse

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	kafka "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"

	"drawdown"
	"drawdown/balance/ledgerevent"
	"drawdown/consumer/fetch"
)

// startKafka starts a broker in this process with the sink's two topics.
func startKafka(t *testing.T, partitions int32) (addrs []string, source *KafkaSource) {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(partitions, chargesTopic, ledgerTopic))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	transport := &kafka.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	client, err := fetch.NewClient(fetch.Config{Transport: transport, Addr: kafka.TCP(cluster.ListenAddrs()...), AllowCreateTime: true})
	if err != nil {
		t.Fatal(err)
	}
	return cluster.ListenAddrs(), NewKafkaSource(client, 1<<20)
}

func produce(t *testing.T, addrs []string, topic string, partition int, values ...[]byte) {
	t.Helper()
	writer := &kafka.Writer{Addr: kafka.TCP(addrs...), Topic: topic, RequiredAcks: kafka.RequireAll, BatchTimeout: time.Millisecond,
		Balancer: kafka.BalancerFunc(func(kafka.Message, ...int) int { return partition })}
	defer writer.Close()
	for _, value := range values {
		if err := writer.WriteMessages(t.Context(), kafka.Message{Value: value}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestKafkaSource(t *testing.T) {
	addrs, source := startKafka(t, 2)
	produce(t, addrs, chargesTopic, 1, []byte("a"), []byte("b"))
	if count, err := source.PartitionCount(t.Context(), chargesTopic); count != 2 || err != nil {
		t.Errorf("partitions: %d, %v", count, err)
	}
	if earliest, latest, err := source.Range(t.Context(), chargesTopic, 1); earliest != 0 || latest != 2 || err != nil {
		t.Errorf("range: %d to %d, %v", earliest, latest, err)
	}
	fetched, err := source.Fetch(t.Context(), chargesTopic, 1, 1, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	record, ok, err := fetched.Next()
	if !ok || err != nil || record.Offset != 1 || string(record.Value) != "b" || time.Since(record.AppendTime) > time.Minute {
		t.Errorf("record: %+v, %v, %v", record, ok, err)
	}
	if _, ok, err := fetched.Next(); ok || err != nil || fetched.NextOffset() != 2 || fetched.Latest() != 2 {
		t.Errorf("end: %v, %v, next %d, latest %d", ok, err, fetched.NextOffset(), fetched.Latest())
	}
	fetched.Release()
	var outOfRange *fetch.OutOfRangeError
	if _, err := source.Fetch(t.Context(), chargesTopic, 1, 7, time.Second); !errors.As(err, &outOfRange) || stops(err) {
		t.Errorf("an offset out of range: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := source.Fetch(ctx, chargesTopic, 1, 2, time.Second); !errors.Is(err, context.Canceled) || stops(err) {
		t.Errorf("a context that has ended: %v", err)
	}
}

// TestGroup: two sinks of a group divide the partitions, and when one leaves the other goes on with all of them.
func TestGroup(t *testing.T) {
	const partitions = 4
	addrs, source := startKafka(t, partitions)
	store := newFakeStore(rand.New(rand.NewPCG(5, 5)), false)
	var stories []*story
	for p := range int32(partitions) {
		stories = append(stories, tell(rand.New(rand.NewPCG(5, uint64(p))), p, 60))
	}
	publish := func(first, next drawdown.Offset) {
		for p, s := range stories {
			produce(t, addrs, chargesTopic, p, s.chargesBetween(first, next))
		}
	}
	config := testConfig()
	config.Group, config.FetchWaitMax, config.BlockAgeMax = "sink", 50*time.Millisecond, 10*time.Millisecond
	start := func() (stop func()) {
		sink, err := New(config, Deps{Store: store, Source: source, Registerer: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler),
			NewGroup: func() (Group, error) {
				return kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{ID: config.Group, Brokers: addrs, Topics: []string{chargesTopic, ledgerTopic},
					HeartbeatInterval: 100 * time.Millisecond, RebalanceTimeout: 2 * time.Second, JoinGroupBackoff: 50 * time.Millisecond})
			}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- sink.Run(ctx) }()
		return func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	}
	written := func(next drawdown.Offset) {
		t.Helper()
		want := uint64(0)
		for _, s := range stories {
			for _, c := range s.charges {
				if c.Offset < next {
					want++
				}
			}
		}
		for deadline := time.Now().Add(time.Minute); store.count(Charges) < want; {
			if time.Now().After(deadline) {
				t.Fatalf("%d rows, want %d", store.count(Charges), want)
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	stopFirst := start()
	publish(0, 20)
	written(20)
	stopSecond := start()
	publish(20, 40)
	written(40)
	stopFirst()
	publish(40, 60)
	written(60)
	for p, s := range stories {
		for _, e := range s.entries {
			produce(t, addrs, ledgerTopic, p, ledgerevent.Append(nil, s.partition, e))
		}
	}
	want := wantRows(stories)
	for deadline := time.Now().Add(time.Minute); store.count(Ledger) < uint64(len(want[Ledger])); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d ledger rows, want %d", store.count(Ledger), len(want[Ledger]))
		}
	}
	stopSecond()
	checkRows(t, store, want)
}
