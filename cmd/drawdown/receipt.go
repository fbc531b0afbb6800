package main

import (
	"context"
	"fmt"
	"io"

	"drawdown"
	"drawdown/sinks/clickhouse/report"
)

type usageReceiptCommand struct {
	Account    string `arg:"" help:"The account's id."`
	Connection string `arg:"" help:"The connection's name."`
	Job        uint64 `arg:"" help:"The job's number, as 'drawdown usage syncs' lists it."`
	JSON       bool   `name:"json" help:"Print one JSON object."`
}

func (*usageReceiptCommand) Help() string {
	return `A line is what one stream of an attempt cost under one rate: quantities, the version of the rate card, credits, and the grants
that they came from. The lines add up to the sync, and so do the grants.

  drawdown usage syncs acme
  drawdown usage receipt acme shop 7`
}

// Run implements the command.
func (c *usageReceiptCommand) Run(ctx context.Context, line *commands) error {
	return line.withOffice(ctx, func(ctx context.Context, d *desk) error {
		receipt, err := d.Receipt(ctx, d.self, c.Account, c.Connection, c.Job)
		if err != nil {
			return err
		}
		if c.JSON {
			return printObjects(receiptMembers(receipt))
		}
		return printReceipt(receipt)
	})
}

func printReceipt(r *report.Receipt) error {
	s := &r.Sync
	fmt.Printf("job %d of %s, account %s: %s to %s\n", s.Job, s.Connection, r.Account, s.Source, s.Destination)
	fmt.Printf("charged from %s to %s; as of %s\n\n", shown(s.FirstAt), shown(s.LastAt), shown(r.AsOf))
	err := printTable("ATTEMPT\tSTREAM\tKIND\tQUANTITY\tRATES\tEVENTS\tCREDITS\tFREE\tBURNED", func(table io.Writer) {
		for i := range r.Attempts {
			a := &r.Attempts[i]
			for j := range a.Lines {
				l := &a.Lines[j]
				fmt.Fprintf(table, "%d\t%s\t%s\t%s %s\t%s\t%d\t%s\t%s\t%s\n", a.Attempt, listed(nonEmpty(l.Stream)), l.Kind, count(l.Quantity), l.Meter,
					l.Rates, l.Events, l.Credits, l.Waived, burnText(l.Burned, l.Overdraft))
			}
			if len(r.Attempts) > 1 && len(a.Lines) > 1 {
				fmt.Fprintf(table, "%d\tin all\t\t\t\t%d\t%s\t%s\t-\n", a.Attempt, a.Amounts.Events, a.Amounts.Billed, a.Amounts.Free)
			}
		}
		fmt.Fprintf(table, "in all\t\t\t\t\t%d\t%s\t%s\t-\n", s.Amounts.Events, s.Amounts.Billed, s.Amounts.Free)
	})
	if err != nil {
		return err
	}
	fmt.Println()
	return printTable("BURNED FROM\tCREDITS", func(table io.Writer) {
		sum := r.Overdraft
		for _, b := range r.Burned {
			fmt.Fprintf(table, "%s\t%s\n", b.Grant, b.Credits)
			sum = sum.Plus(b.Credits)
		}
		if !r.Overdraft.IsZero() {
			fmt.Fprintf(table, "no grant (overdraft)\t%s\n", r.Overdraft)
		}
		fmt.Fprintf(table, "in all\t%s\n", sum)
	})
}

// count is a sum of quantities, which have no decimals.
func count(t drawdown.Total) string { return t.Big().String() }

func burnText(burned []report.Burn, overdraft drawdown.Total) string {
	var parts []string
	for _, b := range burned {
		parts = append(parts, fmt.Sprintf("%s %v", b.Grant, b.Credits))
	}
	if !overdraft.IsZero() {
		parts = append(parts, fmt.Sprintf("overdraft %v", overdraft))
	}
	return listed(parts)
}

// receiptMembers has the members of the API's receipt.
func receiptMembers(r *report.Receipt) map[string]any {
	attempts := make([]map[string]any, len(r.Attempts))
	for i := range r.Attempts {
		a := &r.Attempts[i]
		lines := make([]map[string]any, len(a.Lines))
		for j := range a.Lines {
			lines[j] = receiptLineMembers(&a.Lines[j])
		}
		attempts[i] = map[string]any{"attempt": a.Attempt, "lines": lines, "amounts": amountMembers(&a.Amounts)}
	}
	s := &r.Sync
	return map[string]any{
		"as_of": instant(r.AsOf), "account": r.Account, "attempts": attempts, "burned": report.Burned(r.Burned), "overdraft": r.Overdraft.String(),
		"sync": map[string]any{
			"connection": s.Connection, "job": s.Job, "source_connector": s.Source, "destination_connector": s.Destination, "attempts": s.Attempts,
			"first_at": s.FirstAt, "last_at": s.LastAt, "amounts": amountMembers(&s.Amounts),
		},
	}
}

func receiptLineMembers(l *report.ReceiptLine) map[string]any {
	return map[string]any{
		"stream": l.Stream, "kind": l.Kind, "meter": l.Meter, "rates": l.Rates, "category": l.Category, "quantity": count(l.Quantity),
		"events": l.Events, "credits": l.Credits.String(), "waived": l.Waived.String(), "burned": report.Burned(l.Burned), "overdraft": l.Overdraft.String(),
	}
}

func amountMembers(a *report.Amounts) map[string]any {
	return map[string]any{
		"events": a.Events, "billed": a.Billed.String(), "free": a.Free.String(),
		"records": count(a.Records), "bytes": count(a.Bytes), "operations": count(a.Operations),
	}
}
