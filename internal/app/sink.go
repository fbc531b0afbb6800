package app

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	kafka "github.com/segmentio/kafka-go"

	"drawdown/consumer/fetch"
	"drawdown/sinks/clickhouse"
)

// NewSink puts a sink together. Call closeAll after Run has returned.
func (c *Config) NewSink(registerer prometheus.Registerer, log *slog.Logger) (sink Part, closeAll func(), err error) {
	cluster, err := c.Cluster()
	if err != nil {
		return nil, nil, err
	}
	dsn, err := c.clickHouseDSN()
	if err != nil {
		return nil, nil, fmt.Errorf("clickhouse.dsn_file: %w", err)
	}
	// What the outputs' topics are stamped with does not matter: rows carry their instants.
	reader, err := fetch.NewClient(fetch.Config{Transport: cluster.Transport, Addr: cluster.Addr, AllowCreateTime: true})
	if err != nil {
		return nil, nil, fmt.Errorf("configure the sink: %w", err)
	}
	database, err := c.OpenDatabase()
	if err != nil {
		return nil, nil, err
	}
	config := c.sink(dsn)
	made, err := clickhouse.New(*config, clickhouse.Deps{
		Store: database, Source: clickhouse.NewKafkaSource(reader, config.FetchBytesMax), Registerer: registerer, Log: log,
		NewGroup: func() (clickhouse.Group, error) {
			return kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
				ID: config.Group, Brokers: cluster.Brokers, Dialer: cluster.Dialer,
				Topics: []string{config.ChargesTopic, config.LedgerTopic}, StartOffset: kafka.FirstOffset,
				// The library's half a minute would be how long rows stand still after a sink was killed.
				SessionTimeout: c.Worker.SessionTimeout, HeartbeatInterval: c.Worker.SessionTimeout / 6,
				RebalanceTimeout: c.Worker.DrainTimeout + c.Worker.SessionTimeout,
				JoinGroupBackoff: 500 * time.Millisecond, Timeout: c.Worker.AttemptTimeout,
			})
		},
	})
	if err != nil {
		return nil, nil, err
	}
	return &migratedSink{Part: made, dsn: dsn, pause: config.RetryMax, log: log}, func() { database.Close(); cluster.Close() }, nil
}

// migratedSink brings the tables up to date before the sink writes.
type migratedSink struct {
	Part
	dsn   string
	pause time.Duration
	log   *slog.Logger

	mu      sync.Mutex
	waiting error // why the tables are not up to date yet; nil once they are
}

// Ready implements [Part].
func (s *migratedSink) Ready() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting != nil {
		return s.waiting
	}
	return s.Part.Ready()
}

func (s *migratedSink) wait(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = err
}

// Run waits for ClickHouse as long as it is away: nothing else waits for it.
func (s *migratedSink) Run(ctx context.Context) error {
	for tries := 1; ; tries++ {
		applied, err := clickhouse.Migrate(ctx, s.dsn)
		if err == nil {
			s.wait(nil)
			if applied > 0 {
				s.log.Info("brought the tables up to date", "migrations", applied)
			}
			return s.Part.Run(ctx)
		}
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the sink was told to end before ClickHouse answered
		}
		s.wait(fmt.Errorf("clickhouse sink: waits for ClickHouse: %w", err))
		if tries&(tries-1) == 0 { // an outage of an hour is some lines
			s.log.Warn("the sink waits for ClickHouse", "attempts", tries, "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(s.pause):
		}
	}
}
