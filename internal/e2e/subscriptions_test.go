//go:build integration

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"drawdown/purchasing"
	"drawdown/purchasing/stripe/fakestripe"
)

// TestASubscriptionMovesTheAccount follows one from its beginning to its end. The gateway tells everything at least twice
// and in any order; each change is one operation in the log.
func TestASubscriptionMovesTheAccount(t *testing.T) {
	s := openShop(t, needs{Partitions: 2}, fakestripe.Delivery{Twice: 1000, Shuffle: true, Seed: 4})
	s.publishExamples() // airbyte-cloud has no subscription: it is the fallback
	for id, credits := range map[string]string{"pro": "10000", "team": "50000"} {
		s.publishPlan("make-10k", map[string]any{"id": id, "subscription": map[string]any{
			"credits": credits, "price": "9.00", "period": "month", "gateway_price": "price_" + id, "fallback": "airbyte-cloud",
		}})
	}
	s.openUp()
	s.openCustomer("acme", "airbyte-cloud")
	s.awaitWorkedOff()
	session, err := s.desk.Subscribe(t.Context(), "acme", "pro")
	s.must(err)
	s.must(s.stripe.Complete(session.ID, fakestripe.Completion{Card: "pm_visa"}))
	s.awaitPlan("acme", "pro", "")
	id := s.subscription()

	change := func(plan, waiting string, how func(*fakestripe.Subscription)) {
		t.Helper()
		s.must(s.stripe.ChangeSubscription(id, how))
		s.awaitPlan("acme", plan, waiting)
	}
	change("team", "", func(x *fakestripe.Subscription) { x.Price = "price_team" })
	change("team", "pro", func(x *fakestripe.Subscription) { x.NextPrice = "price_pro" })
	change("team", "", func(x *fakestripe.Subscription) { x.NextPrice = "price_team" })
	change("team", "airbyte-cloud", func(x *fakestripe.Subscription) { x.NextPrice, x.CancelAtPeriodEnd = "", true })
	s.restart(&s.purchaser) // what waits is known from the log
	change("team", "", func(x *fakestripe.Subscription) { x.CancelAtPeriodEnd = false })

	// A renewal that is not paid changes nothing while the gateway tries, and ends it when the gateway gives up.
	s.must(s.stripe.ChangeSubscription(id, func(x *fakestripe.Subscription) { x.Status = "past_due" }))
	s.must(s.stripe.Bill(id, false))
	s.must(s.stripe.Drain(t.Context()))
	s.awaitPlan("acme", "team", "")
	change("airbyte-cloud", "", func(x *fakestripe.Subscription) { x.Status = "unpaid" })
	if found := s.available("acme"); found != 0 {
		t.Errorf("without a subscription the account has %s credits", found)
	}

	// All of it again, the last first, to a purchaser that remembers nothing.
	s.restart(&s.purchaser)
	told := s.told()
	slices.Reverse(told)
	s.deliver(told...)
	m := s.close()

	var changes []string
	for _, one := range s.appended("acme", "account.plan_changed") {
		changes = append(changes, one.Data.Plan+" "+one.Data.When)
	}
	want := []string{
		"pro now", "team now", "pro period_end", "team period_end", "airbyte-cloud period_end", "team period_end", "airbyte-cloud now",
	}
	if !slices.Equal(changes, want) {
		t.Errorf("the log has %v, want %v", changes, want)
	}
	if m.repeated > 0 || len(m.rejected) > 0 {
		t.Errorf("%d duplicates, rejected: %v", m.repeated, m.rejected)
	}
	var granted []string
	for _, one := range s.ledger.of("acme", "grant.added") {
		granted = append(granted, one.Amount)
	}
	if !slices.Equal(granted, []string{"10000", "50000"}) {
		t.Errorf("granted were %v", granted)
	}
}

// TestASubscriptionThatIsNotPaidAtOnceGrantsNothing: the customer's bank has not decided.
func TestASubscriptionThatIsNotPaidAtOnceGrantsNothing(t *testing.T) {
	s := openShop(t, needs{Partitions: 1}, fakestripe.Delivery{Twice: 500, Shuffle: true, Seed: 5})
	s.publishExamples()
	s.publishPlan("make-10k", map[string]any{"id": "pro", "subscription": map[string]any{
		"credits": "10000", "price": "9.00", "period": "month", "gateway_price": "price_pro", "fallback": "airbyte-cloud",
	}})
	s.openUp()
	s.openCustomer("acme", "airbyte-cloud")
	s.awaitWorkedOff()
	// The status is changed before anybody could see another one.
	s.must(s.purchaser.command.Process.Signal(suspend))
	id := s.stripe.Subscribe("cus_acme", "price_pro", map[string]string{"drawdown_account": "acme"})
	s.must(s.stripe.ChangeSubscription(id, func(x *fakestripe.Subscription) { x.Status = "incomplete" }))
	s.must(s.purchaser.command.Process.Signal(resume))
	s.must(s.stripe.Drain(t.Context()))
	s.awaitPlan("acme", "airbyte-cloud", "")
	s.must(s.stripe.ChangeSubscription(id, func(x *fakestripe.Subscription) { x.Status = "active" }))
	s.awaitPlan("acme", "pro", "")
	s.must(s.stripe.ChangeSubscription(id, func(x *fakestripe.Subscription) { x.Status = "canceled" }))
	s.awaitPlan("acme", "airbyte-cloud", "")
	s.must(s.stripe.Drain(t.Context()))
	s.close()
	if found := s.appended("acme", "account.plan_changed"); len(found) != 2 {
		t.Errorf("the log has %+v", found)
	}
}

// subscription is the id of the only subscription there is.
func (s *shop) subscription() string {
	s.t.Helper()
	var created struct {
		Data struct{ Object struct{ ID string } }
	}
	s.must(json.Unmarshal(s.told("customer.subscription.created")[0], &created))
	return created.Data.Object.ID
}

// awaitPlan waits until an account has a plan, and another waits for the period's end or, with "", none does.
func (s *shop) awaitPlan(account, plan, waiting string) {
	s.t.Helper()
	s.await(fmt.Sprintf("%s has plan %s, then %q", account, plan, waiting), func(ctx context.Context) (bool, any) {
		profile, err := s.directory.Profile(ctx, account, purchasing.Whenever)
		s.must(err)
		return profile.Plan.ID == plan && profile.WaitingPlan == waiting, fmt.Sprintf("it has %s, then %q", profile.Plan.ID, profile.WaitingPlan)
	})
}
