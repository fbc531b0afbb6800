package purchasing

import (
	"strings"
	"testing"

	"drawdown"
)

func subscriptionPlans() map[string]*drawdown.Plan {
	billed := func(id, price string) *drawdown.Plan {
		return &drawdown.Plan{ID: id, Subscription: &drawdown.Subscription{GatewayPrice: price, Fallback: "free"}}
	}
	return map[string]*drawdown.Plan{
		"free": {ID: "free"}, "small": billed("small", "price_s"), "large": billed("large", "price_l"),
		"loose": {ID: "loose", Subscription: &drawdown.Subscription{GatewayPrice: "price_x"}},
		"twin1": billed("twin1", "price_t"), "twin2": billed("twin2", "price_t"),
	}
}

func TestPlanFollowsSubscription(t *testing.T) {
	active := func(price, next string) Subscription {
		return Subscription{State: SubscriptionActive, Price: price, NextPrice: next}
	}
	in := func(state SubscriptionState) Subscription {
		return Subscription{State: state, Price: "price_s", NextPrice: "price_s"}
	}
	for _, c := range []struct {
		name          string
		is            Subscription
		plan, waiting string
		want          string // "" for nothing
		fault         string
	}{
		{name: "new", is: active("price_s", "price_s"), plan: "free", want: "small now"},
		{name: "as it is", is: active("price_s", "price_s"), plan: "small"},
		{name: "upgraded", is: active("price_l", "price_l"), plan: "small", want: "large now"},
		{name: "downgraded at once", is: active("price_s", "price_s"), plan: "large", want: "small now"},
		{name: "downgraded at the period's end", is: active("price_l", "price_s"), plan: "large", want: "small period_end"},
		{name: "downgrade known", is: active("price_l", "price_s"), plan: "large", waiting: "small"},
		{name: "downgrade taken back", is: active("price_l", "price_l"), plan: "large", waiting: "small", want: "large period_end"},
		{name: "billed before our period ends", is: active("price_s", "price_s"), plan: "large", waiting: "small"},
		{name: "ends at the period's end", is: active("price_s", ""), plan: "small", want: "free period_end"},
		{name: "end known", is: active("price_s", ""), plan: "small", waiting: "free"},
		{name: "ended", is: in(SubscriptionEnded), plan: "small", want: "free now"},
		{name: "ended though an end waited", is: in(SubscriptionEnded), plan: "small", waiting: "free", want: "free now"},
		{name: "ended long ago", is: in(SubscriptionEnded), plan: "free"},
		{name: "ended, but replaced by another", is: in(SubscriptionEnded), plan: "large"},
		{name: "not paid yet", is: in(SubscriptionIncomplete), plan: "free"},
		{name: "renewal not paid, still tried", is: in(SubscriptionPastDue), plan: "small"},
		{name: "unknown price", is: active("price_?", "price_?"), plan: "free", fault: "no plan has the gateway price price_?"},
		{name: "unknown next price", is: active("price_s", "price_?"), plan: "small", fault: "no plan has the gateway price price_?"},
		{name: "price of two plans", is: active("price_t", "price_t"), plan: "free", fault: "plans twin1 and twin2 both have the gateway price price_t"},
		{name: "no fallback", is: Subscription{State: SubscriptionEnded, Price: "price_x"}, plan: "loose", fault: "plan loose names no fallback"},
		{name: "no fallback at the end", is: active("price_x", ""), plan: "loose", fault: "plan loose names no fallback"},
	} {
		t.Run(c.name, func(t *testing.T) {
			plans := subscriptionPlans()
			got, err := planChange(&c.is, &drawdown.Profile{Plan: plans[c.plan], WaitingPlan: c.waiting}, plans)
			if (c.fault == "") != (err == nil) || (err != nil && !strings.Contains(err.Error(), c.fault)) {
				t.Fatalf("error %v, want %q", err, c.fault)
			}
			text := ""
			if got != nil {
				text = got.plan + " " + got.when()
			}
			if text != c.want {
				t.Errorf("change %q, want %q", text, c.want)
			}
		})
	}
}
