package sandbox

import (
	"context"
	"fmt"
	"strings"

	"drawdown/purchasing"
)

// subscribed makes the subscription of a session, active for its period.
func (g *Gateway) subscribed(s *session) {
	months := 1
	if s.Subscription.Period == yearly {
		months = 12
	}
	x := &purchasing.Subscription{
		ID: strings.Replace(s.ID, "session", "subscription", 1), Account: s.Account, Customer: s.Customer,
		State: purchasing.SubscriptionActive, Price: s.Subscription.Price, NextPrice: s.Subscription.Price,
		PeriodEnd: g.now().AddDate(0, months, 0).UTC(),
	}
	g.subscriptions[x.ID] = x
	g.tell(s.ID+"_subscribed", s.Account, &purchasing.SubscriptionChanged{Subscription: x.ID})
}

// Subscription reads a subscription.
func (g *Gateway) Subscription(_ context.Context, id string) (purchasing.Subscription, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	x := g.subscriptions[id]
	if x == nil {
		return purchasing.Subscription{}, fmt.Errorf("sandbox: no subscription %s", id)
	}
	return *x, nil
}

// ChangeSubscription changes a subscription and tells of it.
func (g *Gateway) ChangeSubscription(id string, change func(*purchasing.Subscription)) error {
	g.mu.Lock()
	x := g.subscriptions[id]
	if x == nil {
		g.mu.Unlock()
		return fmt.Errorf("sandbox: no subscription %s", id)
	}
	change(x)
	g.tell(g.name("event"), x.Account, &purchasing.SubscriptionChanged{Subscription: id})
	tell := g.untold()
	g.mu.Unlock()
	tell()
	return nil
}
