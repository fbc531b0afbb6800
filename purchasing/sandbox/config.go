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
	// SlowDelay is how long a payment with [Slow] takes to answer, and one with [Pending] to be paid. On the pages, [Timeout]
	// is given up after it.
	SlowDelay time.Duration
	// BaseURL is where visitors find what [Gateway.Pages] serves: the address of its /sandbox/.
	BaseURL string
	// Key signs the addresses of sessions and receipts. Who begins sessions and who serves their pages have the same key and
	// share nothing else. Where it is empty, the gateway makes one that no other has.
	Key []byte
	// Told is called with each event as it happens, where it is set. It may call the gateway.
	Told func(purchasing.Event)
	// Now is the clock; [time.Now] where it is nil.
	Now func() time.Time
}

const (
	// delayMax bounds the delays. Nobody waits longer at a demo.
	delayMax = 10 * time.Minute
	// keyMin is the least number of bytes of a key: as many as the hash gives. A shorter one would be the weakest part.
	keyMin = 32
)

// Default answers as fast as a bank does on a good day.
func Default() Config {
	return Config{Delay: 300 * time.Millisecond, SlowDelay: 10 * time.Second, BaseURL: "http://localhost:9470/sandbox/"}
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
	if len(c.Key) > 0 && len(c.Key) < keyMin {
		faults = append(faults, fmt.Errorf("key must have at least %d bytes, not %d", keyMin, len(c.Key)))
	}
	return errors.Join(faults...)
}
