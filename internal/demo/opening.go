package demo

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"time"

	"drawdown"
	"drawdown/deploy"
	"drawdown/internal/app"
)

// publications are the example files that are published, in this order: connectors and rates before the accounts that
// use them. make-80k.json is left out: no account has it.
var publications = []struct {
	file string
	kind drawdown.Type
}{
	{"examples/airbyte-cloud.json", drawdown.PlanPublished},
	{"examples/make-10k.json", drawdown.PlanPublished},
	{"examples/rates.json", drawdown.RatesPublished},
	{"examples/connectors.json", drawdown.ConnectorSet},
}

// ladderPlanData is the plan that is no example: make-10k with a payment ladder.
//
//go:embed make-10k-plus.json
var ladderPlanData []byte

// publish writes plans, rates and connectors to every partition, signed.
func publish(ctx context.Context, operations *app.Operations) error {
	for _, p := range publications {
		list, err := exampleData(p.file)
		if err != nil {
			return err
		}
		for _, data := range list {
			if _, err := operations.Append(ctx, app.Operation{Type: p.kind, Source: operationSource, Data: data}); err != nil {
				return fmt.Errorf("publish %s: %w", p.file, err)
			}
		}
	}
	plan := app.Operation{Type: drawdown.PlanPublished, Source: operationSource, Data: json.RawMessage(ladderPlanData)}
	if _, err := operations.Append(ctx, plan); err != nil {
		return fmt.Errorf("publish %s: %w", ladderPlan, err)
	}
	return nil
}

// operationSource is who writes the demo's operations.
const operationSource = "drawdown/demo"

// exampleData reads an example file: the data of one record, or a list of them.
func exampleData(name string) ([]json.RawMessage, error) {
	text, err := deploy.Examples.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read example: %w", err)
	}
	if !bytes.HasPrefix(bytes.TrimSpace(text), []byte("[")) {
		return []json.RawMessage{text}, nil
	}
	var list []json.RawMessage
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, fmt.Errorf("read example %s: %w", name, err)
	}
	return list, nil
}

type data map[string]any

// open does what the customer does before the first sync: cards and credits at the gateway, everything else by operations.
func (d *demo) open(ctx context.Context, c *customer) error {
	last, err := d.appendAll(ctx, c, c.opening(d.servers.webhooks.url()))
	if err != nil {
		return err
	}
	// The gateway's pages are for accounts that are there.
	if err := app.WaitApplied(ctx, d.store, last); err != nil {
		return err
	}
	if err := d.cardholders.saveCard(ctx, c.account, c.primary(), false); err != nil {
		return fmt.Errorf("save a card for %s: %w", c.account, err)
	}
	if c.backup != "" {
		if err := d.cardholders.saveCard(ctx, c.account, c.method(c.backup), true); err != nil {
			return fmt.Errorf("save a backup card for %s: %w", c.account, err)
		}
	}
	if c.buys > 0 {
		if err := d.cardholders.order(ctx, c); err != nil {
			return fmt.Errorf("order credits for %s: %w", c.account, err)
		}
	}
	_, err = d.appendAll(ctx, c, c.settings())
	return err
}

// appendAll appends operations of a customer and returns where the last one stands.
func (d *demo) appendAll(ctx context.Context, c *customer, ops []app.Operation) (last app.Position, err error) {
	for _, op := range ops {
		op.Account, op.Source = c.account, operationSource
		positions, err := d.operations.Append(ctx, op)
		if err != nil {
			return last, fmt.Errorf("%v of %s: %w", op.Type, c.account, err)
		}
		last = positions[0]
	}
	return last, nil
}

func (c *customer) opening(webhookURL string) []app.Operation {
	ops := []app.Operation{
		{Type: drawdown.AccountOpened, Data: data{"plan": c.plan, "email": c.address(), "email_verified": true}},
	}
	if c.account == webhookAccount {
		ops = append(ops, app.Operation{Type: drawdown.WebhookSet, Data: data{"endpoint": endpointName, "url": webhookURL}})
	}
	for _, connection := range c.all() {
		ops = append(ops, app.Operation{Type: drawdown.ConnectionSet, Data: data{
			"connection": connection.name, "source_connector": connection.source, "destination_connector": connection.destination,
		}})
	}
	return ops
}

// settings follow the card, which the program asks for, and the order: an account without credits would buy at once.
func (c *customer) settings() []app.Operation {
	var ops []app.Operation
	if c.enrolled {
		ops = append(ops, app.Operation{Type: drawdown.ProgramEnrolled})
	}
	if c.breaker {
		ops = append(ops, app.Operation{Type: drawdown.GateSet, Data: data{"runaway_factor": runawayFactor, "runaway_min": runawayMin}})
	}
	return append(ops, app.Operation{Type: drawdown.AutoPurchaseSet, Data: data{"enabled": c.auto}})
}

// openedTimeout bounds how long the worker may take for the first few dozen records.
const openedTimeout = 30 * time.Second

// waitOpened waits until every account stands in Redis with the credits it begins with.
func (d *demo) waitOpened(ctx context.Context) error {
	return d.pipeline.poll(ctx, openedTimeout, func() error {
		balances, err := d.balances(ctx)
		if err != nil {
			return err
		}
		for i := range d.story {
			c := &d.story[i]
			if b, found := balances[c.account]; !found || b.Available != drawdown.Credits(c.starting())*drawdown.Credit {
				return fmt.Errorf("account %s does not have its %d credits yet; rejected records, if any: %s",
					c.account, c.starting(), d.rejectedSoFar())
			}
		}
		return nil
	})
}
