package purchasing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"drawdown"
	"drawdown/consumer/feed"
)

// Deps are what a purchaser works with. They stay their owner's.
type Deps struct {
	Gateway    Gateway
	Log        Log
	Registerer prometheus.Registerer
	Logger     *slog.Logger
}

// Purchaser makes the payments that the ledger asks for. It implements [feed.Handler]; its lanes get work done while Run
// runs.
type Purchaser struct {
	config  Config
	deps    Deps
	metrics *metrics

	first, reports, again *feed.Workers[*queue]

	mu      sync.Mutex
	failing error // of the last try that ended with an error, nil after one that did not
}

// New returns a purchaser that does nothing until Run.
func New(config Config, deps Deps) (*Purchaser, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	if deps.Gateway == nil || deps.Log == nil || deps.Registerer == nil || deps.Logger == nil {
		return nil, errors.New("purchasing: Gateway, Log, Registerer and Logger are required")
	}
	m, err := newMetrics(deps.Registerer)
	if err != nil {
		return nil, fmt.Errorf("purchasing: %w", err)
	}
	return &Purchaser{
		config: config, deps: deps, metrics: m,
		first: feed.NewWorkers[*queue](), reports: feed.NewWorkers[*queue](), again: feed.NewWorkers[*queue](),
	}, nil
}

// Run works until the context ends, which is no error. End the follower of the ledger before it.
func (p *Purchaser) Run(ctx context.Context) error {
	var running sync.WaitGroup
	running.Go(func() { p.first.Run(ctx, p.config.ConcurrencyMax, (*queue).work) })
	running.Go(func() { p.reports.Run(ctx, p.config.ConcurrencyMax, (*queue).work) })
	running.Go(func() { p.again.Run(ctx, p.config.RetryConcurrencyMax, (*queue).work) })
	running.Wait()
	return nil
}

// append writes an operation to the log and counts it.
func (p *Purchaser) append(ctx context.Context, o *Operation) (drawdown.Offset, error) {
	offset, err := p.deps.Log.Append(ctx, o)
	if err == nil {
		p.metrics.operations.WithLabelValues(o.Type.String()).Inc()
	}
	return offset, err
}

// Ready returns nil while payments get an answer, else why the last one got none.
func (p *Purchaser) Ready() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failing
}

// Open implements [feed.Handler].
func (p *Purchaser) Open(ctx context.Context, _ int32) (feed.Lane, error) {
	return &lane{purchaser: p, ctx: ctx, accounts: map[string]*queue{}}, nil
}

// pause is how long to wait before the next try: it doubles up to its maximum, and a third of it is left to chance, so
// that those who failed together don't come back together.
func (p *Purchaser) pause(tries int) time.Duration {
	pause := p.config.RetryMax
	if shift := tries - 1; shift < 30 && p.config.RetryMin<<shift < pause {
		pause = p.config.RetryMin << shift
	}
	return pause - rand.N(pause/3+1)
}

// observe counts one try and remembers whether it got an answer.
func (p *Purchaser) observe(t *task, began time.Time, asking bool, err error) {
	if asking {
		p.metrics.duration.Observe(time.Since(began).Seconds())
		if t.tries == 0 {
			p.metrics.lag.Observe(began.Sub(t.appended).Seconds())
		}
	}
	switch {
	case errors.Is(err, errPending):
		p.metrics.tries.WithLabelValues(Pending.String()).Inc()
	case err != nil:
		p.metrics.tries.WithLabelValues("error").Inc()
		p.deps.Logger.Warn("a payment will be tried again", "account", t.payment.Account, "purchase", t.payment.Purchase,
			"attempt", t.payment.Attempt, "tries", t.tries+1, "certain", t.outcome != nil, "error", err)
	case asking:
		p.metrics.tries.WithLabelValues(t.outcome.State.String()).Inc()
	}
	if t.lane.ctx.Err() != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failing = nil
	if err != nil && !errors.Is(err, errPending) {
		p.failing = fmt.Errorf("payments are tried again: %w", err)
	}
}
