package page

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"drawdown"
	"drawdown/consumer/replay"
)

// askedFor is what the engine asks to be paid for a pack, when an account without credits has auto-purchase.
func askedFor(t *rapid.T, plan string) string {
	const at = "2026-01-01T00:00:00Z"
	record := func(id, kind, subject, data string) string {
		return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"test","type":%q,"time":%q%s,"data":%s}`, id, kind, at, subject, data)
	}
	const acme = `,"subject":"acme"`
	log := strings.Join([]string{
		record("1", "plan.published", "", plan),
		record("2", "account.opened", acme, `{"plan":"p","email":"a@b.example","email_verified":true}`),
		record("3", "payment_method.saved", acme, `{"method":"pm","kind":"card"}`),
		record("4", "auto_purchase.set", acme, `{"enabled":true}`),
	}, "\n")
	var out bytes.Buffer
	if _, err := replay.Run(strings.NewReader(log), &out, replay.Options{}); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out.String()) {
		var entry struct{ Type, Amount, Currency string }
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatal(err)
		}
		if entry.Type == "purchase.requested" {
			return moneyText(entry.Currency, entry.Amount)
		}
	}
	t.Fatalf("nothing is bought under %s: %s", plan, out.String())
	return ""
}

// TestThePriceBeforeConfirmingIsWhatTheEngineAsksFor: the page shows prices before there is anything to ask the engine for.
func TestThePriceBeforeConfirmingIsWhatTheEngineAsksFor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pack := rapid.Int64Range(1, 100_000_000).Draw(t, "pack")
		surcharge := rapid.Int64Range(0, 1000).Draw(t, "surcharge")
		unit := drawdown.UnitPrice(rapid.Int64Range(0, 5_000_000_000).Draw(t, "unit price"))
		price := fmt.Sprintf(`,"unit_price":%q`, drawdown.Credits(unit))
		plan := &drawdown.Plan{Currency: "EUR", Purchase: drawdown.PurchaseTerms{UnitPrice: &unit}}
		subscription := ""
		if rapid.Bool().Draw(t, "price of the subscription") {
			cents := rapid.Uint64Range(0, 1_000_000).Draw(t, "cents")
			included := drawdown.Credits(rapid.Int64Range(1, int64(drawdown.MaxCreditsRead)).Draw(t, "included"))
			plan.Purchase.UnitPrice, price = nil, ""
			plan.Subscription = &drawdown.Subscription{Credits: included, Price: drawdown.Money{Cents: drawdown.Total128(0, cents)}}
			subscription = fmt.Sprintf(`,"subscription":{"credits":%q,"price":%q,"period":"month"}`, included, plan.Subscription.Price)
		}
		asked := askedFor(t, fmt.Sprintf(
			`{"id":"p","currency":"EUR"%s,"purchase":{"unit":1,"min":1,"max":9,"default":1%s,"validity":"end_of_period"},`+
				`"auto_purchase":{"mode":"pack","pack":%d,"threshold":"100000000","surcharge_percent":%d,"cap":"none"}}`, subscription, price, pack, surcharge))
		if shown := priceOf(plan, surcharge).Shown(pack); shown != asked {
			t.Fatalf("the page shows %s, the engine asks for %s", shown, asked)
		}
	})
}
