package sandbox

import (
	"context"
	"fmt"

	"drawdown/purchasing"
)

// subscribed makes the subscription of a session, active for a month.
func (g *Gateway) subscribed(s *session) {
	x := &purchasing.Subscription{
		ID: g.name("subscription"), Account: s.account, Customer: s.Customer, State: purchasing.SubscriptionActive,
		Price: s.subscribe.Price, NextPrice: s.subscribe.Price, PeriodEnd: g.now().AddDate(0, 1, 0).UTC(),
	}
	g.subscriptions[x.ID] = x
	g.tell(s.account, &purchasing.SubscriptionChanged{Subscription: x.ID})
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
	g.tell(x.Account, &purchasing.SubscriptionChanged{Subscription: id})
	tell := g.untold()
	g.mu.Unlock()
	tell()
	return nil
}
