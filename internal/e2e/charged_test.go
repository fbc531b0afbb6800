//go:build integration

package e2e

import (
	"context"
	"fmt"
	"testing"

	"drawdown"
	"drawdown/internal/app"
	"drawdown/purchasing/stripe/fakestripe"
)

const (
	chargedAccounts = 100
	chargedPacks    = 4 // of each account
	packCredits     = 10
	packCents       = 3250 // 10 × $2.50 × 1.3
	// chargedKills are how often the purchaser ends while payments are under way, by force and in order by turns; so many
	// charges are made between two of them.
	chargedKills = 8
	chargesEach  = chargedAccounts * chargedPacks / (chargedKills + 3)
)

// TestChargedIsSettledIsGranted kills and stops the purchaser in the middle of some hundred payments, takes Kafka away once, and lets
// the gateway's requests, answers and webhooks fail, get lost, and come twice, early, late and out of order.
func TestChargedIsSettledIsGranted(t *testing.T) {
	s := openShop(t, needs{Partitions: 4, Settings: settings{"purchasing.concurrency_max": 8, "purchasing.retry_concurrency_max": 4}},
		fakestripe.Delivery{Twice: 100, Held: 200, Shuffle: true, Seed: 6})
	s.publishExamples()
	s.publishPlan("airbyte-cloud", map[string]any{"id": "packs", "auto_purchase": map[string]any{
		"mode": "pack", "pack": packCredits, "threshold": "0", "surcharge_percent": 30, "cap": "none",
	}})
	rates := fakestripe.Often
	rates.StoreFailLater, rates.Limit = 20, 10 // each 429 is a pause of a second
	charges := s.openTurnstile(chargesEach, fakestripe.Seeded(7, rates))
	s.stripe.Faults(charges.fault)
	for i := range chargedAccounts {
		s.openBuyerOf(chargedAccount(i), "packs")
	}
	s.worker = s.start("worker")
	s.awaitWorkedOff()
	s.purchaser = s.start("purchaser")
	for kill := range chargedKills {
		charges.awaitHeld(s.purchaser)
		if kill == chargedKills/2 {
			s.must(broker.Kill())
			charges.letIn()
			s.must(broker.Restart(context.Background()))
			charges.awaitHeld(s.purchaser)
		}
		if kill%2 == 0 {
			s.purchaser.kill()
			charges.letIn()
			s.awaitUnheard()
		} else {
			charges.letIn()
			s.must(s.purchaser.stop()) // which commits how far it has come, with payments under way
		}
		s.stripe.Reconcile()
		s.purchaser = s.start("purchaser")
	}
	charges.leaveOpen()
	s.ledger.await("", "purchase.settled", chargedAccounts*chargedPacks)
	s.stripe.Reconcile()
	s.stripe.Faults(nil)
	s.must(s.stripe.Drain(t.Context()))
	m := s.close()

	s.checkCharged()
	if len(m.rejected) > 0 || m.repeated == 0 {
		t.Errorf("rejected: %v, %d duplicates", m.rejected, m.repeated)
	}
	for i := range chargedAccounts {
		if found := s.available(chargedAccount(i)); found != 5*drawdown.Credit { // 4 × 10 − 35
			t.Errorf("%s has %s credits", chargedAccount(i), found)
		}
	}
}

func chargedAccount(i int) string { return fmt.Sprintf("buyer-%d", i) }

// openBuyerOf opens an account that has used 35 credits more than it has, and buys as soon as it has a card, which is after
// what it does before.
func (s *shop) openBuyerOf(account, plan string, before ...func()) {
	s.t.Helper()
	s.append(app.Operation{Type: drawdown.AccountOpened, Account: account, Data: map[string]any{
		"plan": plan, "email": account + "@example.com", "email_verified": false,
	}})
	s.append(app.Operation{Type: drawdown.AutoPurchaseSet, Account: account, Data: map[string]any{"enabled": true}})
	s.use(account, chargedPacks*packCredits-5)
	for _, do := range before {
		do()
	}
	s.append(app.Operation{Type: drawdown.PaymentMethodSaved, Account: account, Data: map[string]any{
		"method": "pm_" + account, "kind": "card", "customer": "cus_" + account,
	}})
}

// awaitUnheard waits until a charge was made that the log does not know of, since nobody was there to hear of it.
func (s *shop) awaitUnheard() {
	s.t.Helper()
	settled := s.settledSoFar()
	s.await("a charge of which nobody hears", func(context.Context) (bool, any) {
		made := len(s.stripe.Charges())
		return made > settled, fmt.Sprintf("%d were made, %d are settled", made, settled)
	})
}

// settledSoFar counts the purchases whose settlement stands in the log.
func (s *shop) settledSoFar() int {
	s.t.Helper()
	settled := map[string]bool{}
	for i := range chargedAccounts {
		for _, one := range s.appended(chargedAccount(i), "purchase.settled") {
			settled[one.Data.Purchase] = true
		}
	}
	return len(settled)
}

// checkCharged compares what the gateway has taken with what was settled and what was granted: the same purchases, once
// each, at the same amounts.
func (s *shop) checkCharged() {
	s.t.Helper()
	charges := s.stripe.Charges()
	granted := map[string]string{}
	for _, grant := range s.ledger.of("", "grant.added") {
		granted[grant.Grant] += grant.Amount
	}
	settled := s.ledger.of("", "purchase.settled")
	for _, one := range settled {
		if found := charges[one.Purchase]; found != (fakestripe.Charged{Count: 1, Amount: packCents, Currency: "usd"}) {
			s.t.Errorf("%s was charged %+v", one.Purchase, found)
		}
		if one.Amount != "32.50" || granted[one.Purchase] != number(packCredits) {
			s.t.Errorf("%s settled at %s, granted %q", one.Purchase, one.Amount, granted[one.Purchase])
		}
	}
	if want := chargedAccounts * chargedPacks; len(charges) != want || len(settled) != want || len(granted) != want {
		s.t.Errorf("%d purchases were charged, %d settled, %d granted, want %d", len(charges), len(settled), len(granted), want)
	}
}
