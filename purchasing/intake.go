package purchasing

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// bodyMax bounds what is read of a webhook: Stripe's events are some kilobytes.
const bodyMax = 1 << 20

// eventsRemembered is how many events an intake knows to have handled. An event that is handled again is harmless, but each
// of its operations is a duplicate in the log.
const eventsRemembered = 100_000

// Intake takes what a gateway tells by itself to the log: webhooks that it posts, and at intervals what it says happened, for
// webhooks that were lost. Safe for concurrent use.
type Intake struct {
	till      Till
	happening *happenings
	config    Config
	metrics   *metrics
	logger    *slog.Logger

	mu      sync.Mutex
	handled *lru.Cache[string, struct{}]
	busy    map[string]chan struct{} // by account: one event of an account at a time
}

// NewIntake returns an intake for the gateway of a purchaser.
func NewIntake(p *Purchaser, till Till, directory Directory) (*Intake, error) {
	handled, err := lru.New[string, struct{}](eventsRemembered)
	if err != nil {
		return nil, fmt.Errorf("purchasing: %w", err)
	}
	return &Intake{
		till: till, config: p.config, metrics: p.metrics, logger: p.deps.Logger, handled: handled,
		busy:      map[string]chan struct{}{},
		happening: &happenings{purchaser: p, directory: directory, till: till},
	}, nil
}

// ServeHTTP answers 200 when all that the event says stands in the log, 400 to what is not the gateway's, and 503 where the
// gateway should try again.
func (i *Intake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "a webhook is posted", http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyMax))
	if err != nil {
		i.metrics.webhooks.WithLabelValues(string(Malformed)).Inc()
		http.Error(w, "the body can't be read", http.StatusBadRequest)
		return
	}
	result, status := i.take(r.Context(), r.Header, body)
	i.metrics.webhooks.WithLabelValues(result).Inc()
	if status != http.StatusOK {
		http.Error(w, result, status)
		return
	}
	w.WriteHeader(http.StatusOK)
}

// take handles one webhook and returns what became of it, for the metric and the answer.
func (i *Intake) take(ctx context.Context, header http.Header, body []byte) (result string, status int) {
	events, err := i.till.Receive(ctx, header, body)
	var refused *RefusedError
	switch {
	case errors.As(err, &refused):
		i.logger.Warn("refused a webhook", "reason", string(refused.Reason))
		return string(refused.Reason), http.StatusBadRequest
	case err != nil:
		i.logger.Warn("a webhook can't be handled now", "error", err)
		return "error", http.StatusServiceUnavailable
	}
	result = "repeated"
	if len(events) == 0 {
		result = "ignored"
	}
	for e := range events {
		fresh, err := i.handle(ctx, &events[e], "webhook")
		if err != nil {
			i.logger.Warn("a webhook can't be handled now", "event", events[e].ID, "account", events[e].Account, "error", err)
			return "error", http.StatusServiceUnavailable
		}
		if fresh {
			result = "taken"
		}
	}
	return result, http.StatusOK
}

// Take handles an event of a gateway that is in this process.
func (i *Intake) Take(ctx context.Context, e *Event) error {
	_, err := i.handle(ctx, e, "told")
	return err
}

// handle does what an event says, once as far as this intake remembers; of an account one event at a time.
func (i *Intake) handle(ctx context.Context, e *Event, origin string) (fresh bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, i.config.AttemptTimeout)
	defer cancel()
	release, err := i.reserve(ctx, e.Account)
	if err != nil {
		return false, err
	}
	defer release()
	if i.handled.Contains(e.ID) {
		return false, nil
	}
	if err := i.happening.apply(ctx, e, origin); err != nil {
		return false, err
	}
	i.handled.Add(e.ID, struct{}{})
	return true, nil
}

// reserve waits until no other event of the account is handled.
func (i *Intake) reserve(ctx context.Context, account string) (release func(), err error) {
	for {
		i.mu.Lock()
		before := i.busy[account]
		if before == nil {
			done := make(chan struct{})
			i.busy[account] = done
			i.mu.Unlock()
			return func() {
				i.mu.Lock()
				delete(i.busy, account)
				i.mu.Unlock()
				close(done)
			}, nil
		}
		i.mu.Unlock()
		select {
		case <-before:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// What may come of asking the gateway.
const (
	sweepDone   = "done"
	sweepFailed = "failed"
)

// Sweep asks the gateway at the start and at intervals what happened, until the context ends. A charge whose webhook was
// lost is settled by it.
func (i *Intake) Sweep(ctx context.Context) error {
	since := time.Now().Add(-i.config.SweepWindow)
	for {
		began := time.Now()
		if err := i.sweep(ctx, since); err == nil {
			// The overlap is for events that appear late in the gateway's list.
			since = began.Add(-2 * i.config.SweepInterval)
			i.metrics.sweeps.WithLabelValues(sweepDone).Inc()
		} else if ctx.Err() == nil {
			i.metrics.sweeps.WithLabelValues(sweepFailed).Inc()
			i.logger.Warn("not all that the gateway says happened could be handled", "error", err)
		}
		select {
		case <-time.After(i.config.SweepInterval):
		case <-ctx.Done():
			return nil
		}
	}
}

// sweep handles every event since an instant; one that can't be handled keeps the others from being forgotten.
func (i *Intake) sweep(ctx context.Context, since time.Time) error {
	var faults []error
	for e, err := range i.till.Since(ctx, since) {
		if err != nil {
			faults = append(faults, err)
			continue // where nothing more can be read, the sequence ends by itself
		}
		if _, err := i.handle(ctx, &e, "sweep"); err != nil {
			faults = append(faults, fmt.Errorf("event %s of account %s: %w", e.ID, e.Account, err))
		}
	}
	return errors.Join(faults...)
}
