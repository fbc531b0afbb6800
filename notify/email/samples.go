package email

import (
	"encoding/json"
	"time"

	"drawdown/notify"
)

// sampleData is what a notice of each kind may hold.
var sampleData = map[notify.Kind]string{
	notify.LowBalance:         `{"kind":"low_balance","available":"19.5"}`,
	notify.UsagePercent:       `{"kind":"usage_percent","percent":75,"used":"7512.25"}`,
	notify.Exhausted:          `{"from":"active","to":"exhausted"}`,
	notify.Resumed:            `{"from":"exhausted","to":"active"}`,
	notify.PurchaseSettled:    `{"purchase":"acme:7","kind":"auto","quantity":"10000","amount":"1170.00","currency":"USD","tax":"93.60","receipt":"https://pay.example.com/receipts/7QXW"}`,
	notify.PaymentDeclined:    `{"purchase":"acme:8","attempt":1,"reason":"insufficient_funds","retry_at":"2026-03-02T13:30:00Z","method":"primary"}`,
	notify.PaymentFailed:      `{"purchase":"acme:8","reason":"card_declined"}`,
	notify.PurchaseRefunded:   `{"grant":"acme:7","amount":"2500","overdraft":"120.75"}`,
	notify.CreditsExpiring:    `{"kind":"credits_expiring","grant":"acme:3","remaining":"150","expires_at":"2026-04-01T00:00:00Z"}`,
	notify.CreditsExpired:     `{"grant":"acme:3","amount":"42.125"}`,
	notify.LeavingFreeProgram: `{"kind":"leaving_free_program","connection":"shop-orders-to-warehouse","ga_at":"2026-03-16T09:30:00Z"}`,
	notify.AutoPurchaseCapped: `{"kind":"auto_purchase_capped","auto_purchases":8}`,
	notify.WebhookDisabled:    `{"kind":"webhook_disabled","endpoint":"billing-bot","reason":"no answer with status 2xx for 5 days"}`,
	notify.Runaway:            `{"kind":"runaway","connection":"shop-orders-to-warehouse","job":4711,"used":"1250.5","usual":"42"}`,
}

// Samples returns one notice of each kind, in the order of [notify.Kinds], for previews and tests.
func Samples() []*notify.Notice {
	at := time.Date(2026, time.March, 2, 9, 30, 0, 0, time.UTC)
	samples := make([]*notify.Notice, 0, len(notify.Kinds))
	for _, kind := range notify.Kinds {
		samples = append(samples, &notify.Notice{
			ID:      "3-1042-1",
			Kind:    kind,
			Account: "acme",
			At:      at,
			Data:    json.RawMessage(sampleData[kind]),
		})
	}
	return samples
}
