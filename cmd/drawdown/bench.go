package main

import (
	"context"
	"os"
	"time"

	"drawdown/internal/bench"
)

// benchCommand is two benchmarks; without a name it is the first.
type benchCommand struct {
	Drain     drainBenchCommand     `cmd:"" default:"withargs" help:"How fast a backlog of usage events is drained."`
	Purchases purchasesBenchCommand `cmd:"" help:"How fast accounts that run out get what they buy by themselves."`
}

type drainBenchCommand struct {
	Events            int    `default:"1000000" help:"Usage events of the backlog."`
	Partitions        int    `default:"8" help:"Partitions of the log."`
	Accounts          int    `default:"10000" help:"Accounts."`
	EventBytes        int    `default:"300" help:"Bytes of an event, about."`
	BaselineEvents    int    `default:"150000" help:"Events that the naive meter is measured on; 0 leaves it out."`
	BaselineConsumers int    `default:"1" help:"Readers of the naive meter, each with partitions of its own."`
	KafkaHeap         int    `default:"1024" help:"The broker's heap in MiB."`
	JSON              bool   `name:"json" help:"Print nothing but the last line."`
	KeepData          bool   `help:"Leave the servers' data and logs."`
	CPUProfile        string `name:"cpuprofile" placeholder:"FILE" help:"Write a CPU profile of the worker and the sink."`
	AllocProfile      string `name:"allocprofile" placeholder:"FILE" help:"Write a profile of what they allocate."`
}

func (*drainBenchCommand) Help() string {
	return `Starts the real servers on free ports, loads a backlog, and measures how fast worker and sink drain it with everything
on; before that the naive way, on the same events: the library's Reader, one script call an event, rows in batches of
10,000.
The last line is one JSON object. No figure is printed unless every credit is where it belongs.`
}

// Run implements the command. Settings of worker and sink come from the configuration.
func (c *drainBenchCommand) Run(ctx context.Context, line *commands) error {
	config, err := line.load()
	if err != nil {
		return err
	}
	_, err = bench.Run(ctx, bench.Options{
		Events: c.Events, Partitions: c.Partitions, Accounts: c.Accounts, EventBytes: c.EventBytes,
		BaselineEvents: c.BaselineEvents, BaselineConsumers: c.BaselineConsumers, KafkaHeapMiB: c.KafkaHeap, JSON: c.JSON, KeepData: c.KeepData,
		CPUProfile: c.CPUProfile, AllocProfile: c.AllocProfile, Config: config,
	}, os.Stdout)
	return err
}

type purchasesBenchCommand struct {
	Accounts         int           `default:"100000" help:"Accounts that cross their threshold at once."`
	Partitions       int           `default:"8" help:"Partitions of the log."`
	GatewayDelay     time.Duration `default:"0s" help:"How long the gateway takes for a payment."`
	SteadyFor        time.Duration `default:"20s" help:"How long accounts cross at half load."`
	BaselineAccounts int           `default:"2000" help:"Accounts that the naive way buys for; 0 leaves it out."`
	KafkaHeap        int           `default:"1024" help:"The broker's heap in MiB."`
	JSON             bool          `name:"json" help:"Print nothing but the last line."`
	KeepData         bool          `help:"Leave the servers' data and logs."`
	CPUProfile       string        `name:"cpuprofile" placeholder:"FILE" help:"Write a CPU profile of the worker and the purchaser."`
}

func (*purchasesBenchCommand) Help() string {
	return `Starts Kafka and Redis on free ports, a worker, and a purchaser on a gateway that counts and takes no money. All accounts
cross their threshold at once; then they cross again at half the rate at which that was settled, to measure how long a request
takes to reach the gateway; then the naive way buys for some: one Reader on the ledger, one purchase after the other.
The last line is one JSON object. No figure is printed unless each crossing was requested, paid and settled exactly once.`
}

// Run implements the command. Settings of worker and purchaser come from the configuration.
func (c *purchasesBenchCommand) Run(ctx context.Context, line *commands) error {
	config, err := line.load()
	if err != nil {
		return err
	}
	_, err = bench.RunPurchases(ctx, bench.PurchaseOptions{
		Accounts: c.Accounts, Partitions: c.Partitions, GatewayDelay: c.GatewayDelay, SteadyFor: c.SteadyFor,
		BaselineAccounts: c.BaselineAccounts, KafkaHeapMiB: c.KafkaHeap, JSON: c.JSON, KeepData: c.KeepData,
		CPUProfile: c.CPUProfile, Config: config,
	}, os.Stdout)
	return err
}
