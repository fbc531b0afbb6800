package main

import (
	"context"
	"fmt"

	"drawdown/sinks/clickhouse/report"
)

type ledgerExportCommand struct {
	Account string   `arg:"" help:"The account's id."`
	Types   []string `help:"Only entries of these types, such as grant.added,notice." placeholder:"TYPE,…"`
	spanFlags
	exportFlags
}

func (*ledgerExportCommand) Help() string {
	return `The oldest first, however many. A JSON line is the entry of the contract, section 8; CSV has it in its last column, behind
where it stands. Entries come from ClickHouse, some seconds behind.

  drawdown ledger export acme -o acme.jsonl
  drawdown ledger export acme --from 2026-01-01T00:00:00Z --to 2026-02-01T00:00:00Z -o january.csv
  drawdown ledger export acme --types grant.added,grant.expired --format jsonl | jq .amount`
}

// Run implements the command.
func (c *ledgerExportCommand) Run(ctx context.Context, line *commands) error {
	from, to, err := c.span()
	if err != nil {
		return err
	}
	return line.withOfficeFor(ctx, noLimit, func(ctx context.Context, d *desk) error {
		return c.write("ledger entries", report.EntryHeader(), func(take func(exportRow) error) error {
			return d.ExportLedger(ctx, d.self, c.Account, report.LedgerQuery{Types: c.Types, From: from, To: to}, func(e *report.Entry) error {
				return take(exportRow{e.At, func() []byte { return e.Line }, e.Cells})
			})
		})
	})
}

type usageExportCommand struct {
	Account    string  `arg:"" help:"The account's id."`
	Connection string  `help:"Only this connection's." placeholder:"NAME"`
	Job        *uint64 `help:"Only this job's, with --connection." placeholder:"N"`
	spanFlags
	exportFlags
}

func (*usageExportCommand) Help() string {
	return `A charge a row, the oldest first, with the members of the contract, section 8, and its partition. They come from ClickHouse,
some seconds behind.

  drawdown usage export acme --since 720h -o charges.csv
  drawdown usage export acme --connection shop --job 7 --format jsonl | jq -r .credits`
}

// Run implements the command.
func (c *usageExportCommand) Run(ctx context.Context, line *commands) error {
	from, to, err := c.span()
	if err != nil {
		return err
	}
	if c.Job != nil && c.Connection == "" {
		return fmt.Errorf("--job names a job of a connection: give --connection too")
	}
	q := report.ChargeQuery{Connection: c.Connection, Job: c.Job, From: from, To: to}
	return line.withOfficeFor(ctx, noLimit, func(ctx context.Context, d *desk) error {
		return c.write("charges", report.ChargeHeader(), func(take func(exportRow) error) error {
			return d.ExportCharges(ctx, d.self, c.Account, q, func(charge *report.Charge) error {
				return take(exportRow{charge.At, charge.Line, charge.Cells})
			})
		})
	})
}
