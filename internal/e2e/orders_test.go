//go:build integration

package e2e

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"drawdown"
	"drawdown/purchasing/stripe/fakestripe"
)

// TestAnOrderIsGrantedOnceAndRefunded: a customer orders by hand and pays tax; the gateway tells of it three times, to two
// purchasers. Then half of the money goes back.
func TestAnOrderIsGrantedOnceAndRefunded(t *testing.T) {
	s := openShop(t, needs{Partitions: 2}, fakestripe.Delivery{Twice: 1000})
	s.publishExamples()
	s.openUp()
	s.openCustomer("acme", "airbyte-cloud")
	s.awaitWorkedOff()
	purchase, session, err := s.desk.Order(t.Context(), "acme", 0, "cart-1")
	s.must(err)
	again, same, err := s.desk.Order(t.Context(), "acme", 0, "cart-1")
	s.must(err)
	if again != purchase || same.ID != session.ID {
		t.Errorf("the same order is %s %s and %s %s", purchase, session.ID, again, same.ID)
	}
	s.must(s.stripe.Complete(session.ID, fakestripe.Completion{Card: "pm_visa", Quantity: 300, Tax: 1500})) // 300 × $2.50, and $15.00
	s.must(s.stripe.Drain(t.Context()))
	settled := s.ledger.await("acme", "purchase.settled", 1)[0]
	if settled.Purchase != purchase || settled.Kind != "manual" || settled.Quantity != "300" || settled.Amount != "750.00" {
		t.Errorf("it settled as %+v", settled)
	}
	s.mail.await("acme", "Receipt: 300 credits for", 1)

	// A purchaser that has just begun remembers nothing.
	s.restart(&s.purchaser)
	s.deliver(s.told("checkout.session.completed")...)
	refund, err := s.stripe.Refund(purchase, 38_250) // half, with half of the tax
	s.must(err)
	s.must(s.stripe.Drain(t.Context()))
	refunded := s.ledger.await("acme", "grant.refunded", 1)[0]
	if refunded.Grant != purchase || refunded.Amount != "150" || refunded.Overdraft != "0" {
		t.Errorf("%s was refunded as %+v", refund, refunded)
	}
	s.restart(&s.purchaser)
	s.deliver(s.told("charge.refunded", "refund.created")...)
	s.mail.await("acme", "Refund: 150 credits taken back", 1)
	s.receiver.await("acme", "purchase_refunded")
	m := s.close()

	if m.repeated == 0 {
		t.Error("nothing was told twice: this tests nothing")
	}
	for _, kind := range []string{"purchase.settled", "grant.refunded"} {
		if found := s.ledger.of("acme", kind); len(found) != 1 {
			t.Errorf("%d of %s: %+v", len(found), kind, found)
		}
	}
	if found := s.available("acme"); found != 150*drawdown.Credit {
		t.Errorf("the account has %s credits", found)
	}
	if found := s.stripe.Charges()[purchase]; found.Count != 1 || found.Amount != 76_500 {
		t.Errorf("the gateway charged %+v", found)
	}
}

// TestADisputedCardIsNotChargedAgain: a charge that its owner disputes takes credits back, and the account below its
// threshold; what would be bought then would be charged to the same card.
func TestADisputedCardIsNotChargedAgain(t *testing.T) {
	s := openShop(t, needs{Partitions: 2}, fakestripe.Delivery{Shuffle: true, Seed: 3})
	s.publishExamples()
	s.openUp()
	s.openCustomer("acme", "airbyte-cloud")
	s.saveCard("acme", "pm_stolen") // nothing is left, so 30 credits are bought
	settled := s.ledger.await("acme", "purchase.settled", 1)[0]
	if settled.Purchase != "acme:1" || settled.Quantity != "30" || settled.Amount != "75.00" {
		t.Fatalf("it settled as %+v", settled)
	}
	s.use("acme", 12)
	s.await("the balance falls", func(context.Context) (bool, any) {
		return s.available("acme") == 18*drawdown.Credit, s.available("acme")
	})

	_, err := s.stripe.Dispute("acme:1", "fraudulent", 7500)
	s.must(err)
	s.must(s.stripe.Drain(t.Context()))
	refunded := s.ledger.await("acme", "grant.refunded", 1)[0]
	if refunded.Grant != "acme:1" || refunded.Amount != "30" || refunded.Overdraft != "12" {
		t.Errorf("it was refunded as %+v", refunded)
	}
	s.mail.await("acme", "Your credits have run out", 1)
	s.must(s.stripe.CloseDispute("acme:1", false)) // lost: nothing more happens
	s.must(s.stripe.Drain(t.Context()))
	s.close()

	var order []string
	for _, one := range s.appended("acme", "payment_method.removed", "purchase.refunded") {
		order = append(order, one.Type)
	}
	if !slices.Equal(order, []string{"payment_method.removed", "purchase.refunded"}) {
		t.Errorf("the log has %v", order)
	}
	if found := s.ledger.of("acme", "purchase.requested"); len(found) != 1 {
		t.Errorf("requested after the dispute: %+v", found[1:])
	}
	if found := s.stripe.Charges(); len(found) != 1 {
		t.Errorf("the gateway charged %v", found)
	}
	if found := s.available("acme"); found != -12*drawdown.Credit {
		t.Errorf("the account has %s credits", fmt.Sprint(found))
	}
}
