package consumer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// retrier repeats calls to servers that may be away.
type retrier struct {
	attemptTimeout time.Duration
	pauseMax       time.Duration
	log            *slog.Logger
	// failing counts calls whose last attempt failed: above zero the owner isn't ready.
	failing atomic.Int32
	// last is the last error that was retried, with its stage; it is not reset.
	last atomic.Pointer[error]
	// count counts repeated attempts by stage.
	count func(stage string)
}

// do calls attempt until it succeeds, its error is not of class [Retry], or the context ends. Each attempt has a
// deadline. It returns the context's error only when the context has ended.
func (r *retrier) do(ctx context.Context, stage string, attempt func(context.Context) error) error {
	err := r.once(ctx, attempt)
	if err == nil || ctx.Err() != nil || Classify(err) != Retry {
		return endOr(ctx, err)
	}
	r.failing.Add(1)
	defer r.failing.Add(-1)
	pause := r.pauseMax / 64
	for tries := 1; ; tries++ {
		r.report(stage, tries, err)
		if !sleep(ctx, pause/2+rand.N(pause/2+1)) {
			return ctx.Err()
		}
		pause = min(2*pause, r.pauseMax)
		err = r.once(ctx, attempt)
		if err == nil {
			r.log.Info("recovered", "stage", stage, "attempts", tries+1)
			return nil
		}
		if ctx.Err() != nil || Classify(err) != Retry {
			return endOr(ctx, err)
		}
	}
}

func (r *retrier) once(ctx context.Context, attempt func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, r.attemptTimeout)
	defer cancel()
	return attempt(ctx)
}

// endOr prefers the end of the context to what it made of the last attempt.
func endOr(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// report logs the first failure and then those whose number is a power of two: an outage of an hour is some lines.
func (r *retrier) report(stage string, tries int, err error) {
	r.count(stage)
	staged := fmt.Errorf("%s: %w", stage, err)
	r.last.Store(&staged)
	if tries&(tries-1) == 0 {
		r.log.Warn("retrying", "stage", stage, "attempts", tries, "error", err)
	}
}

// trouble is the last error that was retried, for people.
func (r *retrier) trouble() error {
	if last := r.last.Load(); last != nil {
		return *last
	}
	return errors.New("a call has failed and is about to be tried again")
}

// sleep waits and reports whether the time has passed before the context ended.
func sleep(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
