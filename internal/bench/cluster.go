package bench

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	kafkago "github.com/segmentio/kafka-go"
	"golang.org/x/sync/errgroup"

	"drawdown/consumer"
	"drawdown/consumer/signature"
	"drawdown/internal/app"
	"drawdown/internal/servers"
	"drawdown/internal/servers/clickhouse"
	"drawdown/internal/servers/kafka"
	"drawdown/internal/servers/redis"
)

// quickCompiler keeps Java's optimizing compiler from running. In the first minutes of a broker it takes more processor time
// than it saves, and a run would measure when it happens to work.
const quickCompiler = "-XX:TieredStopAtLevel=1"

// cluster is the servers of a run and how they are reached.
type cluster struct {
	dir    string // of all data and logs
	keep   bool
	config app.Config
	keys   *signature.Keys
	client *kafkago.Client

	servers []*servers.Server // Kafka, Redis, and perhaps ClickHouse
}

// machinery is what a cluster is made of.
type machinery struct {
	config       app.Config
	partitions   int
	kafkaHeapMiB int
	clickhouse   bool // ClickHouse too
	api          bool // the API's topics too
	keep         bool // data and logs
}

// startCluster starts empty servers. Call stop, whatever it returns.
func startCluster(ctx context.Context, m *machinery) (*cluster, error) {
	c := &cluster{keep: m.keep, config: m.config}
	var err error
	if c.dir, err = os.MkdirTemp("", "drawdown-bench-"); err != nil {
		return c, fmt.Errorf("make a folder for the servers: %w", err)
	}
	if err := c.makeKeys(); err != nil {
		return c, err
	}
	if err := c.start(ctx, m); err != nil {
		return c, err
	}
	broker, store := c.servers[0], c.servers[1]
	c.config.Kafka = app.Kafka{Brokers: []string{broker.Addr()}}
	c.config.Redis.Addrs = []string{store.Addr()}
	if m.clickhouse {
		c.config.ClickHouse = app.ClickHouse{DSN: "http://" + c.servers[2].Addr() + "/drawdown"}
	}
	c.client = &kafkago.Client{Addr: kafkago.TCP(broker.Addr()), Transport: &kafkago.Transport{}}
	return c, c.createTopics(ctx, m)
}

// start starts the servers side by side. One that is not installed names the command which installs it.
func (c *cluster) start(ctx context.Context, m *machinery) error {
	var broker *kafka.Server
	var store *redis.Server
	var database *clickhouse.Server
	var starting errgroup.Group // without a shared context: each ends by itself, and all that started are stopped
	starting.Go(func() (err error) {
		broker, err = kafka.Start(ctx, kafka.Options{
			Dir: filepath.Join(c.dir, "kafka"), HeapMiB: m.kafkaHeapMiB, JavaFlags: []string{quickCompiler},
		})
		return err
	})
	starting.Go(func() (err error) {
		store, err = redis.Start(ctx, redis.Options{Dir: filepath.Join(c.dir, "redis"), AppendOnly: redis.Everysec})
		return err
	})
	starting.Go(func() (err error) {
		if !m.clickhouse {
			return nil
		}
		database, err = clickhouse.Start(ctx, clickhouse.Options{Dir: filepath.Join(c.dir, "clickhouse")})
		return err
	})
	err := starting.Wait()
	if broker != nil {
		c.servers = append(c.servers, broker.Server)
	}
	if store != nil {
		c.servers = append(c.servers, store.Server)
	}
	if database != nil {
		c.servers = append(c.servers, database.Server)
	}
	return err
}

// makeKeys makes a key for the operations of this run.
func (c *cluster) makeKeys() (err error) {
	secret := make([]byte, signature.MinSecretLen)
	_, _ = rand.Read(secret) // never fails
	c.config.SigningKeysFile, c.config.SigningKeys = "", "bench:"+base64.StdEncoding.EncodeToString(secret)
	c.keys, err = c.config.Keys()
	return err
}

func (c *cluster) createTopics(ctx context.Context, m *machinery) error {
	connection, err := c.config.Cluster()
	if err != nil {
		return err
	}
	defer connection.Close()
	spec := consumer.DefaultTopicSpec()
	spec.Partitions = m.partitions
	if m.api {
		return c.config.EnsureTopics(ctx, connection, spec)
	}
	return c.config.Topics(connection).Ensure(ctx, spec)
}

// stop stops the servers and removes their data, unless they are kept.
func (c *cluster) stop() error {
	if c.client != nil {
		c.client.Transport.(*kafkago.Transport).CloseIdleConnections()
	}
	var stopping errgroup.Group
	faults := make([]error, len(c.servers))
	for i, server := range c.servers {
		stopping.Go(func() error { faults[i] = server.Stop(); return nil })
	}
	_ = stopping.Wait()
	err := errors.Join(faults...)
	if !c.keep && c.dir != "" {
		err = errors.Join(err, os.RemoveAll(c.dir))
	}
	return err
}
