package consumer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	kafka "github.com/segmentio/kafka-go"

	"drawdown"
	"drawdown/balance"
	"drawdown/consumer/fetch"
	"drawdown/consumer/signature"
)

// Deps are what a worker works with. They stay their owner's, who closes them after Run has returned.
type Deps struct {
	// Transport and Addr carry fetching, producing and questions about topics; Brokers and Dialer group membership.
	Transport kafka.RoundTripper
	Addr      net.Addr
	Brokers   []string
	Dialer    *kafka.Dialer

	Store      balance.Store
	Keys       *signature.Keys // nil: every operation is rejected
	Registerer prometheus.Registerer
	Log        *slog.Logger
}

// Worker works on the partitions that its group assigns to it.
type Worker struct {
	cfg      Config
	deps     parts
	brokers  []string
	dialer   *kafka.Dialer
	producer appender
	metrics  *Metrics
	log      *slog.Logger

	mu    sync.Mutex
	owned []*partition
	// joined is nil while the worker has an assignment, also an empty one.
	joined error
}

// parts are the worker's collaborators, each as small as it is used.
type parts struct {
	Source     logReader
	Topics     topicAsker
	Store      balance.Store
	Keys       verifier
	NewMachine func(partition int32) machine
	Now        func() time.Time
}

// logReader reads the log; see kafkaSource.
type logReader interface {
	source
	ranger
}

// topicAsker asks for the state of topics; see Topics.
type topicAsker interface {
	State(context.Context) (TopicState, error)
}

var (
	errNotJoined = errors.New("has no assignment yet: the consumer group is being joined")
	errEnded     = errors.New("has ended")
)

// New returns a worker. It does not connect.
func New(cfg Config, deps Deps) (*Worker, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("configure the worker: %w", err)
	}
	reader, err := fetch.NewClient(fetch.Config{
		Transport: deps.Transport, Addr: deps.Addr, AllowCreateTime: cfg.AllowCreateTime, Contiguous: true,
		RequestTimeout: cfg.AttemptTimeout,
	})
	if err != nil {
		return nil, fmt.Errorf("configure the worker: %w", err)
	}
	w := &Worker{
		cfg: cfg,
		deps: parts{
			Source: &kafkaSource{cfg: &cfg, client: reader}, Topics: NewTopics(cfg, deps.Transport, deps.Addr), Store: deps.Store, Keys: deps.Keys,
			NewMachine: func(partition int32) machine { return balance.NewPartition(partition) }, Now: time.Now,
		},
		brokers: deps.Brokers, dialer: deps.Dialer,
		producer: &producer{transport: deps.Transport, addr: deps.Addr, messageBytesMax: cfg.MessageBytesMax},
		metrics:  NewMetrics(deps.Registerer), log: deps.Log, joined: errNotJoined,
	}
	return w, nil
}

// Run works until the context ends, then finishes the batches in flight and leaves the group, within the drain
// timeout. It returns an error only where it can't begin; a partition that has to stop does not end it.
func (w *Worker) Run(ctx context.Context) error {
	defer w.assign(nil, errEnded)
	if len(w.cfg.Partitions) > 0 {
		w.serve(ctx, w.fixedAssignment(), func(map[int32]int64) error { return nil })
		return nil
	}
	return w.runGroup(ctx)
}

func (w *Worker) fixedAssignment() []assignment {
	var fixed []assignment
	for _, index := range w.cfg.Partitions {
		fixed = append(fixed, assignment{partition: index, offset: -1})
	}
	return fixed
}

// assignment is a partition and the offset that Kafka has for the group, below 0 where it has none.
type assignment struct {
	partition int32
	offset    int64
}

// serve works on partitions until the context ends and everything in flight is finished. tell hands offsets to Kafka.
func (w *Worker) serve(ctx context.Context, assignments []assignment, tell func(offsets map[int32]int64) error) {
	owned := make([]*partition, 0, len(assignments))
	for _, a := range assignments {
		owned = append(owned, w.newPartition(a, len(assignments)))
	}
	w.assign(owned, nil)
	var partitions, telling sync.WaitGroup
	for _, p := range owned {
		partitions.Go(func() { p.run(ctx) })
	}
	ended := make(chan struct{})
	telling.Go(func() { w.tellOffsets(owned, tell, ended) })
	partitions.Wait()
	// A partition that has stopped or lost its ownership does not end the assignment.
	<-ctx.Done()
	close(ended)
	telling.Wait()
}

func (w *Worker) newPartition(a assignment, of int) *partition {
	log := w.log.With("partition", a.partition)
	return &partition{
		worker: w, index: a.partition, committed: drawdown.Offset(a.offset),
		accounts: max(1, w.cfg.CacheAccountsMax/of), log: log, gauge: newPartitionGauge(),
		retrier: &retrier{
			attemptTimeout: w.cfg.AttemptTimeout, pauseMax: w.cfg.RetryPauseMax, log: log, count: w.metrics.retried,
		},
	}
}

func (w *Worker) assign(owned []*partition, joined error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.owned, w.joined = owned, joined
}

// Ready returns why the worker does not work as it should, nil while it does: every assigned partition runs, and no
// server is away. A worker without partitions is ready.
func (w *Worker) Ready() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.joined != nil {
		return fmt.Errorf("the worker %w", w.joined)
	}
	var faults []error
	for _, p := range w.owned {
		if err := p.ready(); err != nil {
			faults = append(faults, fmt.Errorf("partition %d: %w", p.index, err))
		}
	}
	return errors.Join(faults...)
}
