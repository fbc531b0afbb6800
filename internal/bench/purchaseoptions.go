package bench

import (
	"errors"
	"fmt"
	"time"

	"drawdown/internal/app"
)

// PurchaseOptions are what is measured of purchases. Begin with [DefaultPurchases].
type PurchaseOptions struct {
	Accounts, Partitions int
	// GatewayDelay is how long the gateway takes for a payment.
	GatewayDelay time.Duration
	// SteadyFor is how long accounts cross at half load, as long as there are accounts.
	SteadyFor time.Duration
	// BaselineAccounts are how many the naive way buys for; 0 leaves it out.
	BaselineAccounts int
	// JSON leaves out everything but the last line.
	JSON bool
	// KeepData leaves the servers' data and logs where the output says.
	KeepData bool
	// CPUProfile is a file for a profile of the worker and the purchaser; empty for none.
	CPUProfile string
	// KafkaHeapMiB is the broker's Java heap.
	KafkaHeapMiB int
	// Config is how worker and purchaser work; addresses and keys are replaced by those of the run.
	Config app.Config
}

// DefaultPurchases is the benchmark that the project's figures of purchases come from.
func DefaultPurchases() PurchaseOptions {
	return PurchaseOptions{
		Accounts: 100_000, Partitions: 8, SteadyFor: 20 * time.Second, BaselineAccounts: 2000, KafkaHeapMiB: 1024, Config: app.Default(),
	}
}

// gatewayDelayMax is longer than any gateway takes.
const gatewayDelayMax = time.Minute

// Validate reports every fault at once.
func (o *PurchaseOptions) Validate() error {
	var delay, steady error
	if o.GatewayDelay < 0 || o.GatewayDelay > gatewayDelayMax {
		delay = fmt.Errorf("gateway-delay: is %v; allowed are 0 to %v", o.GatewayDelay, gatewayDelayMax)
	}
	if o.SteadyFor < time.Second || o.SteadyFor > time.Hour {
		steady = fmt.Errorf("steady-for: is %v; allowed are 1s to 1h", o.SteadyFor)
	}
	return errors.Join(
		within("accounts", o.Accounts, 1, accountsMax),
		within("partitions", o.Partitions, 1, partitionsMax),
		within("baseline-accounts", o.BaselineAccounts, 0, accountsMax),
		within("kafka-heap", o.KafkaHeapMiB, 256, 64<<10),
		delay, steady,
	)
}

func (o *PurchaseOptions) machinery() *machinery {
	return &machinery{config: o.Config, partitions: o.Partitions, kafkaHeapMiB: o.KafkaHeapMiB, keep: o.KeepData}
}
