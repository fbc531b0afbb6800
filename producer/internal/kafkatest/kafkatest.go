// Package kafkatest runs an in-process Kafka for tests and reads back what was written, with a
// client that shares no code with the one under test. It owns no assertion about content.
package kafkatest

import (
	"context"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Topic is the topic of every Broker.
const Topic = "drawdown.metering"

// Timeout bounds every wait of a test; it is reached only by a failing one.
const Timeout = 30 * time.Second

// Broker is a running in-process Kafka with one topic.
type Broker struct {
	Addr    string
	Cluster *kfake.Cluster
}

// Start runs a broker on a free loopback port until the test ends.
func Start(t testing.TB, partitions int32, options ...kfake.Opt) *Broker {
	t.Helper()
	return StartOn(t, 0, partitions, options...)
}

// StartOn is Start on a port of the caller's choice.
func StartOn(t testing.TB, port int, partitions int32, options ...kfake.Opt) *Broker {
	t.Helper()
	options = append([]kfake.Opt{
		kfake.NumBrokers(1), kfake.Ports(port), kfake.SeedTopics(partitions, Topic),
	}, options...)
	cluster, err := kfake.NewCluster(options...)
	if err != nil {
		t.Fatalf("start the broker: %v", err)
	}
	t.Cleanup(cluster.Close)
	return &Broker{Addr: cluster.ListenAddrs()[0], Cluster: cluster}
}

// FreePort is a loopback port on which nothing listens: connections to it are refused.
func FreePort(t testing.TB) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("find a free port: %v", err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

// Address is the port as host:port.
func Address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// Read waits for the first count records of the topic, over all partitions; each partition's are
// in order.
func (b *Broker) Read(t testing.TB, count int) []*kgo.Record {
	t.Helper()
	return b.ReadUntil(t, func(records []*kgo.Record) bool { return len(records) >= count })
}

// ReadUntil reads the topic from its beginning until enough says so of all records read.
func (b *Broker) ReadUntil(t testing.TB, enough func([]*kgo.Record) bool) []*kgo.Record {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Addr), kgo.ConsumeTopics(Topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(100*time.Millisecond))
	if err != nil {
		t.Fatalf("make the reading client: %v", err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), Timeout)
	defer cancel()
	var records []*kgo.Record
	for !enough(records) {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatalf("read the topic: only %d records came in %v", len(records), Timeout)
		}
		records = append(records, fetches.Records()...)
	}
	return records
}
