//go:build integration

package consumer

import (
	"net"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"drawdown/balance"
	"drawdown/balance/redisstore"
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
