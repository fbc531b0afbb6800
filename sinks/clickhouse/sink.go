package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	kafka "github.com/segmentio/kafka-go"
	"golang.org/x/sync/semaphore"
)

// Deps are what a sink works with. They stay their owner's.
type Deps struct {
	Store      Store
	Source     Source
	Registerer prometheus.Registerer
	Log        *slog.Logger
	// NewGroup joins the consumer group; needed only where Config.Group is set.
	NewGroup func() (Group, error)
}

// Group divides partitions between sinks. *kafka.ConsumerGroup is one.
type Group interface {
	Next(ctx context.Context) (*kafka.Generation, error)
	Close() error
}

// Sink copies charges and ledger entries from Kafka to ClickHouse.
type Sink struct {
	shared  *shared
	deps    Deps
	metrics *metrics
}

// New returns a sink that does nothing until Run.
func New(config Config, deps Deps) (*Sink, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	if deps.Store == nil || deps.Source == nil || deps.Registerer == nil || deps.Log == nil {
		return nil, errors.New("clickhouse sink: Store, Source, Registerer and Log are required")
	}
	if config.Group != "" && deps.NewGroup == nil {
		return nil, errors.New("clickhouse sink: a group needs NewGroup")
	}
	m, err := newMetrics(deps.Registerer)
	if err != nil {
		return nil, fmt.Errorf("clickhouse sink: %w", err)
	}
	return &Sink{
		shared: &shared{
			config:  config,
			store:   deps.Store,
			source:  deps.Source,
			rows:    newRowBudget(config.RowsInMemoryMax),
			inserts: semaphore.NewWeighted(int64(config.InsertsMax)),
			blocks:  new(blockPool),
			health:  &health{faults: map[*lane]error{nil: errStarting}},
		},
		deps: deps, metrics: m,
	}, nil
}

var errStarting = errors.New("clickhouse sink: starting")

// Run writes until the context ends, which is no error. What was read but not yet written is dropped then, and read
// again by the next Run. A partition at which somebody must act stops alone: the others go on, Ready tells, and Run
// returns what was wrong at the end, or at once when nothing is left to do.
func (s *Sink) Run(ctx context.Context) error {
	if s.shared.config.Group != "" {
		return s.runGroup(ctx)
	}
	partitions, err := s.partitions(ctx)
	if err != nil || ctx.Err() != nil {
		return err
	}
	var lanes []*lane
	for _, p := range partitions {
		lanes = append(lanes, s.newLane(Charges, p), s.newLane(Ledger, p))
	}
	return s.runLanes(ctx, lanes)
}

// Ready returns nil while all that Run does is going well, else what is not.
func (s *Sink) Ready() error {
	h := s.shared.health
	h.mu.Lock()
	defer h.mu.Unlock()
	var faults []error
	for _, err := range h.faults {
		faults = append(faults, err)
	}
	slices.SortFunc(faults, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(faults...)
}

// partitions are those configured, or all that both topics have. Kafka may be away at the start.
func (s *Sink) partitions(ctx context.Context) ([]int32, error) {
	if len(s.shared.config.Partitions) > 0 {
		return s.shared.config.Partitions, nil
	}
	pause := backoff{min: s.shared.config.RetryMin, max: s.shared.config.RetryMax}
	for {
		count, err := s.countPartitions(ctx)
		if err == nil {
			all := make([]int32, count)
			for i := range all {
				all[i] = int32(i)
			}
			return all, nil
		}
		if stops(err) {
			return nil, err
		}
		s.shared.health.set(nil, err)
		s.deps.Log.Warn("sink will ask again how many partitions there are", "error", err)
		if !pause.wait(ctx) {
			return nil, nil
		}
	}
}

func (s *Sink) countPartitions(ctx context.Context) (int, error) {
	config := &s.shared.config
	charges, err := s.shared.source.PartitionCount(ctx, config.ChargesTopic)
	if err != nil {
		return 0, err
	}
	ledger, err := s.shared.source.PartitionCount(ctx, config.LedgerTopic)
	if err != nil {
		return 0, err
	}
	if charges != ledger {
		return 0, &sourceStopError{fmt.Errorf("topic %s has %d partitions and %s has %d: both must have as many as the log",
			config.ChargesTopic, charges, config.LedgerTopic, ledger)}
	}
	return charges, nil
}

func (s *Sink) newLane(stream Stream, partition int32) *lane {
	topic := s.shared.config.ChargesTopic
	if stream == Ledger {
		topic = s.shared.config.LedgerTopic
	}
	return &lane{
		shared: s.shared, stream: stream, partition: partition, topic: topic,
		log:    s.deps.Log.With("table", stream.String(), "partition", partition),
		gauges: s.metrics.lane(stream, partition),
		intake: newIntake(stream, partition),
	}
}

// runLanes runs lanes until all have ended.
func (s *Sink) runLanes(ctx context.Context, lanes []*lane) error {
	for _, l := range lanes {
		s.shared.health.set(l, errStarting)
	}
	s.shared.health.set(nil, nil)
	errs := make([]error, len(lanes))
	var running sync.WaitGroup
	for i, l := range lanes {
		running.Go(func() { errs[i] = l.run(ctx) })
	}
	running.Wait()
	return errors.Join(errs...)
}

// runGroup runs the lanes that the group assigns, from one generation to the next.
func (s *Sink) runGroup(ctx context.Context) error {
	group, err := s.deps.NewGroup()
	if err != nil {
		return fmt.Errorf("clickhouse sink: join group %s: %w", s.shared.config.Group, err)
	}
	defer group.Close()
	pause := backoff{min: s.shared.config.RetryMin, max: s.shared.config.RetryMax}
	for {
		generation, err := group.Next(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			s.shared.health.set(nil, err)
			s.deps.Log.Warn("sink will join its group again", "group", s.shared.config.Group, "error", err)
			if !pause.wait(ctx) {
				return nil
			}
			continue
		}
		pause.reset()
		generation.Start(func(generationCtx context.Context) { s.runGeneration(ctx, generationCtx, generation) })
	}
}

// runGeneration runs the lanes of one generation until it or the sink ends. Next returns only after that.
func (s *Sink) runGeneration(ctx, generationCtx context.Context, generation *kafka.Generation) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(generationCtx, cancel)()
	lanes := s.assigned(generation.Assignments)
	s.deps.Log.Info("sink has partitions of its group", "group", s.shared.config.Group, "lanes", len(lanes))
	if err := s.runLanes(ctx, lanes); err != nil {
		// What must not go on does not go on, but leaving the group would only hand it to another.
		<-ctx.Done()
	}
	for _, l := range lanes {
		s.metrics.forget(l.stream, l.partition)
		s.shared.health.set(l, nil)
	}
}

func (s *Sink) assigned(assignments map[string][]kafka.PartitionAssignment) []*lane {
	var lanes []*lane
	for _, a := range assignments[s.shared.config.ChargesTopic] {
		lanes = append(lanes, s.newLane(Charges, int32(a.ID)))
	}
	for _, a := range assignments[s.shared.config.LedgerTopic] {
		lanes = append(lanes, s.newLane(Ledger, int32(a.ID)))
	}
	return lanes
}
