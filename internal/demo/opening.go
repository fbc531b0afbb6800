package demo

import (
	"bytes"
	"context"
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

// publish writes plans, rates and connectors to every partition, signed.
func publish(ctx context.Context, operations *app.Operations) (published int, err error) {
	for _, p := range publications {
		list, err := exampleData(p.file)
		if err != nil {
			return published, err
		}
		for _, data := range list {
			if _, err := operations.Append(ctx, app.Operation{Type: p.kind, Source: operationSource, Data: data}); err != nil {
				return published, fmt.Errorf("publish %s: %w", p.file, err)
			}
			published++
		}
	}
	return published, nil
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

// open writes what the customer does before the first sync.
func (c *customer) open(ctx context.Context, operations *app.Operations) error {
	for _, op := range c.opening() {
		op.Account, op.Source = c.account, operationSource
		if _, err := operations.Append(ctx, op); err != nil {
			return fmt.Errorf("%v of %s: %w", op.Type, c.account, err)
		}
	}
	return nil
}

func (c *customer) opening() []app.Operation {
	ops := []app.Operation{
		{Type: drawdown.AccountOpened, Data: data{"plan": c.plan, "email": "billing@" + c.account + ".example", "email_verified": true}},
		{Type: drawdown.PaymentMethodSaved, Data: data{"method": "pm-" + c.account, "kind": "card"}},
	}
	for i := range c.connections {
		connection := &c.connections[i]
		ops = append(ops, app.Operation{Type: drawdown.ConnectionSet, Data: data{
			"connection": connection.name, "source_connector": connection.source, "destination_connector": connection.destination,
		}})
	}
	if c.enrolled {
		ops = append(ops, app.Operation{Type: drawdown.ProgramEnrolled})
	}
	if c.buys > 0 {
		ops = append(ops, app.Operation{Type: drawdown.PurchaseSettled, Data: data{
			"purchase": "order-" + c.account, "kind": "manual", "quantity": fmt.Sprint(c.buys),
			"amount": c.price, "currency": "USD", "receipt": "sandbox-order-" + c.account,
		}})
	}
	// After the order: an account without credits would buy at once.
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
