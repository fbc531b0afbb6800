package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"

	"drawdown/consumer/replay"
)

type replayCommand struct {
	Log      string `arg:"" name:"log.jsonl" help:"A log, one record a line; - for standard input."`
	Balances bool   `help:"After the last record, print each account's balance."`
	Summary  bool   `help:"Tell on standard error how much there was of what."`
}

func (*replayCommand) Help() string {
	return `Prints one JSON line for each thing that the log causes: charges, grants, purchases, notices, rejections.
It is the same code that the worker runs, so it also answers what last month would have cost under other rates:
put another rates.published at the head of the file.

  drawdown replay --balances testdata/scenarios/01-airbyte-buy-and-sync.jsonl | tail -1`
}

// Run implements the command.
func (r *replayCommand) Run(ctx context.Context) error {
	in := io.Reader(os.Stdin)
	if r.Log != "-" {
		file, err := os.Open(r.Log)
		if err != nil {
			return fmt.Errorf("open the log: %w", err)
		}
		defer file.Close()
		in = file
	}
	options := replay.Options{Balances: r.Balances}
	if isTerminal(os.Stderr) && !isTerminal(os.Stdout) {
		options.Progress = func(records, bytesRead int) {
			fmt.Fprintf(os.Stderr, "\r%d records, %d MB ", records, bytesRead>>20)
		}
	}
	summary, err := replay.Run(untilEnd{ctx, bufio.NewReader(in)}, os.Stdout, options)
	if options.Progress != nil && summary.Records >= 100_000 {
		fmt.Fprintln(os.Stderr)
	}
	if err != nil {
		return err
	}
	if r.Summary {
		fmt.Fprintf(os.Stderr, "%d records, %d accounts: %d charges, %d rejected, %d duplicates\n",
			summary.Records, summary.Accounts, summary.Charges, summary.Rejected, summary.Duplicates)
	}
	return nil
}

// untilEnd reads until the context ends.
type untilEnd struct {
	ctx context.Context
	in  io.Reader
}

func (u untilEnd) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.in.Read(p)
}
