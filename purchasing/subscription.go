package purchasing

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"drawdown"
)

// subscription brings an account's plan to what its subscription at the gateway is now. Events come late, twice and out of
// order, so what an event says is not believed: the gateway is asked what is, the log what was, and the difference is one
// operation. The intake calls it for one event of an account at a time, and it returns when its operation has been applied.
func (h *happenings) subscription(ctx context.Context, e *Event, id string) error {
	is, err := h.till.Subscription(ctx, id)
	if err != nil {
		return fmt.Errorf("read subscription %s: %w", id, err)
	}
	account := cmp.Or(is.Account, e.Account)
	profile, err := h.directory.Profile(ctx, account, Whenever)
	if err != nil {
		return err
	}
	plans, err := h.directory.Plans(ctx)
	if err != nil {
		return err
	}
	change, err := planChange(&is, &profile, plans)
	if err != nil {
		return fmt.Errorf("subscription %s of account %s: %w", id, account, err)
	}
	if change == nil {
		return nil
	}
	offset, err := h.purchaser.append(ctx, &Operation{
		Type: drawdown.PlanChanged, Account: account, Source: Source, Time: time.Now(),
		ID:   operationID("subscription", e.ID),
		Data: map[string]any{"plan": change.plan, "when": change.when()},
	})
	if err != nil {
		return err
	}
	_, err = h.directory.Profile(ctx, account, offset) // the next event of the account must see it
	return err
}

// change is what must become of an account's plan.
type change struct {
	plan        string
	atPeriodEnd bool
}

func (c *change) when() string {
	if c.atPeriodEnd {
		return "period_end"
	}
	return "now"
}

// planChange compares a subscription with an account's plan; nil where they agree.
//
// A plan belongs to a subscription by its gateway_price. While a renewal is unpaid and the gateway still tries, nothing
// changes; when it gives up, the account falls back. What the gateway will bill from the next period on, waits here for the
// period's end as well. A plan that waits here and is billed there already is left to the period's end: the two periods may
// end some minutes apart.
func planChange(is *Subscription, profile *drawdown.Profile, plans map[string]*drawdown.Plan) (*change, error) {
	switch is.State {
	case SubscriptionIncomplete, SubscriptionPastDue:
		return nil, nil
	case SubscriptionEnded:
		return ended(is, profile)
	case SubscriptionActive:
		return paidFor(is, profile, plans)
	default:
		return nil, fmt.Errorf("it has the unknown state %d", is.State)
	}
}

// paidFor compares a subscription that is paid.
func paidFor(is *Subscription, profile *drawdown.Profile, plans map[string]*drawdown.Plan) (*change, error) {
	now, err := billedAt(plans, is.Price)
	if err != nil {
		return nil, err
	}
	if now != profile.Plan.ID {
		if now == profile.WaitingPlan {
			return nil, nil
		}
		return &change{plan: now}, nil
	}
	next := now
	switch {
	case is.NextPrice == "":
		if next = profile.Plan.Subscription.Fallback; next == "" {
			return nil, noFallback(profile.Plan)
		}
	case is.NextPrice != is.Price:
		if next, err = billedAt(plans, is.NextPrice); err != nil {
			return nil, err
		}
	}
	waiting := cmp.Or(profile.WaitingPlan, profile.Plan.ID)
	if next == waiting {
		return nil, nil
	}
	return &change{plan: next, atPeriodEnd: true}, nil // naming the account's own plan drops the one that waits
}

// ended moves an account whose subscription is over to the fallback of its plan. A subscription that is not the one of the
// account's plan changes nothing: it was replaced.
func ended(is *Subscription, profile *drawdown.Profile) (*change, error) {
	plan := profile.Plan
	if plan.Subscription == nil || plan.Subscription.GatewayPrice != is.Price {
		return nil, nil
	}
	if plan.Subscription.Fallback == "" {
		return nil, noFallback(plan)
	}
	return &change{plan: plan.Subscription.Fallback}, nil
}

func noFallback(plan *drawdown.Plan) error {
	return fmt.Errorf("plan %s names no fallback: publish a plan that does, move its accounts to it, and let the gateway send the event again", plan.ID)
}

// billedAt finds the plan of a gateway's price. Two plans with one price can't be told apart: somebody must decide.
func billedAt(plans map[string]*drawdown.Plan, price string) (string, error) {
	found := ""
	for id, plan := range plans {
		if plan.Subscription == nil || plan.Subscription.GatewayPrice != price {
			continue
		}
		if found != "" {
			return "", fmt.Errorf("plans %s and %s both have the gateway price %s: give each plan a price of its own", min(found, id), max(found, id), price)
		}
		found = id
	}
	if found == "" {
		return "", fmt.Errorf("no plan has the gateway price %s: publish one (subscription.gateway_price)", price)
	}
	return found, nil
}
