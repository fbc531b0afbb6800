package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"drawdown"
	"drawdown/sinks/clickhouse/report"
)

type grantsCommand struct {
	List grantsListCommand   `cmd:"" help:"List what is left of an account's grants, in the order in which they are used."`
	Add  accountGrantCommand `cmd:"" help:"Give credits."`
	Void accountVoidCommand  `cmd:"" help:"Take back what remains of a grant."`
}

type grantsListCommand struct {
	Account string `arg:"" help:"The account's id."`
	JSON    bool   `name:"json" help:"Print JSON lines."`
}

// Run implements the command.
func (c *grantsListCommand) Run(ctx context.Context, line *commands) error {
	return line.withOffice(ctx, func(ctx context.Context, d *desk) error {
		overview, err := d.Overview(ctx, d.self, c.Account)
		if err != nil {
			return err
		}
		grants := overview.Balance.Grants
		if c.JSON {
			for i := range grants {
				g := &grants[i]
				err := printObjects(map[string]any{
					"grant": g.Grant, "category": g.Category.String(), "amount": g.Amount.String(), "remaining": g.Remaining.String(), "expires_at": neverIsNull(g.ExpiresAt),
				})
				if err != nil {
					return err
				}
			}
			return nil
		}
		return printTable("GRANT\tCATEGORY\tAMOUNT\tREMAINING\tEXPIRES", func(table io.Writer) {
			for i := range grants {
				g := &grants[i]
				fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", g.Grant, g.Category, g.Amount, g.Remaining, g.ExpiresAt)
			}
		})
	})
}

func neverIsNull(t drawdown.Time) *string {
	if t == drawdown.Never || t == drawdown.NoTime {
		return nil
	}
	text := t.String()
	return &text
}

type ledgerCommand struct {
	List   ledgerListCommand   `cmd:"" help:"List an account's ledger entries."`
	Export ledgerExportCommand `cmd:"" help:"Write an account's ledger to a file, as CSV or JSON lines."`
}

type ledgerListCommand struct {
	Account string        `arg:"" help:"The account's id."`
	Types   []string      `help:"Only entries of these types, such as grant.added,notice." placeholder:"TYPE,…"`
	Since   time.Duration `help:"Only those of the last while." placeholder:"DURATION"`
	Limit   int           `default:"100" help:"The newest so many, up to 1000."`
	All     bool          `help:"All of them, the oldest first, however many."`
	JSON    bool          `name:"json" help:"Print the lines of the contract."`
}

func (*ledgerListCommand) Help() string {
	return `The entries are those of the contract, section 8. They come from ClickHouse, some seconds behind.`
}

// Run implements the command.
func (c *ledgerListCommand) Run(ctx context.Context, line *commands) error {
	q := report.LedgerQuery{Types: c.Types, Limit: c.Limit}
	if c.Since > 0 {
		q.From = time.Now().Add(-c.Since)
	}
	return line.withOffice(ctx, func(ctx context.Context, d *desk) error {
		print := func(e *report.Entry) error {
			if c.JSON {
				return printObjects(json.RawMessage(e.Line))
			}
			fmt.Printf("%s  %d/%d/%d  %-18s  %s\n", shown(e.At), e.Partition, e.Offset, e.N, e.Type, e.Line)
			return nil
		}
		if c.All {
			return d.ExportLedger(ctx, d.self, c.Account, q, print)
		}
		page, err := d.Ledger(ctx, d.self, c.Account, q)
		if err != nil {
			return err
		}
		for i := range page.Entries {
			if err := print(&page.Entries[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

type usageCommand struct {
	Show     usageShowCommand     `cmd:"" help:"What an account used in a window, by connection, stream, source or destination."`
	Syncs    usageSyncsCommand    `cmd:"" help:"List an account's syncs, the latest first."`
	Receipt  usageReceiptCommand  `cmd:"" help:"Show what one sync cost and why, so that it can be added up."`
	Estimate usageEstimateCommand `cmd:"" help:"Tell what a sync would cost, and whether the account can carry it."`
	Forecast usageForecastCommand `cmd:"" help:"When an account's credits run out if it goes on like this."`
	Export   usageExportCommand   `cmd:"" help:"Write every charge of an account to a file, as CSV or JSON lines."`
}

type usageShowCommand struct {
	Account    string `arg:"" help:"The account's id."`
	Window     string `enum:"daily,weekly,monthly,period" default:"period" help:"daily (30 days), weekly (26 weeks), monthly (12 months) or period (the plan's)."`
	By         string `enum:"connection,stream,source,destination" default:"connection" help:"connection, stream, source or destination."`
	Connection string `help:"Only this connection." placeholder:"NAME"`
	JSON       bool   `name:"json" help:"Print JSON lines."`
}

// Run implements the command.
func (c *usageShowCommand) Run(ctx context.Context, line *commands) error {
	return line.withOffice(ctx, func(ctx context.Context, d *desk) error {
		usage, err := d.Usage(ctx, d.self, c.Account, report.UsageQuery{
			Window: report.Window(c.Window), By: report.Dimension(c.By), Connection: c.Connection,
		})
		if err != nil {
			return err
		}
		series := append(usage.Series, usage.Total)
		if c.JSON {
			for i := range series {
				a := &series[i].Total
				err := printObjects(map[string]any{
					"name": optional(series[i].Name), "events": a.Events, "billed": a.Billed.String(), "free": a.Free.String(),
					"as_of": usage.AsOf, "from": usage.From, "to": usage.To,
				})
				if err != nil {
					return err
				}
			}
			return nil
		}
		fmt.Printf("%s to %s, as of %s\n", shown(usage.From), shown(usage.To), shown(usage.AsOf))
		return printTable("NAME\tEVENTS\tBILLED\tFREE", func(table io.Writer) {
			for i := range series {
				name, a := series[i].Name, &series[i].Total
				if i == len(series)-1 {
					name = "in all"
				}
				fmt.Fprintf(table, "%s\t%d\t%s\t%s\n", listed(nonEmpty(name)), a.Events, a.Billed, a.Free)
			}
		})
	})
}

type usageSyncsCommand struct {
	Account    string `arg:"" help:"The account's id."`
	Connection string `help:"Only this connection." placeholder:"NAME"`
	Limit      int    `default:"20" help:"The latest so many, up to 1000."`
	JSON       bool   `name:"json" help:"Print JSON lines."`
}

// Run implements the command.
func (c *usageSyncsCommand) Run(ctx context.Context, line *commands) error {
	return line.withOffice(ctx, func(ctx context.Context, d *desk) error {
		page, err := d.Syncs(ctx, d.self, c.Account, report.SyncQuery{Connection: c.Connection, Limit: c.Limit})
		if err != nil {
			return err
		}
		if c.JSON {
			for i := range page.Syncs {
				s := &page.Syncs[i]
				err := printObjects(map[string]any{
					"connection": s.Connection, "job": s.Job, "source_connector": s.Source, "destination_connector": s.Destination, "attempts": s.Attempts,
					"first_at": s.FirstAt, "last_at": s.LastAt, "events": s.Amounts.Events, "billed": s.Amounts.Billed.String(), "free": s.Amounts.Free.String(),
				})
				if err != nil {
					return err
				}
			}
			return nil
		}
		return printTable("LAST CHARGED\tCONNECTION\tJOB\tATTEMPTS\tEVENTS\tBILLED\tFREE", func(table io.Writer) {
			for i := range page.Syncs {
				s := &page.Syncs[i]
				fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%d\t%s\t%s\n", shown(s.LastAt), s.Connection, s.Job, s.Attempts, s.Amounts.Events, s.Amounts.Billed, s.Amounts.Free)
			}
		})
	})
}

type usageForecastCommand struct {
	Account string `arg:"" help:"The account's id."`
	JSON    bool   `name:"json" help:"Print one JSON object."`
}

// Run implements the command.
func (c *usageForecastCommand) Run(ctx context.Context, line *commands) error {
	return line.withOffice(ctx, func(ctx context.Context, d *desk) error {
		f, err := d.Forecast(ctx, d.self, c.Account)
		if err != nil {
			return err
		}
		if c.JSON {
			return printObjects(map[string]any{
				"available": f.Available.String(), "per_day": f.PerDay.String(), "runs_out_at": instant(f.RunsOutAt), "as_of": f.AsOf,
			})
		}
		runsOut := "not within a year"
		if !f.RunsOutAt.IsZero() {
			runsOut = "about " + shown(f.RunsOutAt)
		}
		fmt.Printf("%v credits at %v a day (as of %s): they run out %s\n", f.Available, f.PerDay, shown(f.AsOf), runsOut)
		return nil
	})
}
