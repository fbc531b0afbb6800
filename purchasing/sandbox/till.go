package sandbox

import (
	"context"

	"drawdown"
	"drawdown/purchasing"
)

// SaveCard begins a session for a card.
func (g *Gateway) SaveCard(_ context.Context, c *purchasing.CardSetup) (purchasing.Session, error) {
	return g.begin(&c.Visitor, session{Card: &cardPart{Backup: c.Backup}}), nil
}

// Order begins a session for credits.
func (g *Gateway) Order(_ context.Context, o *purchasing.Order) (purchasing.Session, error) {
	order := &orderPart{
		Purchase: o.Purchase, Plan: o.Plan.ID, Currency: o.Plan.Currency, Price: unitPrice(o.Plan).RatString(),
		Unit: o.Plan.Purchase.Unit, Min: o.Plan.Purchase.Min, Max: o.Plan.Purchase.Max, Quantity: o.Quantity,
	}
	if err := order.check(o.Quantity); err != nil {
		return purchasing.Session{}, err
	}
	return g.begin(&o.Visitor, session{Order: order}), nil
}

// Subscribe begins a session for a subscription.
func (g *Gateway) Subscribe(_ context.Context, o *purchasing.SubscriptionOrder) (purchasing.Session, error) {
	part := &subscriptionPart{Price: o.Price}
	if o.Plan != nil && o.Plan.Subscription != nil {
		terms := o.Plan.Subscription
		part.Plan, part.Grants, part.Costs = o.Plan.ID, group(terms.Credits.String()), money(o.Plan.Currency, terms.Price)
		part.Tax, part.Period = money(o.Plan.Currency, drawdown.Money{}), monthly
		if terms.Yearly {
			part.Period = yearly
		}
	}
	return g.begin(&o.Visitor, session{Subscription: part}), nil
}

// saved tells that a card was saved. Its id is the session's, so that the page's cards of one kind are told apart.
func (g *Gateway) saved(s *session, method string) {
	g.tell(s.ID+"_saved", s.Account, &purchasing.CardSaved{
		Payer: drawdown.PaymentMethod{Method: method, Customer: s.Customer}, Backup: s.Card.Backup,
	})
}

// buy charges an order, whose purchase may be paid already: in a session of the same key that another process began.
func (g *Gateway) buy(s *session, quantity int64) error {
	if quantity == 0 {
		quantity = s.Order.Quantity
	}
	if err := s.Order.check(quantity); err != nil {
		return err
	}
	of := g.purchase(s.Order.Purchase)
	if of.sold != nil {
		return errDone
	}
	bought, amount := drawdown.Credits(quantity)*drawdown.Credit, s.Order.total(quantity)
	of.sold = &sold{account: s.Account, quantity: bought, amount: amount, count: 1}
	of.sold.receipt = g.receiptURL(&receipt{
		Account: s.Account, Purchase: s.Order.Purchase, Quantity: bought.String(), Amount: amount.String(),
		Currency: s.Order.Currency, At: g.now().Unix(),
	})
	// Paid again, after this process has forgotten it, it is the same event, and the same operation in the log.
	g.tell("sandbox_paid_"+s.Order.Purchase, s.Account, &purchasing.OrderPaid{
		Purchase: s.Order.Purchase, Quantity: bought, Amount: amount, Currency: s.Order.Currency, Receipt: of.sold.receipt,
	})
	return nil
}
