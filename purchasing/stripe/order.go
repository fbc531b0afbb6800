package stripe

import (
	"context"
	"strconv"
	"strings"

	api "github.com/stripe/stripe-go/v85"

	"drawdown"
	"drawdown/purchasing"
)

// checkout is a session as an event has it.
type checkout struct {
	ID           string            `json:"id"`
	Mode         string            `json:"mode"`
	SetupIntent  id                `json:"setup_intent"`
	Subscription id                `json:"subscription"`
	Metadata     map[string]string `json:"metadata"`
}

// sessionDone reads checkout.session.completed and .async_payment_succeeded.
func (g *Gateway) sessionDone(ctx context.Context, e *told) ([]purchasing.Event, error) {
	var s checkout
	if err := e.object(&s); err != nil {
		return nil, err
	}
	account := s.Metadata[metaAccount]
	if account == "" {
		return nil, nil
	}
	switch s.Mode {
	case string(api.CheckoutSessionModeSetup):
		return g.cardOf(ctx, e, account, string(s.SetupIntent), s.Metadata[metaBackup] == "true")
	case string(api.CheckoutSessionModeSubscription):
		if s.Subscription == "" {
			return nil, malformed()
		}
		return e.event(account, &purchasing.SubscriptionChanged{Subscription: string(s.Subscription)}), nil
	default:
		return g.orderPaid(ctx, e, account, &s)
	}
}

// orderPaid reads an order as it is now. One that is not paid yet gives no event: its payment will.
func (g *Gateway) orderPaid(ctx context.Context, e *told, account string, s *checkout) ([]purchasing.Event, error) {
	now, err := g.readSession(ctx, s.ID)
	if err != nil {
		return nil, err
	}
	if now.PaymentStatus == api.CheckoutSessionPaymentStatusUnpaid || s.Metadata[metaPurchase] == "" {
		return nil, nil
	}
	quantity, ok := bought(now)
	if !ok {
		return e.noticed(account, "order %s of purchase %s is paid, but does not say how many credits it bought: settle it by hand",
			s.ID, s.Metadata[metaPurchase]), nil
	}
	paid := &purchasing.OrderPaid{
		Purchase: s.Metadata[metaPurchase], Quantity: quantity, Currency: strings.ToUpper(string(now.Currency)), Receipt: now.ID,
	}
	tax := int64(0)
	if now.TotalDetails != nil {
		tax = now.TotalDetails.AmountTax
	}
	paid.Amount = money(now.AmountTotal-tax, paid.Currency)
	if tax != 0 || now.AutomaticTax != nil && now.AutomaticTax.Enabled {
		of := money(tax, paid.Currency)
		paid.Tax = &of
	}
	if now.PaymentIntent != nil {
		paid.Receipt = receiptOf(now.PaymentIntent)
	}
	return e.event(account, paid), nil
}

// readSession reads a session with its line item and its payment.
func (g *Gateway) readSession(ctx context.Context, session string) (*api.CheckoutSession, error) {
	params := &api.CheckoutSessionRetrieveParams{}
	params.AddExpand("line_items")
	params.AddExpand("payment_intent.latest_charge")
	s, err := g.client.V1CheckoutSessions.Retrieve(ctx, session, params)
	if failed := g.failure("read checkout session", err); failed != nil {
		return nil, failed
	}
	return s, nil
}

// bought is what a session's line items are in credits.
func bought(s *api.CheckoutSession) (drawdown.Credits, bool) {
	unit, err := strconv.ParseInt(s.Metadata[metaUnit], 10, 64)
	if err != nil || unit < 1 || unit > drawdown.MaxOrder || s.LineItems == nil {
		return 0, false
	}
	items := int64(0)
	for _, item := range s.LineItems.Data {
		items += item.Quantity
	}
	if items < 1 || items > drawdown.MaxOrder/unit {
		return 0, false
	}
	return drawdown.Credits(items*unit) * drawdown.Credit, true
}

// sessionFailed reads checkout.session.async_payment_failed: a bank refused, days later.
func (g *Gateway) sessionFailed(ctx context.Context, e *told) ([]purchasing.Event, error) {
	var s checkout
	if err := e.object(&s); err != nil {
		return nil, err
	}
	account, purchase := s.Metadata[metaAccount], s.Metadata[metaPurchase]
	if account == "" || purchase == "" {
		return nil, nil
	}
	now, err := g.readSession(ctx, s.ID)
	if err != nil {
		return nil, err
	}
	reason := reasonDeclined
	if now.PaymentIntent != nil {
		reason = intentReason(now.PaymentIntent)
	}
	return e.event(account, &purchasing.OrderFailed{Purchase: purchase, Reason: reason}), nil
}
