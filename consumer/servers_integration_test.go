//go:build integration

package consumer

import (
	"bytes"
	"log/slog"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	kafkago "github.com/segmentio/kafka-go"

	"drawdown/balance"
	"drawdown/balance/redisstore"
	"drawdown/consumer/murmur"
	"drawdown/internal/servers/kafka"
	"drawdown/internal/servers/redis"
	"drawdown/internal/servers/serverstest"
)

// onServers runs a test on a real broker, in real time.
func onServers(t *testing.T, prepare func(*cluster, *kafka.Server), test func(*testing.T, *cluster)) {
	server := serverstest.Kafka(t, kafka.Options{})
	c := newCluster(t, server.Addr(), (&net.Dialer{}).DialContext)
	prepare(c, server)
	c.ensureTopics()
	test(t, c)
	c.transport.CloseIdleConnections()
}

func realRedis(t *testing.T) balance.Store {
	server := serverstest.Redis(t, redis.Options{AppendOnly: redis.Everysec})
	client := goredis.NewClient(&goredis.Options{Addr: server.Addr()})
	t.Cleanup(func() { _ = client.Close() })
	store, err := redisstore.New(client, "drawdown:")
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func TestWorkersOnRealKafka(t *testing.T) {
	onServers(t, func(*cluster, *kafka.Server) {}, workersShareTheLog)
}

func TestRejectsOnRealKafka(t *testing.T) {
	onServers(t, func(*cluster, *kafka.Server) {}, rejectsAreKeptWholeAndPutBack)
}

// TestAHugeRecordIsRejectedWhole sends what a topic with a greater limit lets in, and what does not compress.
func TestAHugeRecordIsRejectedWhole(t *testing.T) {
	onServers(t, func(c *cluster, server *kafka.Server) {
		settings := map[string]string{timestampType: logAppendTime, "max.message.bytes": "20971520"}
		if err := server.CreateTopic(t.Context(), c.cfg.MeteringTopic, clusterPartitions, settings); err != nil {
			t.Fatal(err)
		}
	}, func(t *testing.T, c *cluster) {
		random := rand.NewChaCha8([32]byte{})
		huge := make([]byte, 10<<20)
		_, _ = random.Read(huge)
		c.produceLarge(kafkago.Message{Key: []byte("acme"), Value: huge}, usageMessage("acme", 5, 1))
		worker := c.worker()
		stop := run(t, worker)
		c.caughtUp(worker)
		stop()
		rejects, err := NewRejects(c.cfg, c.transport, c.addr(), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		shown, err := rejects.Show(t.Context(), murmur.Partition([]byte("acme"), clusterPartitions), 0)
		if err != nil || !bytes.Equal(shown.Value, huge) {
			t.Errorf("the record is not there whole: %v", err)
		}
	})
}

// TestWorkerIsReplayOnRealServers needs producers' times, since the random logs jump through years.
func TestWorkerIsReplayOnRealServers(t *testing.T) {
	for seed := range uint64(2) {
		store := realRedis(t)
		onServers(t, func(c *cluster, server *kafka.Server) {
			c.cfg.AllowCreateTime = true
			settings := map[string]string{
				timestampType: "CreateTime", "retention.ms": "-1",
				"message.timestamp.after.max.ms": "9223372036854775807",
			}
			if err := server.CreateTopic(t.Context(), c.cfg.MeteringTopic, clusterPartitions, settings); err != nil {
				t.Fatal(err)
			}
		}, func(t *testing.T, c *cluster) { workerIsReplay(t, c, store, 100+seed) })
	}
}

// TestARealTopicWithProducersTimeIsRefused looks at the topic's setting before any record.
func TestARealTopicWithProducersTimeIsRefused(t *testing.T) {
	server := serverstest.Kafka(t, kafka.Options{})
	c := newCluster(t, server.Addr(), (&net.Dialer{}).DialContext)
	defer c.transport.CloseIdleConnections()
	if err := server.CreateTopic(t.Context(), c.cfg.MeteringTopic, clusterPartitions, nil); err != nil {
		t.Fatal(err)
	}
	c.topics = NewTopics(c.cfg, c.transport, c.addr())
	spec := DefaultTopicSpec()
	spec.Partitions = clusterPartitions
	if err := c.topics.Ensure(t.Context(), spec); Classify(err) != Stop {
		t.Errorf("created topics: %v", err)
	}
	worker := c.worker()
	stop := run(t, worker)
	defer stop()
	deadline := time.Now().Add(time.Minute)
	for worker.states()[Stopped] != clusterPartitions && time.Now().Before(deadline) {
		time.Sleep(50 * time.Millisecond)
	}
	if got := worker.states()[Stopped]; got != clusterPartitions {
		t.Errorf("%d partitions have stopped: %v", got, worker.Ready())
	}
}
