package stripe

import (
	"context"
	"strings"

	api "github.com/stripe/stripe-go/v85"

	"drawdown/purchasing"
)

// paid reads payment_intent.succeeded. The intent of an order by hand has no attempt: its session tells.
func (g *Gateway) paid(ctx context.Context, e *told) ([]purchasing.Event, error) {
	var pi struct {
		ID       string            `json:"id"`
		Currency string            `json:"currency"`
		Received int64             `json:"amount_received"`
		Charge   id                `json:"latest_charge"`
		Metadata map[string]string `json:"metadata"`
	}
	if err := e.object(&pi); err != nil {
		return nil, err
	}
	account, purchase, attempt := pi.Metadata[metaAccount], pi.Metadata[metaPurchase], attemptOf(pi.Metadata)
	if account == "" || purchase == "" || attempt == 0 {
		return nil, nil
	}
	quantity, ok := quantityOf(pi.Metadata)
	if !ok {
		return e.noticed(account, "payment %s of purchase %s is paid, but does not say how many credits it bought: settle it by hand",
			pi.ID, purchase), nil
	}
	return e.event(account, &purchasing.PaymentPaid{
		Purchase: purchase, Attempt: attempt, Quantity: quantity, Amount: money(pi.Received, pi.Currency),
		Currency: strings.ToUpper(pi.Currency), Receipt: g.receipt(ctx, string(pi.Charge), pi.ID),
	}), nil
}

// receipt is the link to a charge's receipt. It is worth a try, no more: without it the intent's id says what was paid.
func (g *Gateway) receipt(ctx context.Context, charge, intent string) string {
	if charge == "" {
		return intent
	}
	c, err := g.client.V1Charges.Retrieve(ctx, charge, nil)
	if err != nil {
		return intent
	}
	return receiptOf(&api.PaymentIntent{ID: intent, LatestCharge: c})
}
