package purchasing_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"drawdown"
	"drawdown/purchasing"
)

// counter is a till that notes what it was asked for.
type counter struct {
	purchasing.Till
	orders    []purchasing.Order
	cards     []purchasing.CardSetup
	subscribe []purchasing.SubscriptionOrder
}

func (c *counter) Order(_ context.Context, o *purchasing.Order) (purchasing.Session, error) {
	c.orders = append(c.orders, *o)
	return purchasing.Session{ID: "session"}, nil
}

func (c *counter) SaveCard(_ context.Context, s *purchasing.CardSetup) (purchasing.Session, error) {
	c.cards = append(c.cards, *s)
	return purchasing.Session{ID: "session"}, nil
}

func (c *counter) Subscribe(_ context.Context, s *purchasing.SubscriptionOrder) (purchasing.Session, error) {
	c.subscribe = append(c.subscribe, *s)
	return purchasing.Session{ID: "session"}, nil
}

// listing is a directory in which every account has one plan.
type listing struct {
	plan  *drawdown.Plan
	plans map[string]*drawdown.Plan
}

func (l *listing) Profile(_ context.Context, account string, _ drawdown.Offset) (drawdown.Profile, error) {
	return drawdown.Profile{Account: account, Plan: l.plan}, nil
}

func (l *listing) Plans(context.Context) (map[string]*drawdown.Plan, error) { return l.plans, nil }

func TestAPlanMayNotSellByHand(t *testing.T) {
	free := &drawdown.Plan{ID: "free", Purchase: drawdown.PurchaseTerms{Unit: 1, Min: 1, Max: 10, Default: 5}}
	till := &counter{}
	desk := purchasing.NewDesk(till, &listing{plan: free}, purchasing.ReturnURLs{})
	_, _, err := desk.Order(t.Context(), "acme", 5, "k")
	var refused *purchasing.OrderError
	if !errors.As(err, &refused) || !strings.Contains(refused.Problem, "plan free does not sell credits by hand") || len(till.orders) != 0 {
		t.Fatalf("%v, %d orders", err, len(till.orders))
	}
	free.Purchase.Orders = true
	if _, _, err := desk.Order(t.Context(), "acme", 0, "k"); err != nil || len(till.orders) != 1 || till.orders[0].Quantity != 5 {
		t.Fatalf("%v, orders %+v", err, till.orders)
	}
}

// TestVisitorsComeBackToWhereTheyCameFrom: a desk for one request leaves the other as it was.
func TestVisitorsComeBackToWhereTheyCameFrom(t *testing.T) {
	till := &counter{}
	desk := purchasing.NewDesk(till, &listing{plan: &drawdown.Plan{}}, purchasing.ReturnURLs{Success: "https://a/ok", Cancel: "https://a/no"})
	for _, d := range []*purchasing.Desk{desk.WithReturn(purchasing.ReturnURLs{Success: "https://b/ok", Cancel: "https://b/no"}), desk} {
		if _, err := d.SaveCard(t.Context(), "acme", false); err != nil {
			t.Fatal(err)
		}
	}
	for n, want := range []string{"https://b/", "https://a/"} {
		if got := till.cards[n]; got.SuccessURL != want+"ok" || got.CancelURL != want+"no" {
			t.Errorf("visitor %d comes back to %s or %s, want %s", n, got.SuccessURL, got.CancelURL, want)
		}
	}
}

func TestASubscriptionNamesItsPlan(t *testing.T) {
	maker := &drawdown.Plan{ID: "make-10k", Subscription: &drawdown.Subscription{GatewayPrice: "price_10k"}}
	till := &counter{}
	desk := purchasing.NewDesk(till, &listing{plan: &drawdown.Plan{ID: "free"}, plans: map[string]*drawdown.Plan{"make-10k": maker}}, purchasing.ReturnURLs{})
	if _, err := desk.Subscribe(t.Context(), "acme", "make-10k"); err != nil {
		t.Fatal(err)
	}
	if got := till.subscribe[0]; got.Price != "price_10k" || got.Plan != maker {
		t.Errorf("subscribed to %+v", got)
	}
}
