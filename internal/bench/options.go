package bench

import (
	"errors"
	"fmt"

	"drawdown/internal/app"
)

// Options are what is measured. Begin with [Default].
type Options struct {
	Events     int // usage events of the backlog
	Partitions int
	Accounts   int
	EventBytes int // of an event's value, about
	// BaselineEvents are how many of the events the naive way is measured on; 0 leaves it out.
	BaselineEvents int
	// BaselineConsumers are how many consumers share the partitions in the naive way, each with a reader of its own; 0 is
	// one.
	BaselineConsumers int
	// JSON leaves out everything but the last line.
	JSON bool
	// KeepData leaves the servers' data and logs where the output says.
	KeepData bool
	// CPUProfile is a file for a profile of the worker and the sink; empty for none.
	CPUProfile string
	// AllocProfile is a file for a profile of what the worker and the sink allocate; empty for none.
	AllocProfile string
	// KafkaHeapMiB is the broker's Java heap.
	KafkaHeapMiB int
	// Config is how the worker and the sink work; addresses and keys are replaced by those of the run.
	Config app.Config
}

// Default is the benchmark that the project's figures come from.
func Default() Options {
	return Options{
		Events: 1_000_000, Partitions: 8, Accounts: 10_000, EventBytes: 300, BaselineEvents: 150_000,
		BaselineConsumers: 1, KafkaHeapMiB: 1024, Config: app.Default(),
	}
}

// machinery is what the run needs.
func (o *Options) machinery() *machinery {
	return &machinery{config: o.Config, partitions: o.Partitions, kafkaHeapMiB: o.KafkaHeapMiB, clickhouse: true, keep: o.KeepData}
}

// Bounds. A run counts its credits in 63 bits and keeps its expectations in memory.
const (
	eventsMax     = 100_000_000
	accountsMax   = 1_000_000
	partitionsMax = 1_000
)

// Validate reports every fault at once.
func (o *Options) Validate() error {
	return errors.Join(
		within("events", o.Events, 1, eventsMax),
		within("partitions", o.Partitions, 1, partitionsMax),
		within("accounts", o.Accounts, 1, accountsMax),
		within("event-bytes", o.EventBytes, eventBytesMin, eventBytesMax),
		within("baseline-events", o.BaselineEvents, 0, eventsMax),
		within("baseline-consumers", o.BaselineConsumers, 0, partitionsMax),
		within("kafka-heap", o.KafkaHeapMiB, 256, 64<<10),
	)
}

func within(option string, value, least, greatest int) error {
	if value < least || value > greatest {
		return fmt.Errorf("%s: is %d; allowed are %d to %d", option, value, least, greatest)
	}
	return nil
}
