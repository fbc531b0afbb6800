package feed

import (
	"errors"
	"fmt"
	"regexp"
	"time"
)

// Config is the configuration of a follower. Begin with [Default].
type Config struct {
	// Topic is the ledger.
	Topic string
	// Group is the consumer group: it shares the partitions out and keeps the offsets. Each consumer has its own.
	Group string
	// Partitions, where not empty, are followed without membership in the group, which keeps their offsets all the same.
	// Nothing else may follow them, and no member may be in the group: the broker then refuses the offsets.
	Partitions []int32
	// SessionTimeout is how long a silent member keeps its partitions. Brokers refuse less than 6 s by default.
	SessionTimeout time.Duration
	// DrainTimeout is how long lanes may take to close before the group gives their partitions to somebody else.
	DrainTimeout time.Duration

	// FetchBytesMax is how much is asked for of a partition at once, and the memory that a partition takes; FetchWaitMax is
	// how long a broker waits for the first byte. Events are answered at once: a long wait only saves idle requests.
	FetchBytesMax int
	FetchWaitMax  time.Duration
	// CommitInterval is how often offsets are committed: so much may come again after a crash.
	CommitInterval time.Duration

	// AttemptTimeout bounds one attempt of a call to Kafka.
	AttemptTimeout time.Duration
	// RetryMin and RetryMax bound the pauses after failures. They double, with jitter.
	RetryMin time.Duration
	RetryMax time.Duration
}

// Default returns the configuration for a usual deployment, but for the group.
func Default() Config {
	return Config{
		Topic:          "drawdown.ledger",
		SessionTimeout: 6 * time.Second,
		DrainTimeout:   30 * time.Second, // the longest call of a gateway or mail server
		FetchBytesMax:  256 << 10,        // some 600 events; 16 MiB for 64 partitions
		FetchWaitMax:   time.Second,
		CommitInterval: time.Second,
		AttemptTimeout: 10 * time.Second,
		RetryMin:       100 * time.Millisecond,
		RetryMax:       5 * time.Second,
	}
}

// kafkaName is what Kafka accepts for topics. Group ids are free, but names like these work in every tool.
var kafkaName = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)

// Validate reports every fault at once, each with the allowed range.
func (c *Config) Validate() error {
	var faults []error
	for _, name := range []struct{ option, value string }{{"topic", c.Topic}, {"group", c.Group}} {
		if !kafkaName.MatchString(name.value) {
			faults = append(faults, fmt.Errorf("%s: %q is no name: 1 to 249 of a-z A-Z 0-9 . _ -", name.option, name.value))
		}
	}
	seen := make(map[int32]bool, len(c.Partitions))
	for _, partition := range c.Partitions {
		faults = append(faults, within("partitions", int(partition), 0, 1<<20))
		if seen[partition] {
			faults = append(faults, fmt.Errorf("partitions: %d is given twice", partition))
		}
		seen[partition] = true
	}
	faults = append(faults,
		within("session_timeout", c.SessionTimeout, time.Second, 5*time.Minute),
		within("drain_timeout", c.DrainTimeout, 100*time.Millisecond, 10*time.Minute),
		within("fetch_bytes_max", c.FetchBytesMax, 1<<10, 256<<20),
		within("fetch_wait_max", c.FetchWaitMax, time.Millisecond, 30*time.Second),
		within("commit_interval", c.CommitInterval, 10*time.Millisecond, 10*time.Minute),
		within("attempt_timeout", c.AttemptTimeout, 100*time.Millisecond, 10*time.Minute),
		within("retry_min", c.RetryMin, time.Millisecond, time.Minute),
		within("retry_max", c.RetryMax, max(c.RetryMin, time.Millisecond), time.Hour),
	)
	return errors.Join(faults...)
}

// within returns an error unless value is in a range, bounds included.
func within[T int | time.Duration](option string, value, least, greatest T) error {
	if value < least || value > greatest {
		return fmt.Errorf("%s: %v is out of range: allowed are %v to %v", option, value, least, greatest)
	}
	return nil
}
