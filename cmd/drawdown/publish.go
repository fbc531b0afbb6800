package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"drawdown"
	"drawdown/balance/redisstore"
	"drawdown/internal/app"
)

type plansCommand struct {
	List    plansListCommand    `cmd:"" help:"List the plans that were published."`
	Publish plansPublishCommand `cmd:"" help:"Publish the plans of a file. Plans never change: a price change is a new plan."`
}

type ratesCommand struct {
	Publish ratesPublishCommand `cmd:"" help:"Publish a rate card, or a list of them. Later cards can't be effective from the past."`
}

type connectorsCommand struct {
	Publish connectorsPublishCommand `cmd:"" help:"Publish a connector, or a list. One that becomes ga needs two weeks' notice."`
}

// publishCommand writes broadcasts: to every partition, signed.
type publishCommand struct {
	File string    `arg:"" help:"JSON: the data of one record, or a list of them; - for standard input."`
	ID   string    `help:"The record's id, to finish a publication that was interrupted." placeholder:"ID"`
	Time time.Time `help:"The record's time, likewise." placeholder:"RFC3339"`
}

func (p *publishCommand) run(ctx context.Context, line *commands, recordType drawdown.Type) error {
	list, err := readDataList(p.File)
	if err != nil {
		return err
	}
	if p.ID != "" && len(list) > 1 {
		return fmt.Errorf("--id names one record, the file has %d", len(list))
	}
	config, err := line.load()
	if err != nil {
		return err
	}
	operations, err := config.OpenOperatorLog(self())
	if err != nil {
		return err
	}
	defer operations.Close()
	for i, data := range list {
		positions, err := operations.Append(ctx, app.Operation{Type: recordType, ID: p.ID, Time: p.Time, Data: data})
		if err != nil {
			return fmt.Errorf("record %d of %d: %w", i+1, len(list), err)
		}
		fmt.Printf("published %v %s to %d partitions\n", recordType, describe(data), len(positions))
	}
	fmt.Println("whether it was accepted shows in 'drawdown rejects list'")
	return nil
}

// describe names what a record is about.
func describe(data json.RawMessage) string {
	var named struct{ ID, Version, Connector string }
	if json.Unmarshal(data, &named) != nil {
		return ""
	}
	return named.ID + named.Version + named.Connector
}

// readDataList reads a JSON value, or a list of them.
func readDataList(path string) ([]json.RawMessage, error) {
	text, err := readFile(path)
	if err != nil {
		return nil, err
	}
	var list []json.RawMessage
	if text = bytes.TrimSpace(text); len(text) > 0 && text[0] == '[' {
		err = json.Unmarshal(text, &list)
	} else {
		var one json.RawMessage
		err = json.Unmarshal(text, &one)
		list = append(list, one)
	}
	if err != nil {
		return nil, fmt.Errorf("%s is no JSON: %w", path, err)
	}
	return list, nil
}

func readFile(path string) ([]byte, error) {
	if path == "-" {
		return io.ReadAll(os.Stdin)
	}
	return os.ReadFile(path)
}

type plansListCommand struct{}

// Run implements the command.
func (*plansListCommand) Run(ctx context.Context, line *commands) error {
	var plans map[string]*drawdown.Plan
	err := line.withStore(ctx, func(ctx context.Context, _ *app.Config, store *redisstore.Store) (err error) {
		plans, err = app.NewDirectory(store).Plans(ctx)
		return err
	})
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "PLAN\tCURRENCY\tSUBSCRIPTION\tORDERS\tAUTO-PURCHASE\tGATEWAY PRICE")
	for _, id := range slices.Sorted(maps.Keys(plans)) {
		fmt.Fprintln(table, describePlan(plans[id]))
	}
	return table.Flush()
}

func describePlan(plan *drawdown.Plan) string {
	subscription, price, auto := "-", "-", "-"
	if s := plan.Subscription; s != nil {
		period := "month"
		if s.Yearly {
			period = "year"
		}
		subscription = fmt.Sprintf("%v credits for %v a %s", s.Credits, s.Price, period)
		if s.GatewayPrice != "" {
			price = s.GatewayPrice
		}
	}
	if a := plan.AutoPurchase; a != nil && a.IsPack() {
		auto = fmt.Sprintf("packs of %d", a.Pack)
	} else if a != nil {
		auto = fmt.Sprintf("up to %v", a.Target)
	}
	orders := fmt.Sprintf("%d to %d", plan.Purchase.Min, plan.Purchase.Max)
	return strings.Join([]string{plan.ID, plan.Currency, subscription, orders, auto, price}, "\t")
}

type plansPublishCommand struct{ publishCommand }

// Run implements the command.
func (p *plansPublishCommand) Run(ctx context.Context, line *commands) error {
	return p.run(ctx, line, drawdown.PlanPublished)
}

type ratesPublishCommand struct{ publishCommand }

// Run implements the command.
func (p *ratesPublishCommand) Run(ctx context.Context, line *commands) error {
	return p.run(ctx, line, drawdown.RatesPublished)
}

type connectorsPublishCommand struct{ publishCommand }

// Run implements the command.
func (p *connectorsPublishCommand) Run(ctx context.Context, line *commands) error {
	return p.run(ctx, line, drawdown.ConnectorSet)
}
