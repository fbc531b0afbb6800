package producer

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

const (
	backoffMin = 50 * time.Millisecond
	backoffMax = 2 * time.Second
)

// retry calls try until it succeeds, fails for good, ctx ends or Config.DeliveryTimeout has
// passed. It always tries once, and what it returns in the end names the last failure.
func (l *Log) retry(ctx context.Context, try func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, l.config.DeliveryTimeout,
		fmt.Errorf("delivery timeout of %v: %w", l.config.DeliveryTimeout, context.DeadlineExceeded))
	defer cancel()
	for tries := 1; ; tries++ {
		attempt, cancelAttempt := context.WithTimeout(ctx, l.config.AttemptTimeout)
		err := try(attempt)
		cancelAttempt()
		if err == nil || !retryable(err) {
			return err
		}
		if !pause(ctx, backoff(tries)) {
			return fmt.Errorf("%w (tries: %d, the last: %w)", context.Cause(ctx), tries, err)
		}
	}
}

// backoff doubles from backoffMin to backoffMax, a fifth up or down, so that workers who lost the
// same broker do not come back in step.
func backoff(tries int) time.Duration {
	delay := min(backoffMin<<min(tries-1, 10), backoffMax)
	return delay*4/5 + rand.N(delay*2/5)
}

// pause waits, and tells whether ctx lives on.
func pause(ctx context.Context, delay time.Duration) bool {
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
