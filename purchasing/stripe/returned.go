package stripe

import (
	"context"
	"math/big"

	api "github.com/stripe/stripe-go/v85"

	"drawdown"
	"drawdown/purchasing"
)

// sold is a charge with what was bought by it.
type sold struct {
	account, purchase string
	quantity          drawdown.Credits
	charged           int64
	payer             drawdown.PaymentMethod
}

// soldBy reads the purchase of a charge. It is nil where the charge is not of a purchase of ours.
func (g *Gateway) soldBy(ctx context.Context, charge string) (*sold, error) {
	params := &api.ChargeRetrieveParams{}
	params.AddExpand("payment_intent")
	c, err := g.client.V1Charges.Retrieve(ctx, charge, params)
	if failed := g.failure("read charge", err); failed != nil {
		return nil, failed
	}
	pi := c.PaymentIntent
	if pi == nil || pi.Metadata[metaAccount] == "" || pi.Metadata[metaPurchase] == "" {
		return nil, nil
	}
	s := &sold{account: pi.Metadata[metaAccount], purchase: pi.Metadata[metaPurchase], charged: c.AmountCaptured}
	s.payer.Method = c.PaymentMethod
	if c.Customer != nil {
		s.payer.Customer = c.Customer.ID
	}
	s.quantity, err = g.quantitySold(ctx, pi)
	return s, err
}

// quantitySold is what a payment bought. Of an order the customer set the quantity, which stands in the session.
func (g *Gateway) quantitySold(ctx context.Context, pi *api.PaymentIntent) (drawdown.Credits, error) {
	if q, ok := quantityOf(pi.Metadata); ok {
		return q, nil
	}
	params := &api.CheckoutSessionListParams{PaymentIntent: api.String(pi.ID)}
	params.AddExpand("data.line_items")
	for s, err := range g.client.V1CheckoutSessions.List(ctx, params).All(ctx) {
		if err != nil {
			return 0, g.failure("find checkout session", err)
		}
		if q, ok := bought(s); ok {
			return q, nil
		}
	}
	return 0, nil
}

// share is bought × returned / charged, rounded up to a whole nano-credit, and at most what was bought.
func (s *sold) share(returned int64) drawdown.Credits {
	if returned >= s.charged {
		return s.quantity
	}
	product := new(big.Int).Mul(big.NewInt(int64(s.quantity)), big.NewInt(returned))
	product.Add(product, big.NewInt(s.charged-1))
	return drawdown.Credits(product.Quo(product, big.NewInt(s.charged)).Int64())
}

// returned is the event of money that went back, or a notice where it can't be said what for.
func (e *told) returned(s *sold, what *purchasing.MoneyReturned, amount int64) []purchasing.Event {
	if s.quantity <= 0 {
		return e.noticed(s.account, "money of purchase %s went back (%s), but it can't be read how many credits it had bought: refund it by hand",
			s.purchase, what.ID)
	}
	if amount <= 0 {
		return nil
	}
	what.Purchase, what.Quantity = s.purchase, s.share(amount)
	return e.event(s.account, what)
}

// refundObject is a refund as an event has it.
type refundObject struct {
	ID     string `json:"id"`
	Charge id     `json:"charge"`
	Amount int64  `json:"amount"`
	Status string `json:"status"`
	Reason string `json:"reason"`
}

// refundReason is the reason of a refund that has none.
const refundReason = "refund"

// refunded reads refund.created, .updated and .failed. Money that is still on its way back has not gone back.
func (g *Gateway) refunded(ctx context.Context, e *told) ([]purchasing.Event, error) {
	var r refundObject
	if err := e.object(&r); err != nil {
		return nil, err
	}
	failed := r.Status == string(api.RefundStatusFailed)
	if r.Charge == "" || !failed && r.Status != string(api.RefundStatusSucceeded) {
		return nil, nil
	}
	s, err := g.soldBy(ctx, string(r.Charge))
	if err != nil || s == nil {
		return nil, err
	}
	if failed {
		return e.noticed(s.account, "refund %s of purchase %s failed: if its credits were taken back, grant them again or refund otherwise",
			r.ID, s.purchase), nil
	}
	return e.refund(s, r.ID, r.Reason, r.Amount), nil
}

func (e *told) refund(s *sold, refund, reason string, amount int64) []purchasing.Event {
	if reason == "" {
		reason = refundReason
	}
	return e.returned(s, &purchasing.MoneyReturned{ID: refund, Reason: reason}, amount)
}

// chargeRefunded reads charge.refunded, which does not say which refund: all that succeeded are told, each with an id of
// its own.
func (g *Gateway) chargeRefunded(ctx context.Context, e *told) ([]purchasing.Event, error) {
	var c struct {
		ID     string `json:"id"`
		Intent id     `json:"payment_intent"`
	}
	if err := e.object(&c); err != nil {
		return nil, err
	}
	if c.Intent == "" {
		return nil, nil
	}
	s, err := g.soldBy(ctx, c.ID)
	if err != nil || s == nil {
		return nil, err
	}
	params := &api.RefundListParams{Charge: api.String(c.ID)}
	params.Limit = api.Int64(pageSize)
	var events []purchasing.Event
	for r, err := range g.client.V1Refunds.List(ctx, params).All(ctx) {
		if err != nil {
			return nil, g.failure("list refunds", err)
		}
		if r.Status != api.RefundStatusSucceeded {
			continue
		}
		for _, event := range e.refund(s, r.ID, string(r.Reason), r.Amount) {
			event.ID += "/" + r.ID
			events = append(events, event)
		}
	}
	return events, nil
}

// disputed reads charge.dispute.*. Only withdrawn funds are money that went back; the rest is for an operator.
func (g *Gateway) disputed(ctx context.Context, e *told) ([]purchasing.Event, error) {
	var d struct {
		ID     string `json:"id"`
		Charge id     `json:"charge"`
		Amount int64  `json:"amount"`
		Status string `json:"status"`
		Reason string `json:"reason"`
	}
	if err := e.object(&d); err != nil {
		return nil, err
	}
	if d.Charge == "" {
		return nil, nil
	}
	s, err := g.soldBy(ctx, string(d.Charge))
	if err != nil || s == nil {
		return nil, err
	}
	if e.Type == "charge.dispute.funds_withdrawn" {
		return e.returned(s, &purchasing.MoneyReturned{ID: d.ID, Reason: "dispute: " + d.Reason, Disputed: s.payer}, d.Amount), nil
	}
	said := map[string]string{
		"charge.dispute.created":          "was opened: answer it at the gateway",
		"charge.dispute.closed":           "was closed: " + d.Status,
		"charge.dispute.funds_reinstated": "gave the money back: grant the credits again",
	}[e.Type]
	return e.noticed(s.account, "dispute %s (%s) of purchase %s %s", d.ID, d.Reason, s.purchase, said), nil
}
