package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"drawdown/consumer/feed"
)

// Deps are what a notifier works with. They stay their owner's.
type Deps struct {
	Directory  Directory
	Outbox     Outbox
	Operations Operations
	// Email and Webhook send. Without one, the deliveries of its channel end at once as refused, with that reason.
	Email, Webhook Sender
	// EmailSchedule and WebhookSchedule say when to try again: [EmailSchedule], webhook.Schedule.
	EmailSchedule, WebhookSchedule Schedule
	Registerer                     prometheus.Registerer
	Logger                         *slog.Logger
}

// Notifier tells customers what the ledger says. It implements [feed.Handler]; its lanes get deliveries tried while Run
// runs.
type Notifier struct {
	config   Config
	deps     Deps
	metrics  *metrics
	channels map[Channel]*channel

	mu      sync.Mutex
	failing map[failing]failure // what failed last, unless it has worked since
}

// failing is something on our side that fails for a partition.
type failing struct {
	partition int32
	stage     stage
}

type failure struct {
	err    error
	logged time.Time
}

// logInterval is how often the same kind of failure is logged: with a server away, every delivery that is due meets it.
const logInterval = 10 * time.Second

// channel is a sender and who works for it.
type channel struct {
	sender             Sender
	schedule           Schedule
	first, again       *feed.Workers[*delivery]
	firstMax, againMax int
}

// New returns a notifier that does nothing until Run.
func New(config Config, deps Deps) (*Notifier, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	if deps.Directory == nil || deps.Outbox == nil || deps.Operations == nil || deps.EmailSchedule == nil || deps.WebhookSchedule == nil ||
		deps.Registerer == nil || deps.Logger == nil {
		return nil, errors.New("notify: all of Deps but the senders are required")
	}
	m, err := newMetrics(deps.Registerer)
	if err != nil {
		return nil, fmt.Errorf("notify: %w", err)
	}
	n := &Notifier{config: config, deps: deps, metrics: m, failing: map[failing]failure{}}
	n.channels = map[Channel]*channel{
		Email: {
			sender: orNone(deps.Email, Email), schedule: deps.EmailSchedule, first: feed.NewWorkers[*delivery](), again: feed.NewWorkers[*delivery](),
			firstMax: config.EmailConcurrencyMax, againMax: config.EmailRetryConcurrencyMax,
		},
		Webhook: {
			sender: orNone(deps.Webhook, Webhook), schedule: deps.WebhookSchedule, first: feed.NewWorkers[*delivery](), again: feed.NewWorkers[*delivery](),
			firstMax: config.WebhookConcurrencyMax, againMax: config.WebhookRetryConcurrencyMax,
		},
	}
	return n, nil
}

// Run tries deliveries until the context ends, which is no error. End the follower of the ledger before it.
func (n *Notifier) Run(ctx context.Context) error {
	var running sync.WaitGroup
	for _, c := range n.channels {
		running.Go(func() { c.first.Run(ctx, c.firstMax, (*delivery).work) })
		running.Go(func() { c.again.Run(ctx, c.againMax, (*delivery).work) })
	}
	running.Wait()
	return nil
}

// Ready returns what keeps notices from being told that is not the other side's fault; nil where nothing does.
func (n *Notifier) Ready() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, f := range n.failing { // any: one is enough to know
		return fmt.Errorf("notices are late: %w", f.err)
	}
	return nil
}

// Open implements [feed.Handler]: it reads what the delivery log says of the partition, and goes on with what is pending.
func (n *Notifier) Open(ctx context.Context, partition int32) (feed.Lane, error) {
	return n.open(ctx, partition)
}

// failedOn takes note of a failure on our side.
func (l *lane) failedOn(s stage, err error) {
	n, key, now := l.notifier, failing{l.partition, s}, time.Now()
	n.metrics.errors.WithLabelValues(string(s)).Inc()
	n.mu.Lock()
	defer n.mu.Unlock()
	logged := n.failing[key].logged
	if now.Sub(logged) >= logInterval {
		n.deps.Logger.Warn("notices are late", "partition", l.partition, "stage", string(s), "error", err)
		logged = now
	}
	n.failing[key] = failure{err, logged}
}

// workedOn takes note that something worked.
func (l *lane) workedOn(s stage) {
	l.notifier.mu.Lock()
	defer l.notifier.mu.Unlock()
	delete(l.notifier.failing, failing{l.partition, s})
}

// leave forgets what failed for a partition that somebody else may have now.
func (l *lane) leave() {
	l.notifier.mu.Lock()
	defer l.notifier.mu.Unlock()
	maps.DeleteFunc(l.notifier.failing, func(f failing, _ failure) bool { return f.partition == l.partition })
}

// pause is how long to wait after the failures of something on our side: it doubles up to its maximum, and a third of it
// is left to chance.
func (n *Notifier) pause(failures int) time.Duration {
	pause := n.config.RetryMax
	if shift := failures - 1; shift < 30 && n.config.RetryMin<<shift < pause {
		pause = n.config.RetryMin << shift
	}
	return pause - rand.N(pause/3+1)
}

// insist calls until it works, and reports false if ctx ended before.
func (l *lane) insist(ctx context.Context, s stage, call func(context.Context) error) bool {
	for failures := 1; ctx.Err() == nil; failures++ {
		attempt, cancel := context.WithTimeout(ctx, l.notifier.config.AttemptTimeout)
		err := call(attempt)
		cancel()
		if err == nil {
			l.workedOn(s)
			return true
		}
		if ctx.Err() == nil {
			l.failedOn(s, err)
			sleep(ctx, l.notifier.pause(failures))
		}
	}
	return false
}

func sleep(ctx context.Context, pause time.Duration) {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// noSender ends the deliveries of a channel that is not configured.
type noSender struct{ channel Channel }

func orNone(s Sender, c Channel) Sender {
	if s == nil {
		return noSender{c}
	}
	return s
}

// Send implements [Sender].
func (s noSender) Send(context.Context, *Delivery) Outcome {
	return Outcome{Verdict: Refused, Detail: "nothing is configured to send by " + string(s.channel)}
}
