package main

import (
	"context"
	"fmt"
	"io"

	"drawdown/sinks/clickhouse/report"
)

type purchasesListCommand struct {
	Account string `arg:"" help:"The account's id."`
	Limit   int    `default:"100" help:"The latest so many, up to 1000."`
	All     bool   `help:"All of them, however many."`
	JSON    bool   `name:"json" help:"Print JSON lines."`
}

func (*purchasesListCommand) Help() string {
	return `What became of each, by the ledger. It comes from ClickHouse, some seconds behind.

  drawdown purchases list acme
  drawdown purchases list acme --all --json | jq -r 'select(.state == "failed") | .reason'`
}

// Run implements the command.
func (c *purchasesListCommand) Run(ctx context.Context, line *commands) error {
	return line.withOfficeFor(ctx, noLimit, func(ctx context.Context, d *desk) error {
		purchases, err := c.read(ctx, d)
		if err != nil {
			return err
		}
		if c.JSON {
			for i := range purchases {
				if err := printObjects(purchaseMembers(&purchases[i])); err != nil {
					return err
				}
			}
			return nil
		}
		return printTable("PURCHASE\tKIND\tSTATE\tCREDITS\tAMOUNT\tTAX\tREQUESTED\tSETTLED\tREFUNDED\tREASON\tRECEIPT", func(table io.Writer) {
			for i := range purchases {
				p := &purchases[i]
				fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s %s\t%s\t%s\t%s\t%s\t%s\t%s\n", p.ID, p.Kind, p.State, p.Quantity, p.Amount, p.Currency,
					listed(nonEmpty(p.Tax)), shown(p.RequestedAt), shown(p.SettledAt), listed(nonEmpty(p.Refunded)), listed(nonEmpty(p.Reason)),
					listed(nonEmpty(p.Receipt)))
			}
		})
	})
}

// read reads a page, or one after the other.
func (c *purchasesListCommand) read(ctx context.Context, d *desk) (purchases []report.Purchase, err error) {
	q := report.PurchaseQuery{Limit: c.Limit}
	if c.All {
		q.Limit = report.LimitMax
	}
	for {
		page, err := d.Purchases(ctx, d.self, c.Account, q)
		if err != nil {
			return nil, err
		}
		purchases = append(purchases, page.Purchases...)
		if q.Cursor = page.Next; !c.All || page.Next == "" {
			return purchases, nil
		}
	}
}

func purchaseMembers(p *report.Purchase) map[string]any {
	return map[string]any{
		"purchase": p.ID, "kind": p.Kind, "state": p.State, "quantity": p.Quantity, "amount": p.Amount, "currency": p.Currency,
		"tax": optional(p.Tax), "receipt": optional(p.Receipt), "reason": optional(p.Reason), "attempts": p.Attempts, "requested_at": instant(p.RequestedAt),
		"settled_at": instant(p.SettledAt), "failed_at": instant(p.FailedAt), "refunded": optional(p.Refunded),
	}
}
