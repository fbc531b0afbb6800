package purchasingtest

import (
	"maps"

	"drawdown"
)

// Plan is a plan that sells packs of 10 credits for 13.00 USD whenever nothing is left. Members in changes replace its own.
func (w *World) Plan(id string, changes map[string]any) {
	plan := map[string]any{
		"id": id, "currency": "USD",
		"purchase":      map[string]any{"unit": 1, "min": 1, "max": 1000, "default": 10, "unit_price": "1.00", "validity": map[string]any{"months": 12}},
		"auto_purchase": map[string]any{"mode": "pack", "pack": 10, "threshold": "0", "surcharge_percent": 30, "cap": "none"},
	}
	maps.Copy(plan, changes)
	w.Do(drawdown.PlanPublished, "", plan)
}

// Rates publishes that a record costs a credit, from the connector "source" to any known one.
func (w *World) Rates() {
	w.Do(drawdown.RatesPublished, "", map[string]any{
		"version": "v1", "effective_from": "1990-01-01T00:00:00Z",
		"rates": []any{map[string]any{"kind": "api", "meter": "records", "credits": "1", "per": 1}},
	})
	for _, connector := range []string{"source", "destination"} {
		w.Do(drawdown.ConnectorSet, "", map[string]any{"connector": connector, "kind": "api", "stage": "ga"})
	}
}

// Open opens an account with 10 credits and auto-purchase, and with a card unless the method is "".
func (w *World) Open(account, plan, method string) {
	w.Do(drawdown.AccountOpened, account, map[string]any{"plan": plan, "email": account + "@example.com", "email_verified": true})
	w.Do(drawdown.CreditsGranted, account, map[string]any{"amount": "10", "category": "promotional"})
	if method != "" {
		w.SaveCard(account, method, false)
	}
	w.Do(drawdown.AutoPurchaseSet, account, map[string]any{"enabled": true})
}

// SaveCard saves a card of the account's customer.
func (w *World) SaveCard(account, method string, backup bool) {
	w.Do(drawdown.PaymentMethodSaved, account, map[string]any{
		"method": method, "kind": "card", "customer": Customer(account), "backup": backup,
	})
}

// Customer is who pays for an account.
func Customer(account string) string { return "cus_" + account }

// Use uses credits.
func (w *World) Use(account string, credits int) {
	w.Do(drawdown.SyncUsage, account, map[string]any{
		"connection": "c", "source_connector": "source", "destination_connector": "destination", "job": 1, "attempt": 1,
		"records": credits,
	})
}
