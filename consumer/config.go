package consumer

import (
	"errors"
	"fmt"
	"regexp"
	"time"
)

// Config is the configuration of a worker. Begin with [Default].
type Config struct {
	// Topics. All have the same number of partitions: what a record causes goes to the partition with its number.
	MeteringTopic string
	ChargesTopic  string
	LedgerTopic   string
	RejectedTopic string

	// Group is the consumer group that shares the partitions out.
	Group string
	// Partitions, where not empty, are owned without a group. Two workers on one partition do no harm: the later one
	// fences the earlier.
	Partitions []int32
	// SessionTimeout is how long a silent member keeps its partitions. Brokers refuse less than 6 s by default.
	SessionTimeout time.Duration

	// A batch takes what is there, up to these bounds; it never waits for more. The larger a batch, the fewer account
	// states are written for each event.
	BatchEventsMax int
	BatchBytesMax  int
	BatchAgeMax    time.Duration
	// BatchesInFlight bounds the batches of a partition that are applied but not yet committed.
	BatchesInFlight int

	// FetchBytesMax is how much is asked for of a partition at once; FetchWaitMax is how long a broker waits for the
	// first byte.
	FetchBytesMax int
	FetchWaitMax  time.Duration

	// CacheAccountsMax bounds the accounts in memory, over all partitions of the worker. Beyond it accounts whose
	// changes are committed are dropped, and read again when needed. (A batch may exceed it while it is applied.)
	CacheAccountsMax int

	// MessageBytesMax bounds what is published at once; it must not exceed the topics' max.message.bytes.
	MessageBytesMax int

	// ClockAheadMax is how far a record's log time may be ahead of the worker's clock. The partition's clock never
	// goes back, so one wrong broker clock could expire credits: the worker stops before applying such a record.
	ClockAheadMax time.Duration
	// TickInterval is how often accounts that are due are looked for.
	TickInterval time.Duration

	// DrainTimeout bounds how long batches in flight are finished when the worker stops or loses a partition.
	DrainTimeout time.Duration
	// AttemptTimeout bounds one attempt of a call to Kafka or the store.
	AttemptTimeout time.Duration
	// RetryPauseMax is the longest pause between attempts; pauses begin at 1/64 of it and double, with jitter.
	RetryPauseMax time.Duration

	// AllowCreateTime accepts records that carry their producer's time. Only for the embedded broker, whose producers
	// are our own: elsewhere a producer could set the clock that expires credits.
	AllowCreateTime bool
}

// Default returns the configuration for a usual deployment.
func Default() Config {
	return Config{
		MeteringTopic:  "drawdown.metering",
		ChargesTopic:   "drawdown.charges",
		LedgerTopic:    "drawdown.ledger",
		RejectedTopic:  "drawdown.rejected",
		Group:          "drawdown",
		SessionTimeout: 6 * time.Second,

		// An account is written once a batch: with 1,000 accounts busy in a partition, 20 events for each.
		BatchEventsMax:  20_000,
		BatchBytesMax:   16 << 20,
		BatchAgeMax:     250 * time.Millisecond,
		BatchesInFlight: 2,
		FetchBytesMax:   2 << 20,
		FetchWaitMax:    500 * time.Millisecond,

		CacheAccountsMax: 200_000, // about 1 KB each
		MessageBytesMax:  900_000, // brokers refuse more than 1,048,588 bytes by default
		ClockAheadMax:    10 * time.Minute,
		TickInterval:     250 * time.Millisecond,
		DrainTimeout:     10 * time.Second,
		AttemptTimeout:   10 * time.Second,
		RetryPauseMax:    2 * time.Second,
	}
}

// topicName is what Kafka accepts.
var topicName = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)

// Validate reports every fault at once, each with the allowed range.
func (c *Config) Validate() error {
	faults := c.validateTopics()
	if c.Group == "" && len(c.Partitions) == 0 {
		faults = append(faults, errors.New("group: is empty, and no partitions are given"))
	}
	for _, partition := range c.Partitions {
		faults = append(faults, within("partitions", int(partition), 0, 1<<20))
	}
	faults = append(faults,
		within("session_timeout", c.SessionTimeout, time.Second, 5*time.Minute),
		within("batch_events_max", c.BatchEventsMax, 1, 1_000_000),
		within("batch_bytes_max", c.BatchBytesMax, 1<<10, 1<<30),
		within("batch_age_max", c.BatchAgeMax, time.Millisecond, time.Minute),
		within("batches_in_flight", c.BatchesInFlight, 1, 16),
		within("fetch_bytes_max", c.FetchBytesMax, 1<<10, 256<<20),
		within("fetch_wait_max", c.FetchWaitMax, time.Millisecond, 30*time.Second),
		within("cache_accounts_max", c.CacheAccountsMax, 1, 1_000_000_000),
		within("message_bytes_max", c.MessageBytesMax, 16<<10, 256<<20),
		within("clock_ahead_max", c.ClockAheadMax, time.Second, 24*time.Hour),
		within("tick_interval", c.TickInterval, 10*time.Millisecond, time.Hour),
		within("drain_timeout", c.DrainTimeout, 100*time.Millisecond, 10*time.Minute),
		within("attempt_timeout", c.AttemptTimeout, 100*time.Millisecond, 10*time.Minute),
		within("retry_pause_max", c.RetryPauseMax, 10*time.Millisecond, 5*time.Minute),
	)
	if c.FetchWaitMax >= c.AttemptTimeout {
		faults = append(faults, fmt.Errorf("fetch_wait_max: %v is not below attempt_timeout, %v: every fetch of an idle partition would fail", c.FetchWaitMax, c.AttemptTimeout))
	}
	return errors.Join(faults...)
}

func (c *Config) validateTopics() []error {
	var faults []error
	usedBy := make(map[string]string)
	for _, topic := range []struct{ option, name string }{
		{"metering_topic", c.MeteringTopic},
		{"charges_topic", c.ChargesTopic},
		{"ledger_topic", c.LedgerTopic},
		{"rejected_topic", c.RejectedTopic},
	} {
		if !topicName.MatchString(topic.name) {
			faults = append(faults, fmt.Errorf("%s: %q is no topic name: 1 to 249 of a-z A-Z 0-9 . _ -", topic.option, topic.name))
			continue
		}
		if other, used := usedBy[topic.name]; used {
			faults = append(faults, fmt.Errorf("%s: %q is %s too: each topic needs a name of its own", topic.option, topic.name, other))
		}
		usedBy[topic.name] = topic.option
	}
	return faults
}

// within returns an error unless value is in a range, bounds included.
func within[T int | time.Duration](option string, value, least, greatest T) error {
	if value < least || value > greatest {
		return fmt.Errorf("%s: %v is out of range: allowed are %v to %v", option, value, least, greatest)
	}
	return nil
}
