package sandbox

import (
	"context"
	"errors"
	"fmt"
	"math/big"

	"drawdown"
	"drawdown/purchasing"
)

// session is where a customer goes on. One of the three is set.
type session struct {
	purchasing.Session
	account   string
	card      *purchasing.CardSetup
	order     *purchasing.Order
	subscribe *purchasing.SubscriptionOrder
	done      bool
}

// SaveCard begins a session for a card.
func (g *Gateway) SaveCard(_ context.Context, c *purchasing.CardSetup) (purchasing.Session, error) {
	return g.begin(&c.Visitor, session{card: c}), nil
}

// Order begins a session for credits.
func (g *Gateway) Order(_ context.Context, o *purchasing.Order) (purchasing.Session, error) {
	if err := within(o.Plan.Purchase, o.Quantity); err != nil {
		return purchasing.Session{}, err
	}
	return g.begin(&o.Visitor, session{order: o}), nil
}

// Subscribe begins a session for a subscription.
func (g *Gateway) Subscribe(_ context.Context, o *purchasing.SubscriptionOrder) (purchasing.Session, error) {
	return g.begin(&o.Visitor, session{subscribe: o}), nil
}

func (g *Gateway) begin(v *purchasing.Visitor, s session) purchasing.Session {
	g.mu.Lock()
	defer g.mu.Unlock()
	if old := g.byKey[v.Key]; old != nil {
		return old.Session
	}
	s.account, s.ID, s.Customer = v.Account, g.name("session"), v.Customer
	s.URL = g.config.BaseURL + s.ID
	if s.Customer == "" {
		s.Customer = "sandbox_customer_" + v.Account
	}
	g.sessions[s.ID] = &s
	if v.Key != "" {
		g.byKey[v.Key] = &s
	}
	return s.Session
}

// Completion is what a customer does at a session.
type Completion struct {
	Method   string // one of the names of methods
	Quantity int64  // of an order, in credits; 0 leaves it as it was
}

// ErrRefused is what a customer sees whose card is refused. The session stays open.
var ErrRefused = errors.New("the card is refused")

// Complete goes through a session as the customer would.
func (g *Gateway) Complete(id string, done Completion) error {
	g.mu.Lock()
	err := g.complete(id, done)
	tell := g.untold()
	g.mu.Unlock()
	tell()
	return err
}

func (g *Gateway) complete(id string, done Completion) error {
	s := g.sessions[id]
	if s == nil || s.done {
		return fmt.Errorf("sandbox: no session %s is open", id)
	}
	// A card can be saved that will be refused when it is charged; only what is charged at once is refused at once.
	if reason := refusal(done.Method); reason == "no_payment_method" || reason != "" && s.card == nil {
		return fmt.Errorf("%w: %s", ErrRefused, reason)
	}
	switch {
	case s.card != nil:
		g.tell(s.account, &purchasing.CardSaved{
			Payer: drawdown.PaymentMethod{Method: done.Method, Customer: s.Customer}, Backup: s.card.Backup,
		})
	case s.order != nil:
		if err := g.buy(s, done.Quantity); err != nil {
			return err
		}
	default:
		g.subscribed(s)
	}
	s.done = true
	return nil
}

// buy charges an order.
func (g *Gateway) buy(s *session, quantity int64) error {
	if quantity == 0 {
		quantity = s.order.Quantity
	}
	if err := within(s.order.Plan.Purchase, quantity); err != nil {
		return err
	}
	amount := price(s.order.Plan, quantity)
	bought := drawdown.Credits(quantity) * drawdown.Credit
	g.purchase(s.order.Purchase).sold = &sold{account: s.account, quantity: bought, amount: amount, count: 1}
	g.tell(s.account, &purchasing.OrderPaid{
		Purchase: s.order.Purchase, Quantity: bought, Amount: amount, Currency: s.order.Plan.Currency, Receipt: "sandbox/" + s.order.Purchase,
	})
	return nil
}

var errQuantity = errors.New("sandbox: the quantity of an order must be within the plan's terms, and a multiple of its unit")

func within(t drawdown.PurchaseTerms, quantity int64) error {
	if t.Unit < 1 || quantity < t.Min || quantity > t.Max || quantity%t.Unit != 0 {
		return errQuantity
	}
	return nil
}

// price is quantity × unit price, rounded half up to hundredths (contract, section 1).
func price(plan *drawdown.Plan, quantity int64) drawdown.Money {
	exact := new(big.Rat)
	if plan.Purchase.UnitPrice != nil {
		exact.SetFrac64(int64(*plan.Purchase.UnitPrice), 10_000_000) // hundredths
	} else {
		exact.SetFrac(plan.Subscription.Price.Cents.Big(), big.NewInt(1))
		exact.Quo(exact, new(big.Rat).SetFrac64(int64(plan.Subscription.Credits), int64(drawdown.Credit)))
	}
	exact.Mul(exact, new(big.Rat).SetInt64(quantity)).Add(exact, big.NewRat(1, 2))
	cents := new(big.Int).Quo(exact.Num(), exact.Denom())
	high := new(big.Int).Rsh(cents, 64)
	return drawdown.Money{Cents: drawdown.Total128(high.Uint64(), new(big.Int).And(cents, new(big.Int).SetUint64(^uint64(0))).Uint64())}
}
