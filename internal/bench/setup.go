package bench

import (
	"encoding/json"
	"fmt"
	"time"

	"drawdown"
)

// entriesPerAccount are the ledger entries of an account's setup: its grant, and the change of its status to active.
const entriesPerAccount = 2

// setup appends the operations that open the accounts and give them credits.
func (w *workload) setup(l *loader) error {
	operation := l.operations(w.time)
	if err := w.catalogue(operation); err != nil {
		return err
	}
	for i, account := range w.accounts {
		opened := map[string]any{"plan": "bench", "email": "owner@example.com", "email_verified": true}
		if err := operation(drawdown.AccountOpened, "open", account, opened); err != nil {
			return err
		}
		granted := map[string]any{"amount": w.grant(i).String(), "category": "purchased"}
		if err := operation(drawdown.CreditsGranted, "grant", account, granted); err != nil {
			return err
		}
	}
	return nil
}

// operator appends an operation; the account is "" for broadcasts.
type operator func(kind drawdown.Type, id, account string, data map[string]any) error

// operations returns what appends operations of one time.
func (l *loader) operations(at time.Time) operator {
	now := at.Format(time.RFC3339)
	return func(kind drawdown.Type, id, account string, data map[string]any) error {
		record := map[string]any{"specversion": "1.0", "id": id, "source": "drawdown/bench", "type": kind.String(), "time": now, "data": data}
		if account != "" {
			record["subject"] = account
		}
		value, err := json.Marshal(record)
		if err != nil {
			return fmt.Errorf("encode %v: %w", kind, err)
		}
		if kind.IsBroadcast() {
			return l.broadcast(value)
		}
		return l.operation(account, value)
	}
}

// catalogue publishes the plan, the rates and the connectors.
func (w *workload) catalogue(operation operator) error {
	plan := map[string]any{
		"id": "bench", "currency": "USD", "low_balance": lowBalanceText,
		"purchase": map[string]any{
			"unit": 1, "min": 100, "max": 999, "default": 200, "unit_price": "2.50", "validity": map[string]any{"months": 12},
		},
	}
	if err := operation(drawdown.PlanPublished, "plan", "", plan); err != nil {
		return err
	}
	var rates []map[string]any
	for _, r := range []*rate{api, database} {
		rates = append(rates, map[string]any{"kind": r.kind, "meter": r.meter, "credits": r.credits, "per": r.per})
	}
	card := map[string]any{"version": "bench-1", "effective_from": "2025-01-01T00:00:00Z", "rates": rates}
	if err := operation(drawdown.RatesPublished, "rates", "", card); err != nil {
		return err
	}
	known := sources
	for _, name := range destinations {
		known = append(known[:len(known):len(known)], connector{name, database})
	}
	for _, each := range known {
		set := map[string]any{"connector": each.name, "kind": each.rate.kind, "stage": "ga"}
		if err := operation(drawdown.ConnectorSet, "connector-"+each.name, "", set); err != nil {
			return err
		}
	}
	return nil
}

// backlog appends the usage events.
func (w *workload) backlog(l *loader) {
	for i := range w.events {
		u := w.usage(i)
		l.usage(u.Account, u.Event(w.source))
		if l.ctx.Err() != nil {
			return // close tells why
		}
	}
}
