package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"drawdown"
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
		return c.write("ledger entries", []string{"partition", "offset", "n", "at", "type", "entry"}, func(take func(exportRow) error) error {
			return d.ExportLedger(ctx, d.self, c.Account, report.LedgerQuery{Types: c.Types, From: from, To: to}, func(e *report.Entry) error {
				return take(exportRow{e.At, func() []byte { return e.Line }, func() []string { return entryCells(e) }})
			})
		})
	})
}

func entryCells(e *report.Entry) []string {
	return []string{
		strconv.Itoa(int(e.Partition)), strconv.FormatInt(int64(e.Offset), 10), strconv.Itoa(e.N), stamp(e.At), e.Type, string(e.Line),
	}
}

// stamp is an instant as the contract prints it.
func stamp(t time.Time) string { return drawdown.TimeOf(t).String() }

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
		return c.write("charges", chargeHeader(), func(take func(exportRow) error) error {
			return d.ExportCharges(ctx, d.self, c.Account, q, func(charge *report.Charge) error {
				return take(exportRow{charge.At, func() []byte { return chargeLine(charge) }, func() []string { return chargeCells(charge) }})
			})
		})
	})
}

// chargeColumns are the members of a charge (contract, section 8), behind where it stands: numbers, texts, nil for a text
// that is absent, and burned. The API's exports have the same.
var chargeColumns = []struct {
	name string
	of   func(*report.Charge) any
}{
	{"partition", func(c *report.Charge) any { return c.Partition }},
	{"offset", func(c *report.Charge) any { return c.Offset }},
	{"n", func(c *report.Charge) any { return c.N }},
	{"at", func(c *report.Charge) any { return stamp(c.At) }},
	{"time", func(c *report.Charge) any { return stamp(c.Time) }},
	{"connection", func(c *report.Charge) any { return c.Connection }},
	{"source_connector", func(c *report.Charge) any { return c.Source }},
	{"destination_connector", func(c *report.Charge) any { return c.Destination }},
	{"job", func(c *report.Charge) any { return c.Job }},
	{"attempt", func(c *report.Charge) any { return c.Attempt }},
	{"stream", func(c *report.Charge) any { return optional(c.Stream) }},
	{"event", func(c *report.Charge) any { return c.Event }},
	{"kind", func(c *report.Charge) any { return c.Kind }},
	{"meter", func(c *report.Charge) any { return c.Meter }},
	{"quantity", func(c *report.Charge) any { return c.Quantity }},
	{"credits", func(c *report.Charge) any { return c.Credits.String() }},
	{"waived", func(c *report.Charge) any { return c.Waived.String() }},
	{"category", func(c *report.Charge) any { return c.Category }},
	{"rates", func(c *report.Charge) any { return c.Rates }},
	{"burned", func(c *report.Charge) any { return burnsOf(c.Burned) }},
	{"overdraft", func(c *report.Charge) any { return c.Overdraft.String() }},
}

// burnMembers is what was taken from a grant.
type burnMembers struct {
	Grant   string `json:"grant"`
	Credits string `json:"credits"`
}

func burnsOf(burned []report.Burn) []burnMembers {
	members := make([]burnMembers, len(burned)) // never null
	for i, b := range burned {
		members[i] = burnMembers{b.Grant, b.Credits.String()}
	}
	return members
}

func chargeHeader() []string {
	names := make([]string, len(chargeColumns))
	for i := range chargeColumns {
		names[i] = chargeColumns[i].name
	}
	return names
}

func chargeLine(c *report.Charge) []byte {
	line := []byte{'{'}
	for i, column := range chargeColumns {
		if i > 0 {
			line = append(line, ',')
		}
		line = strconv.AppendQuote(line, column.name)
		line = append(append(line, ':'), jsonOf(column.of(c))...)
	}
	return append(line, '}')
}

func chargeCells(c *report.Charge) []string {
	cells := make([]string, len(chargeColumns))
	for i, column := range chargeColumns {
		switch value := column.of(c).(type) {
		case string:
			cells[i] = safeCell(value)
		case *string:
			if value != nil {
				cells[i] = safeCell(*value)
			}
		default:
			cells[i] = string(jsonOf(value))
		}
	}
	return cells
}
