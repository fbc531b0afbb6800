package main

import (
	"context"
	"errors"
	"fmt"

	"drawdown/api/office"
	"drawdown/sinks/clickhouse/report"
)

type usageEstimateCommand struct {
	Account     string  `arg:"" help:"The account's id."`
	Connection  string  `arg:"" help:"The connection's name: its own syncs count, where there are enough."`
	Source      string  `help:"The source connector, with --destination: else the account's syncs between these count. Default: the connection's." placeholder:"CONNECTOR"`
	Destination string  `help:"The destination connector." placeholder:"CONNECTOR"`
	Quantity    *uint64 `help:"What the sync would move, by the meter that rates it: records, bytes or operations. Default: as much as usual." placeholder:"N"`
	JSON        bool    `name:"json" help:"Print one JSON object."`
}

func (*usageEstimateCommand) Help() string {
	return `From what syncs cost in the last 30 days.

  drawdown usage estimate acme shop
  drawdown usage estimate acme shop --quantity 1000000
  drawdown usage estimate acme new-one --source source-postgres --destination destination-snowflake`
}

// Run implements the command.
func (c *usageEstimateCommand) Run(ctx context.Context, line *commands) error {
	if (c.Source == "") != (c.Destination == "") {
		return errors.New("--source and --destination go together: syncs are compared by both")
	}
	return line.withOffice(ctx, func(ctx context.Context, d *desk) error {
		e, err := d.Office.Estimate(ctx, d.self, c.Account, report.EstimateQuery{
			Connection: c.Connection, Source: c.Source, Destination: c.Destination, Quantity: c.Quantity,
		})
		if err != nil {
			return err
		}
		if c.JSON {
			return printObjects(map[string]any{
				"as_of": instant(e.AsOf), "basis": e.Basis, "syncs": e.Syncs, "median": e.Median.String(), "p90": e.P90.String(),
				"meter": optional(e.Meter), "available": e.Available.String(), "carries": e.Carries,
			})
		}
		c.print(e)
		return nil
	})
}

// basisWords say whose syncs an estimate is from.
var basisWords = map[string]string{
	report.BasisConnection: "of the connection", report.BasisConnectors: "between the same connectors",
}

func (c *usageEstimateCommand) print(e *office.Estimate) {
	if e.Basis == report.BasisNone {
		fmt.Printf("too few syncs in the last 30 days to tell; %v credits are available\n", e.Available)
		if c.Source == "" {
			fmt.Println("name --source and --destination to go by the account's other connections")
		}
		return
	}
	fmt.Printf("median %v, nine of ten at most %v credits: %d syncs %s, by %s, as of %s\n", e.Median, e.P90, e.Syncs, basisWords[e.Basis], e.Meter, shown(e.AsOf))
	if e.Carries {
		fmt.Printf("%v credits are available: a hold of %v would fit\n", e.Available, e.P90)
	} else {
		fmt.Printf("%v credits are available, which does not carry it: a hold of %v would not fit\n", e.Available, e.P90)
	}
}
