package bench

import (
	"errors"
	"fmt"
	"time"

	"drawdown/internal/app"
)

// GateOptions are what is measured of the gate. Begin with [DefaultGate].
type GateOptions struct {
	Accounts, Partitions int
	// Rate is how many questions are asked a second, and For how long they are measured, after some seconds to warm up.
	Rate int
	For  time.Duration
	// Events are the usage events a second that change balances meanwhile.
	Events int
	// Connections are how many HTTP connections the questions come over, each one question at a time.
	Connections int
	// BaselineRate is how often the naive way is asked a second; 0 leaves out both comparisons, that with it and that with an
	// empty HTTP handler.
	BaselineRate int
	// Nice is how much lower than the gate's the priority of the broker and the worker is, 0 to 19.
	Nice int
	// JSON leaves out everything but the last line.
	JSON bool
	// KeepData leaves the servers' data and logs where the output says.
	KeepData bool
	// CPUProfile is a file for a profile of the API and the worker; empty for none.
	CPUProfile string
	// KafkaHeapMiB is the broker's Java heap.
	KafkaHeapMiB int
	// Config is how the API and the worker work; addresses and keys are replaced by those of the run.
	Config app.Config
}

// DefaultGate is the benchmark that the project's figures of the gate come from.
func DefaultGate() GateOptions {
	return GateOptions{
		Accounts: 10_000, Partitions: 8, Rate: 5000, For: 20 * time.Second, Events: 10_000, Connections: 64,
		BaselineRate: 500, KafkaHeapMiB: 1024, Config: app.Default(),
	}
}

// Bounds of the load: a machine that makes more of it has no processor left for what is measured.
const (
	gateRateMax        = 100_000
	gateEventsMax      = 1_000_000
	gateConnectionsMax = 4096
	niceMax            = 19 // the kernel's
)

// Validate reports every fault at once.
func (o *GateOptions) Validate() error {
	var took error
	if o.For < time.Second || o.For > time.Hour {
		took = fmt.Errorf("for: is %v; allowed are 1s to 1h", o.For)
	}
	return errors.Join(
		within("accounts", o.Accounts, gateKinds, accountsMax),
		within("partitions", o.Partitions, 1, partitionsMax),
		within("rate", o.Rate, 1, gateRateMax),
		within("events", o.Events, 1, gateEventsMax),
		within("connections", o.Connections, 1, gateConnectionsMax),
		within("baseline-rate", o.BaselineRate, 0, gateRateMax),
		within("nice", o.Nice, 0, niceMax),
		within("kafka-heap", o.KafkaHeapMiB, 256, 64<<10),
		took,
	)
}

func (o *GateOptions) machinery() *machinery {
	return &machinery{config: o.Config, partitions: o.Partitions, kafkaHeapMiB: o.KafkaHeapMiB, api: true, keep: o.KeepData}
}

// warmUp is how long the load runs before it is measured: connections are opened, and the worker and the heap settle.
const warmUp = 2 * time.Second

// baselineFor is how long each comparison is measured at most.
const baselineFor = 10 * time.Second

// eventsOfAll is how many usage events a run is going to have, about.
func (o *GateOptions) eventsOfAll() int {
	took := warmUp + o.For
	if o.BaselineRate > 0 {
		took += 2 * (warmUp + min(o.For, baselineFor))
	}
	return int(took.Seconds() * float64(o.Events))
}
