package app

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"drawdown/balance/redisstore"
	"drawdown/consumer"
)

// Part is a running part: a worker or a sink.
type Part interface {
	Run(ctx context.Context) error
	// Ready returns why the part does not work as it should, nil while it does.
	Ready() error
}

// NewWorker puts a worker together. Call closeAll after Run has returned.
func (c *Config) NewWorker(registerer prometheus.Registerer, log *slog.Logger) (worker Part, closeAll func(), err error) {
	cluster, err := c.Cluster()
	if err != nil {
		return nil, nil, err
	}
	keys, err := c.Keys()
	if err != nil {
		return nil, nil, err
	}
	client, store, err := c.OpenRedis()
	if err != nil {
		return nil, nil, err
	}
	worker, err = consumer.New(c.Worker, consumer.Deps{
		Transport: cluster.Transport, Addr: cluster.Addr, Brokers: cluster.Brokers, Dialer: cluster.Dialer,
		Store: store, Keys: keys, Registerer: registerer, Log: log,
	})
	if err != nil {
		return nil, nil, err
	}
	return &checkedWorker{worker, store, log}, func() { client.Close(); cluster.Close() }, nil
}

// checkedWorker looks at Redis before the worker does.
type checkedWorker struct {
	Part
	store *redisstore.Store
	log   *slog.Logger
}

// Run refuses a Redis that may evict accounts. One that is away is waited for by the worker itself.
func (w *checkedWorker) Run(ctx context.Context) error {
	err := w.store.Check(ctx)
	if err != nil && !redisstore.Retriable(err) {
		return fmt.Errorf("check Redis: %w", err)
	}
	if err != nil {
		w.log.Warn("Redis does not answer yet; the worker waits for it", "error", err)
	}
	return w.Part.Run(ctx)
}

// NewRebuilder puts a worker together for rebuilding partitions by hand, with the store that it writes to.
func (c *Config) NewRebuilder(registerer prometheus.Registerer, log *slog.Logger) (*consumer.Worker, *redisstore.Store, func(), error) {
	part, closeAll, err := c.NewWorker(registerer, log)
	if err != nil {
		return nil, nil, nil, err
	}
	checked := part.(*checkedWorker)
	return checked.Part.(*consumer.Worker), checked.store, closeAll, nil
}
