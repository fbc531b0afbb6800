package main

import (
	"context"
	"os"

	"drawdown/internal/bench"
)

type benchCommand struct {
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

func (*benchCommand) Help() string {
	return `Starts the real servers on free ports, loads a backlog, and measures how fast worker and sink drain it with everything
on; before that the naive way, on the same events: the library's Reader, one script call an event, rows in batches of
10,000.
The last line is one JSON object. No figure is printed unless every credit is where it belongs.`
}

// Run implements the command. Settings of worker and sink come from the configuration.
func (c *benchCommand) Run(ctx context.Context, line *commands) error {
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
