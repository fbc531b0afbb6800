package purchasing

import (
	"errors"
	"fmt"
	"time"
)

// Config is how the purchaser works. Begin with [Default].
type Config struct {
	// ConcurrencyMax is how many payments are tried at a time for the first time, and how many outcomes are reported to the
	// log at a time, besides. Gateways limit requests a second:
	// Stripe to 100, and a payment takes one or two of about 300 ms.
	ConcurrencyMax int
	// RetryConcurrencyMax is how many are tried again at a time, besides: a payment that hangs holds up no other's first try.
	RetryConcurrencyMax int
	// AttemptTimeout bounds one try, several calls of the gateway included.
	AttemptTimeout time.Duration
	// RetryMin and RetryMax bound the pause between tries of one payment. It doubles and has jitter.
	RetryMin, RetryMax time.Duration
	// SweepWindow is how far back the gateway is asked at the start what happened, for webhooks that were lost;
	// SweepInterval is how often it is asked from then on.
	SweepWindow, SweepInterval time.Duration
}

// Default is the configuration of a usual deployment.
func Default() Config {
	return Config{
		ConcurrencyMax: 32, RetryConcurrencyMax: 8, AttemptTimeout: 30 * time.Second,
		RetryMin: 200 * time.Millisecond, RetryMax: time.Minute,
		SweepWindow: 72 * time.Hour, SweepInterval: 10 * time.Minute,
	}
}

// Validate reports every fault at once, each with what is allowed.
func (c *Config) Validate() error {
	return errors.Join(
		within("concurrency_max", c.ConcurrencyMax, 1, 10_000),
		within("retry_concurrency_max", c.RetryConcurrencyMax, 1, 10_000),
		within("attempt_timeout", c.AttemptTimeout, 100*time.Millisecond, 10*time.Minute),
		within("retry_min", c.RetryMin, time.Millisecond, time.Minute),
		within("retry_max", c.RetryMax, c.RetryMin, time.Hour),
		within("sweep_window", c.SweepWindow, time.Minute, 29*24*time.Hour), // Stripe keeps events for 30 days
		within("sweep_interval", c.SweepInterval, time.Second, 24*time.Hour),
	)
}

func within[T int | time.Duration](option string, value, least, greatest T) error {
	if value >= least && value <= greatest {
		return nil
	}
	return fmt.Errorf("%s: is %v; allowed are %v to %v", option, value, least, greatest)
}
