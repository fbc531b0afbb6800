//go:build integration

package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"drawdown/purchasing/stripe/fakestripe"
)

// TestMakeBuysEightTimesAndNoNinth: 80,000 credits in the subscription, and as many again in packs of 10,000, each at the
// plan's price and 30 %.
func TestMakeBuysEightTimesAndNoNinth(t *testing.T) {
	s := openShop(t, needs{Partitions: 2}, fakestripe.Delivery{})
	s.publishExamples()
	s.publishPlan("make-80k", nil)
	s.openUp()
	s.openCustomer("maker", "make-80k")
	s.saveCard("maker", "pm_visa")

	const packs, packCents = 8, 1170 // 10,000 × $72.00 / 80,000 × 1.3
	s.use("maker", 79_999)
	s.ledger.awaitNotice("maker", "usage_percent")
	s.use("maker", 1)
	for pack := 1; pack <= packs; pack++ {
		settled := s.ledger.await("maker", "purchase.settled", pack)[pack-1]
		if settled.Purchase != fmt.Sprintf("maker:%d", pack) || settled.Quantity != "10000" || settled.Amount != "11.70" {
			t.Fatalf("pack %d settled as %+v", pack, settled)
		}
		s.use("maker", 10_000)
	}
	s.ledger.awaitNotice("maker", "auto_purchase_capped")
	s.use("maker", 5) // and nothing is bought for it
	s.mail.await("maker", "Auto-purchase has reached its limit", 1)
	s.mail.await("maker", "Receipt: 10,000 credits for", packs)
	s.mail.await("maker", "Your credits have run out", 1)
	s.mail.await("maker", "75% of your plan’s credits", 1)
	s.mail.await("maker", "90% of your plan’s credits", 1)
	s.receiver.await("maker", "auto_purchase_capped")
	s.close()

	charges := s.stripe.Charges()
	cents := int64(0)
	for pack := 1; pack <= packs; pack++ {
		id := fmt.Sprintf("maker:%d", pack)
		if found := charges[id]; found != (fakestripe.Charged{Count: 1, Amount: packCents, Currency: "usd"}) {
			t.Errorf("%s was charged %+v", id, found)
		}
		cents += charges[id].Amount
	}
	if len(charges) != packs || cents != packs*packCents {
		t.Errorf("the gateway charged %d cents for %v", cents, charges)
	}
	if requested := s.ledger.of("maker", "purchase.requested"); len(requested) != packs {
		t.Errorf("%d purchases were requested", len(requested))
	}
	for subject, want := range map[string]int{"Receipt": packs, "limit for this period": 1, "have run out": 1} {
		if found := s.mail.to("maker", subject); len(found) != want {
			t.Errorf("%d mails %q: %+v", len(found), subject, found)
		}
	}
}

// TestADeclinedCardPausesUntilAnotherIsSaved: the customer is sent a link, saves a card there, and everything goes on
// without anybody's help.
func TestADeclinedCardPausesUntilAnotherIsSaved(t *testing.T) {
	s := openShop(t, needs{Partitions: 2}, fakestripe.Delivery{})
	s.publishExamples()
	s.openUp()
	s.openCustomer("shop", "airbyte-cloud")
	s.grant("shop", 11)
	s.saveCard("shop", "pm_bad")
	s.stripe.SetCard("pm_bad", fakestripe.Declines("insufficient_funds")) // from now on

	s.use("shop", 12)
	failed := s.ledger.await("shop", "purchase.failed", 1)[0]
	if failed.Purchase != "shop:1" || failed.Reason != "insufficient_funds" {
		t.Errorf("it failed as %+v", failed)
	}
	letter := s.mail.await("shop", "Payment failed: please update your payment method", 1)[0]
	if !strings.Contains(letter.Text, billingURL+"shop") {
		t.Errorf("the mail has no link to mend it:\n%s", letter.Text)
	}
	s.receiver.await("shop", "payment_failed")
	if found := s.ledger.statuses("shop"); !slices.Equal(found, []string{"active", "purchasing", "payment_failed"}) {
		t.Errorf("the account went through %v", found)
	}

	s.saveCard("shop", "pm_good")
	settled := s.ledger.await("shop", "purchase.settled", 1)[0]
	if settled.Purchase != "shop:2" || settled.Quantity != "31" || settled.Amount != "77.50" {
		t.Errorf("it settled as %+v", settled)
	}
	s.mail.await("shop", "Syncs may run again", 1)
	s.mail.await("shop", "Receipt: 31 credits for", 1)
	s.close()

	if found := s.ledger.statuses("shop"); !slices.Equal(found, []string{"active", "purchasing", "payment_failed", "purchasing", "active"}) {
		t.Errorf("the account went through %v", found)
	}
	if found := s.stripe.Charges(); len(found) != 1 || found["shop:2"].Count != 1 || found["shop:2"].Amount != 7750 {
		t.Errorf("the gateway charged %v", found)
	}
	// That credits have run out stands in the mail about the payment; a second one would only repeat it.
	if found := s.mail.to("shop", "run out"); len(found) != 0 {
		t.Errorf("besides: %+v", found)
	}
}
