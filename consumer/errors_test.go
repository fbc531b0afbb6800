package consumer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	kafka "github.com/segmentio/kafka-go"

	"drawdown/balance"
	"drawdown/consumer/fetch"
)

func TestClassify(t *testing.T) {
	for _, c := range []struct {
		err   error
		class Class
	}{
		{&FencedError{}, Yield},
		{&RewoundError{}, Restart},
		{&DivergedError{}, Stop},
		{&MissingPositionError{}, Stop},
		{&PartitionCountError{}, Stop},
		{&TimestampTypeError{}, Stop},
		{&ClockError{}, Stop},
		{&StateError{Err: errors.New("newer")}, Stop},
		{balance.ErrInvalidCommit, Stop},
		{&fetch.OutOfRangeError{}, Stop},
		{&fetch.CorruptBatchError{}, Stop},
		{&fetch.UnsupportedFormatError{}, Stop},
		{&fetch.CreateTimeError{}, Stop},
		{&fetch.BatchTooLargeError{}, Stop},
		{&fetch.GapError{}, Stop},
		{&PublishError{Err: kafka.MessageSizeTooLarge}, Stop},
		{&PublishError{Err: kafka.NotLeaderForPartition}, Retry},
		{&PublishError{Err: kafka.NotEnoughReplicas}, Retry},
		{&PublishError{Err: kafka.TopicAuthorizationFailed}, Retry}, // granted while the worker waits
		{&fetch.RetriableError{Err: errAway}, Retry},
		{context.DeadlineExceeded, Retry}, // of one attempt
		{errors.New("something unheard of"), Retry},
	} {
		for _, err := range []error{c.err, fmt.Errorf("wrapped: %w", c.err), errors.Join(errAway, c.err)} {
			if got := Classify(err); got != c.class {
				t.Errorf("Classify(%T %v) = %d, want %d", err, err, got, c.class)
			}
		}
	}
}

func newRetrier(pauseMax time.Duration) *retrier {
	return &retrier{attemptTimeout: time.Second, pauseMax: pauseMax, log: slog.New(slog.DiscardHandler), count: func(string) {}}
}

func TestRetryingPausesLongerUpToABound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRetrier(640 * time.Millisecond)
		var pauses []time.Duration
		last := time.Now()
		attempts := 0
		err := r.do(t.Context(), "test", func(context.Context) error {
			if attempts++; attempts > 1 {
				pauses = append(pauses, time.Since(last))
				if r.failing.Load() != 1 {
					t.Error("a call that fails isn't seen by readiness")
				}
			}
			last = time.Now()
			if attempts <= 12 {
				return errAway
			}
			return nil
		})
		if err != nil || attempts != 13 || r.failing.Load() != 0 {
			t.Fatalf("error %v after %d attempts, %d failing", err, attempts, r.failing.Load())
		}
		for i, pause := range pauses {
			bound := min(10*time.Millisecond<<i, 640*time.Millisecond)
			if pause < bound/2 || pause > bound+1 {
				t.Errorf("pause %d is %v, want %v to %v", i, pause, bound/2, bound)
			}
		}
	})
}

func TestRetryingEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRetrier(time.Second)
		stop := &StateError{Err: errAway}
		if err := r.do(t.Context(), "test", func(context.Context) error { return stop }); !errors.Is(err, stop) {
			t.Errorf("an error of class stop: %v", err)
		}
		attempts := 0
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err := r.do(ctx, "test", func(attempt context.Context) error {
			attempts++
			<-attempt.Done() // each attempt has a deadline of its own
			return attempt.Err()
		})
		if !errors.Is(err, context.DeadlineExceeded) || attempts < 20 {
			t.Errorf("error %v after %d attempts", err, attempts)
		}
		ended, end := context.WithCancel(t.Context())
		end()
		if err := r.do(ended, "test", func(ctx context.Context) error { return ctx.Err() }); !errors.Is(err, context.Canceled) {
			t.Errorf("with a context that had ended: %v", err)
		}
	})
}
