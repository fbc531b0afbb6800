// Command drawdown meters data-sync usage into prepaid credits.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"drawdown/internal/app"
	"drawdown/internal/bench"
	"drawdown/internal/servers/clickhouse/engine"
)

// commands is the command line: a table of contents.
type commands struct {
	Config string `short:"c" type:"existingfile" env:"DRAWDOWN_CONFIG" placeholder:"FILE" help:"YAML configuration; the environment (DRAWDOWN_…) comes after it. See 'drawdown config show'."`

	Replay     replayCommand     `cmd:"" help:"Print what a log file means, without any server."`
	Worker     workerCommand     `cmd:"" help:"Draw balances down: read the log, publish charges, commit to Redis."`
	Sink       sinkCommand       `cmd:"" help:"Write charges and ledger entries to ClickHouse, each once."`
	Purchaser  purchaserCommand  `cmd:"" help:"Buy credits: pay what the ledger asks for, take the gateway's webhooks."`
	Notifier   notifierCommand   `cmd:"" help:"Tell customers what happens: by e-mail and by webhook."`
	API        apiCommand        `cmd:"" name:"api" help:"Serve the HTTP API, the gate for syncs, and the billing page."`
	Tap        tapCommand        `cmd:"" help:"Stand between an Airbyte source and destination and report what passes."`
	Topics     topicsCommand     `cmd:"" help:"Create and check the topics."`
	Plans      plansCommand      `cmd:"" help:"Publish plans."`
	Rates      ratesCommand      `cmd:"" help:"Publish rate cards."`
	Connectors connectorsCommand `cmd:"" help:"Publish connectors: kind and stage."`
	Account    accountCommand    `cmd:"" help:"Open accounts, change them, look at them."`
	Grants     grantsCommand     `cmd:"" help:"See what an account holds; give credits and take them back."`
	Ledger     ledgerCommand     `cmd:"" help:"See what happened to an account, entry by entry."`
	Usage      usageCommand      `cmd:"" help:"See what an account used: by connection, by sync, and when it will run out."`
	Audit      auditCommand      `cmd:"" help:"See who asked for what."`
	Purchases  purchasesCommand  `cmd:"" help:"Order credits, save cards, subscribe; refund and fail purchases by hand."`
	Deliveries deliveriesCommand `cmd:"" help:"See what customers were told, and what came of it."`
	Notices    noticesCommand    `cmd:"" help:"See what customers read."`
	Rejects    rejectsCommand    `cmd:"" help:"Look at rejected records and put them back."`
	Partitions partitionsCommand `cmd:"" help:"See where partitions stand; rebuild one that Redis has lost."`
	Keys       keysCommand       `cmd:"" help:"API keys of programs; and keys that sign operations."`
	ConfigCmd  configCommand     `cmd:"" name:"config" help:"Check and show the configuration."`
	Demo       demoCommand       `cmd:"" help:"See it all work on this machine, in half a minute."`
	Bench      benchCommand      `cmd:"" help:"Measure on real servers, against a naive meter in the same run."`
	Completion completionCommand `cmd:"" help:"Print a script that completes commands in your shell."`
	Complete   completeCommand   `cmd:"" hidden:"" help:"Print what a line can go on with."`
}

const description = `Drawdown rates usage of data syncs into credits and draws prepaid balances down, exactly once.

  drawdown demo                          see it work
  drawdown replay --balances log.jsonl   what does this log mean?
  drawdown config check                  is my configuration right?`

func main() {
	engine.MaybeRunChild()
	bench.MaybeRunChild()
	os.Exit(run(os.Args[1:]))
}

// run runs one command and returns the exit code: 0 done, 1 failed, 2 used wrongly.
func run(args []string) int {
	var line commands
	parser := kong.Must(&line, kong.Name("drawdown"), kong.Description(description),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}), kong.UsageOnError())
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(os.Stderr, "drawdown: %v\nRun 'drawdown --help'.\n", err)
		return 2
	}
	ctx, stop := interruptible()
	defer stop()
	parsed.BindTo(ctx, (*context.Context)(nil))
	parsed.Bind(&line, parser)
	err = parsed.Run()
	var coded interface{ ExitCode() int }
	switch {
	case err == nil:
		return 0
	case errors.As(err, &coded):
		fmt.Fprintln(os.Stderr, "drawdown:", err)
		return coded.ExitCode()
	default:
		fmt.Fprintln(os.Stderr, "drawdown:", err)
		return 1
	}
}

// interruptible returns a context that SIGINT or SIGTERM ends. A second signal ends the process at once.
func interruptible() (context.Context, func()) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal then does what signals do by default
	return ctx, stop
}

// load reads the configuration.
func (c *commands) load() (app.Config, error) {
	config, err := app.Load(c.Config, os.Environ())
	if err != nil {
		return config, fmt.Errorf("the configuration has faults:\n%w", err)
	}
	return config, nil
}
