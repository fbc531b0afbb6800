//go:build integration

package e2e

import (
	"context"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestCustomersJourneys walks customers through the billing page of a whole installation, in a real browser: every figure
// that they see has come from the log, and everything that they do goes there. Then it compares all figures with the log.
// With -screenshots it keeps pictures of the pages.
func TestCustomersJourneys(t *testing.T) {
	s, chromium := openStorefront(t), openChromium(t)
	for _, journey := range []struct {
		name string
		walk func(*storefront, context.Context)
	}{
		{"buy 300 credits", (*storefront).buy300},
		{"enrol with and without preconditions", (*storefront).enrol},
		{"switch auto-purchase on, run out, see the purchase", (*storefront).runOut},
		{"a declined card, then fixed", (*storefront).fixCard},
		{"sign in and out", (*storefront).signInAndOut},
		{"a foreign account", (*storefront).foreign},
		{"read without scripts", (*storefront).readWithoutScripts},
		{"usage per connection equals ClickHouse and the ledger", (*storefront).figures},
	} {
		if !t.Run(journey.name, func(t *testing.T) { journey.walk(s.on(t), chromium) }) {
			return // the next one would wait for what this one left undone
		}
	}
	s.close()
}

// buy300 buys 300 credits: the stepper, the price, the checkout, and the credits, which arrive without a reload.
func (s *storefront) buy300(chromium context.Context) {
	s.openCustomer("acme", "airbyte-cloud", true)
	b := s.customer(chromium, "acme")
	overview := b.another()
	overview.visit("")
	overview.sees("Available credits 0")
	overview.mark()

	b.visit("purchases")
	for range 10 { // from the default of 200, by ten
		b.run(chromedp.Click(`[data-step="1"]`, chromedp.NodeVisible))
	}
	if quantity := evaluate[string](b, `document.getElementById("quantity").value`); quantity != "300" {
		s.t.Errorf("the stepper is at %s", quantity)
	}
	b.sees("Price, without tax USD 750.00", "They are valid for 12 months from payment.")
	b.picture("buy-quantity")
	b.press("Continue to payment")
	b.sees("Buy credits", "For account acme.", "300 credits at USD 2.50 each USD 750.00", "Tax USD 0.00", "Total USD 750.00")
	b.picture("buy-checkout")

	s.must(s.worker.command.Process.Signal(suspend)) // so that there is something to wait for
	b.press("Pay USD 750.00")
	b.sees("Waiting for your payment")
	b.mark()
	b.fits()
	s.must(s.worker.command.Process.Signal(resume))
	b.sees("Your credits have arrived", "Bought 300 credits", "Available credits 300")
	b.kept()
	b.picture("buy-arrived")
	overview.sees("Available credits 300", "Purchased")
	overview.kept()

	b.visitUntil("purchases", "Receipt")
	b.sees("By hand", "300", "USD 750.00", "Paid")
	b.press("Receipt")
	b.sees("Account acme", "300 credits USD 750.00", "Tax USD 0.00")
}

// enrol joins the Free Connector Program, which says what is missing until nothing is.
func (s *storefront) enrol(chromium context.Context) {
	const account, email, card, connector = "fable", "Your e-mail address is not verified yet.", "No card is saved yet.",
		"None of your connections uses an alpha or beta connector yet."
	s.openCustomer(account, "airbyte-cloud", false)
	s.connect(account, "shop", "source-faker", "destination-postgres")
	b := s.customer(chromium, account)
	b.sees("Not met: Your e-mail address is verified", "Not met: A card is saved", "Not met: A connection uses an alpha or beta connector")
	b.press("Enrol")
	b.sees("Not yet", "This is still needed:", email, card, connector)
	b.picture("enrol-refused")

	s.tell(http.MethodPost, "/accounts/"+account+"/email-verification", nil, nil)
	b.visit("")
	b.sees("Met: Your e-mail address is verified", "Not met: A card is saved")
	b.press("Enrol")
	b.sees("Not yet", card, connector)
	b.doesNotSee(email)

	s.saveCard(b, "Save a card", "pm_ok")
	s.connect(account, "notes", "source-notion", "destination-postgres")
	b.visit("")
	b.sees("Met: Your e-mail address is verified", "Met: A card is saved", "Met: A connection uses an alpha or beta connector")
	b.doesNotSee("Not met")
	b.press("Enrol")
	b.sees("Welcome to the Free Connector Program", "Enrolled Since")

	s.spend(
		usage{account: account, connection: "notes", source: "source-notion", job: 1, seq: 1, records: 500_000},
		usage{account: account, connection: "shop", job: 2, seq: 1, records: 250_000},
	)
	want := map[string]used{"notes": {"0", "3"}, "shop": {"1.5", "0"}} // 6 credits a million records
	s.await("the usage is on the page", func(context.Context) (bool, any) {
		found := s.shown(b, "daily").Rows
		return maps.Equal(found, want), found
	})
	b.sees("notes free", "1.5 credits and 3 free")
	b.visit("")
	if left := b.available(); left != "-1.5" {
		s.t.Errorf("available are %s credits", left)
	}
}

// runOut has credits bought without anybody there. The account's plan is Make's: packs of 10,000 at 30 % more.
func (s *storefront) runOut(chromium context.Context) {
	const account = "maker"
	s.openCustomer(account, "make-10k", true)
	b := s.customer(chromium, account)
	b.sees("Available credits 10,000", "Subscription")
	s.saveCard(b, "Save a card", "pm_ok")

	b.visit("settings")
	b.run(chromedp.SendKeys("#max-amount", "50"))
	b.press("Switch on …")
	b.sees("When your credits fall to 0, 10,000 credits are bought for USD 11.70, plus tax where it applies.",
		"That includes a surcharge of 30 percent: by hand the same credits cost USD 9.00.",
		"It happens at most once in a period of your plan.", "Your own limit is USD 50.00 in a period, without tax.")
	b.picture("auto-purchase-confirm")
	b.press("Switch auto-purchase on")
	b.sees("Auto-purchase is on", "Your own limit in a period USD 50.00")

	b.visit("")
	b.mark()
	s.spend(usage{account: account, job: 1, operations: 6000})
	b.sees("Available credits 4,000")
	s.spend(usage{account: account, job: 1, operations: 3000}, usage{account: account, job: 2, operations: 1050})
	b.sees("Available credits 9,950", "Purchased", "Active", "Used in this period 10,050 credits")
	b.kept()
	b.visitUntil("purchases", "Auto-purchase")
	b.visitUntil("purchases", "Paid")
	b.sees("10,000", "USD 11.70", "Receipt")
	b.visit("settings")
	b.sees("Bought in this period 1, for USD 11.70")
}

// fixCard has an auto-purchase declined. The customer saves another card, and everything goes on.
func (s *storefront) fixCard(chromium context.Context) {
	const account = "bounce"
	s.openCustomer(account, "airbyte-cloud", true)
	s.tell(http.MethodPost, "/accounts/"+account+"/grants", map[string]any{"amount": "11"}, nil)
	b := s.customer(chromium, account)
	s.saveCard(b, "Save a card", "pm_declined")
	b.visit("settings")
	b.press("Switch on …")
	b.press("Switch auto-purchase on")
	b.sees("Auto-purchase is on")

	b.visit("")
	b.mark()
	s.spend(usage{account: account, connection: "shop", records: 2_000_000, job: 1, seq: 1}) // 12 credits
	b.sees("Your last payment failed", "You are out of credits", "Payment failed Your syncs do not start until a payment succeeds.",
		"Used in this period 12 credits")
	b.kept()
	if left := b.available(); left != "-1" {
		s.t.Errorf("available are %s credits", left)
	}
	if allowed, reason := s.gate(account, "shop"); allowed || reason != "payment_failed" {
		s.t.Errorf("the gate answers %t, %s", allowed, reason)
	}
	b.picture("payment-failed")
	b.look(phone, "light")
	b.picture("payment-failed-phone")
	b.look(desktop, "light")
	b.visitUntil("purchases", "The bank declined the card.")
	b.sees("Auto-purchase 31", "USD 77.50", "Failed")

	b.visit("")
	s.saveCard(b, "Fix payment", "pm_ok")
	b.press("Go to the overview")
	b.sees("Available credits 30", "Active Your syncs can run.")
	b.doesNotSee("payment failed", "out of credits")
	if allowed, reason := s.gate(account, "shop"); !allowed || reason != "active" {
		s.t.Errorf("the gate answers %t, %s", allowed, reason)
	}
	b.visitUntil("purchases", "Paid")
	b.sees("Failed", "Receipt")
}

// saveCard goes from the page, by a button of it or of the settings, to where a card is saved, and comes back.
func (s *storefront) saveCard(b *tab, button, card string) {
	s.t.Helper()
	if !strings.Contains(b.text(), button) {
		b.visit("settings")
	}
	b.press(button)
	b.choose(card)
	b.press("Save card")
	b.sees("Your card is saved")
}
