package main

import (
	"context"
	"os"
	"time"

	"drawdown/internal/demo"
)

type demoCommand struct {
	For   time.Duration `default:"30s" env:"DEMO_FOR" help:"How long syncs run."`
	Keep  bool          `help:"Stay up afterwards, with the billing page, until Ctrl-C."`
	Plain bool          `help:"Print lines, also on a terminal."`
}

func (*demoCommand) Help() string {
	return `Brings up an embedded Kafka and Redis and the real ClickHouse engine, opens accounts on the example plans, and streams
usage. The API and the billing page run as well: it prints the page's address, with which its visitor is signed in.
Accounts run out: one buys more by itself, one can't and stops, the card of one is declined until its owner replaces it,
and for one a backup card pays. Two schedulers want to hold the same credits; a sync that costs many times the usual is
stopped. Owners get e-mails, one has webhooks; no money is taken. At the end the log, Redis, ClickHouse, the API's
reports, what was charged, and what was told are compared. A drift makes the command fail. Nothing is left behind but the
engine in the cache folder.`
}

// Run implements the command.
func (c *demoCommand) Run(ctx context.Context) error {
	return demo.Run(ctx, demo.Options{For: c.For, Keep: c.Keep, Plain: c.Plain}, os.Stdout)
}
