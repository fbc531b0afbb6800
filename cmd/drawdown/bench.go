package main

import (
	"context"
	"os"
	"time"

	"drawdown/internal/bench"
)

// benchCommand is three benchmarks; without a name it is the first.
type benchCommand struct {
	Drain     drainBenchCommand     `cmd:"" default:"withargs" help:"How fast a backlog of usage events is drained."`
	Purchases purchasesBenchCommand `cmd:"" help:"How fast accounts that run out get what they buy by themselves."`
	Gate      gateBenchCommand      `cmd:"" help:"How fast the API says whether a sync may start, while balances change."`
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

type gateBenchCommand struct {
	Rate         int           `default:"5000" help:"Questions a second."`
	For          time.Duration `default:"20s" help:"How long they are measured."`
	Events       int           `default:"10000" help:"Usage events a second that change balances meanwhile."`
	Accounts     int           `default:"10000" help:"Accounts, of 5 connections each."`
	Partitions   int           `default:"8" help:"Partitions of the log."`
	Connections  int           `default:"64" help:"HTTP connections, which are kept alive; each asks one question at a time."`
	BaselineRate int           `default:"500" help:"Questions a second to the naive way; 0 leaves both comparisons out."`
	Nice         int           `default:"0" help:"Lower the priority of Kafka and the worker by so much (1 to 19), as where they share the gate's machine."`
	KafkaHeap    int           `default:"1024" help:"The broker's heap in MiB."`
	JSON         bool          `name:"json" help:"Print nothing but the last line."`
	KeepData     bool          `help:"Leave the servers' data and logs."`
	CPUProfile   string        `name:"cpuprofile" placeholder:"FILE" help:"Write CPU profiles: FILE.api and FILE.worker. With --baseline-rate 0 the API's is of the gate alone."`
}

func (*gateBenchCommand) Help() string {
	return `Starts Kafka and Redis on free ports, a worker, and the API, each a process of its own. Accounts of five kinds, some with a
reserve or a hold, use credits all the time, so that many run out, or fall to their reserve or to what is held, while the
gate is asked about them over HTTP with API keys.

Each question is due at an instant that is fixed in advance, and its latency counts from then: answers that are slow don't
hide behind questions that were not asked meanwhile. The load takes part in that: where "sent late" is not small, or
processors are busy elsewhere, the figures are the machine's and not the gate's.

Two comparisons follow, with the same usage beside them. An HTTP handler that does nothing is asked as often: what it takes
is the least that the machine lets any gate take. And the naive way is to read the whole balance,
GET /v1/accounts/{account}/balance, at a lower rate; compared is the API's processor time.

The last line is one JSON object. No figure is printed unless every answer follows from a balance that the account had
between the question and the answer, and every account ends with exactly its usage.

  drawdown bench gate                                   the figures of the project: 5,000 questions/s, 10,000 events/s
  drawdown bench gate --rate 2000 --for 5s              a shorter run
  drawdown bench gate --nice 10                         the gate comes before Kafka and the worker
  drawdown bench gate --baseline-rate 0 --cpuprofile p  what the gate's time goes into: go tool pprof p.api`
}

// Run implements the command. Settings of the API and the worker come from the configuration.
func (c *gateBenchCommand) Run(ctx context.Context, line *commands) error {
	config, err := line.load()
	if err != nil {
		return err
	}
	_, err = bench.RunGate(ctx, bench.GateOptions{
		Accounts: c.Accounts, Partitions: c.Partitions, Rate: c.Rate, For: c.For, Events: c.Events, Connections: c.Connections,
		BaselineRate: c.BaselineRate, Nice: c.Nice, KafkaHeapMiB: c.KafkaHeap, JSON: c.JSON, KeepData: c.KeepData, CPUProfile: c.CPUProfile,
		Config: config,
	}, os.Stdout)
	return err
}
