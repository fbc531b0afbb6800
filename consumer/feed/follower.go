package feed

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	kafka "github.com/segmentio/kafka-go"

	"drawdown/consumer/fetch"
)

// Deps are what a follower works with. They stay their owner's, who closes them after Run has returned.
type Deps struct {
	// Consumer names what follows in metrics and logs: purchaser, notifier.
	Consumer string
	Handler  Handler

	// Transport and Addr carry fetching and offsets; Brokers and Dialer group membership.
	Transport kafka.RoundTripper
	Addr      net.Addr
	Brokers   []string
	Dialer    *kafka.Dialer

	Registerer prometheus.Registerer
	Log        *slog.Logger
}

// Follower follows partitions of the ledger, those that its group assigns to it or those configured.
type Follower struct {
	cfg     Config
	deps    Deps
	client  *fetch.Client
	offsets *offsets
	metrics *metrics
	log     *slog.Logger

	mu    sync.Mutex
	owned []*partition
	// joined is nil while there is an assignment, also an empty one.
	joined error
	// uncommitted is why the last commit failed, nil if it did not.
	uncommitted error
}

var (
	errNotJoined = errors.New("the consumer group is being joined")
	errEnded     = errors.New("it has ended")
)

// New returns a follower. It does not connect.
func New(cfg Config, deps Deps) (*Follower, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("configure %s: %w", deps.Consumer, err)
	}
	if deps.Consumer == "" || deps.Handler == nil || deps.Registerer == nil || deps.Log == nil {
		return nil, errors.New("feed: Consumer, Handler, Registerer and Log are required")
	}
	if len(cfg.Partitions) == 0 && len(deps.Brokers) == 0 {
		return nil, errors.New("feed: without Partitions, Brokers are required")
	}
	client, err := fetch.NewClient(fetch.Config{
		Transport: deps.Transport, Addr: deps.Addr, RequestTimeout: cfg.AttemptTimeout,
		// A ledger is never compacted: a gap in it would be a purchase that nobody makes.
		Contiguous: true,
		// The append time only measures delays here.
		AllowCreateTime: true,
	})
	if err != nil {
		return nil, fmt.Errorf("configure %s: %w", deps.Consumer, err)
	}
	m, err := newMetrics(deps.Consumer, deps.Registerer)
	if err != nil {
		return nil, fmt.Errorf("register the metrics of %s: %w", deps.Consumer, err)
	}
	return &Follower{
		cfg: cfg, deps: deps, client: client, metrics: m, joined: errNotJoined,
		offsets: &offsets{transport: deps.Transport, addr: deps.Addr, group: cfg.Group, topic: cfg.Topic, timeout: cfg.AttemptTimeout},
		log:     deps.Log.With("consumer", deps.Consumer),
	}, nil
}

// Run follows until the context ends and all lanes are closed. It returns an error only where it can't begin; a
// partition that has to stop does not end it. It is called once.
func (f *Follower) Run(ctx context.Context) error {
	defer f.assign(nil, errEnded)
	if len(f.cfg.Partitions) > 0 {
		f.serve(ctx, f.cfg.Partitions, noMember)
		return nil
	}
	return f.runGroup(ctx)
}

// Ready returns why the follower does not work as it should, nil while it does: it has an assignment, every partition
// of it is followed, and offsets can be committed. A follower without partitions is ready.
func (f *Follower) Ready() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.joined != nil {
		return fmt.Errorf("%s: %w", f.deps.Consumer, f.joined)
	}
	var faults []error
	for _, p := range f.owned {
		if err := p.ready(); err != nil {
			faults = append(faults, fmt.Errorf("%s: partition %d: %w", f.deps.Consumer, p.index, err))
		}
	}
	if f.uncommitted != nil {
		faults = append(faults, fmt.Errorf("%s: %w", f.deps.Consumer, f.uncommitted))
	}
	return errors.Join(faults...)
}

// serve follows partitions until the context ends, all lanes are closed and their offsets committed.
func (f *Follower) serve(ctx context.Context, assigned []int32, m member) {
	owned := make([]*partition, 0, len(assigned))
	for _, index := range assigned {
		owned = append(owned, f.newPartition(index))
	}
	f.assign(owned, nil)
	var following, committing sync.WaitGroup
	for _, p := range owned {
		following.Go(func() { p.run(ctx) })
	}
	closed := make(chan struct{})
	committing.Go(func() { f.commitOffsets(context.WithoutCancel(ctx), owned, m, closed) })
	following.Wait()
	// A partition that has stopped does not end the assignment: leaving the group would only hand it to another member.
	<-ctx.Done()
	close(closed)
	committing.Wait()
	for _, p := range owned {
		f.metrics.forget(p.index)
	}
}

func (f *Follower) assign(owned []*partition, joined error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.owned, f.joined, f.uncommitted = owned, joined, nil
}

func (f *Follower) commits(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.uncommitted = err
}
