package sandbox

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"drawdown/purchasing"
)

// Config says how the sandbox behaves.
type Config struct {
	// Delay is how long every payment takes to answer, like a bank.
	Delay time.Duration
	// SlowDelay is how long a payment with [Slow] takes to answer, and one with [Pending] to be paid.
	SlowDelay time.Duration
	// BaseURL is what the addresses of sessions begin with.
	BaseURL string
	// Told is called with each event as it happens, where it is set. It may call the gateway.
	Told func(purchasing.Event)
	// Now is the clock; [time.Now] where it is nil.
	Now func() time.Time
}

// delayMax bounds the delays. Nobody waits longer at a demo.
const delayMax = 10 * time.Minute

// Default answers as fast as a bank does on a good day.
func Default() Config {
	return Config{Delay: 300 * time.Millisecond, SlowDelay: 10 * time.Second, BaseURL: "http://127.0.0.1:8080/sandbox/"}
}

// Validate reports every fault at once.
func (c *Config) Validate() error {
	var faults []error
	for name, d := range map[string]time.Duration{"delay": c.Delay, "slow_delay": c.SlowDelay} {
		if d < 0 || d > delayMax {
			faults = append(faults, fmt.Errorf("%s must be from 0 to %s: %s", name, delayMax, d))
		}
	}
	if base, err := url.Parse(c.BaseURL); err != nil || base.Host == "" {
		faults = append(faults, fmt.Errorf("base_url must be an address: %q", c.BaseURL))
	}
	return errors.Join(faults...)
}
