//go:build integration

package e2e

import (
	"context"
	"net/http"
	"net/url"

	"github.com/chromedp/cdproto/emulation"
)

// signInAndOut: a link signs in once, and a signed-out browser shows nothing.
func (s *storefront) signInAndOut(chromium context.Context) {
	b := s.visitor(chromium)
	b.visit("usage")
	b.sees("How to sign in")
	b.doesNotSee("Usage per connection")
	link := s.link(history)
	b.follow(link) // needs no click
	b.sees("Available credits", "Account "+history)
	b.press("Sign out")
	b.sees("You are signed out")
	for _, place := range []string{"", "usage", "purchases", "settings"} {
		b.visit(place)
		b.sees("How to sign in")
	}
	b.follow(link)
	b.sees("This link does not work any more")
	b.visit("")
	b.sees("How to sign in")
}

// foreign: whoever is signed in sees their own account, whatever the address says, and of others not even that they are there.
func (s *storefront) foreign(chromium context.Context) {
	b := s.customer(chromium, "acme")
	for _, place := range []string{"?account=" + history, "usage?account=" + history, "purchases?account=" + history, "settings?account=" + history} {
		b.visit(place)
		b.sees("Account acme")
		b.doesNotSee(history, "Snowflake")
	}
	for _, connection := range []string{"Stripe → Snowflake", "none"} {
		b.visit("syncs/receipt?" + url.Values{"account": {history}, "connection": {connection}, "job": {"1000"}}.Encode())
		if status := b.status(); status != http.StatusNotFound {
			s.t.Errorf("the receipt of %s is answered %d: %s", connection, status, b.text())
		}
		b.sees("There is nothing here")
	}
	b.visit("syncs?" + url.Values{"connection": {"Stripe → Snowflake"}}.Encode())
	b.sees("There are no syncs.")

	var issued struct{ Secret string }
	s.tell(http.MethodPost, "/keys", map[string]any{"name": "acme", "role": "customer", "account": "acme"}, &issued)
	s.secret("a customer's API key", issued.Secret)
	if status, _ := s.ask(s.t.Context(), http.MethodGet, "/accounts/acme/balance", issued.Secret, nil); status != http.StatusOK {
		s.t.Errorf("the own balance is answered %d", status)
	}
	for _, account := range []string{history, "nobody"} {
		if status, _ := s.ask(s.t.Context(), http.MethodGet, "/accounts/"+account+"/balance", issued.Secret, nil); status != http.StatusNotFound {
			s.t.Errorf("the balance of %s is answered %d", account, status)
		}
	}
}

// readWithoutScripts reads every page in a browser that runs none, after a click that signs in.
func (s *storefront) readWithoutScripts(chromium context.Context) {
	b := s.visitor(chromium)
	send(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	b.follow(s.link(history))
	b.press("Continue")
	b.sees("Available credits", "Where they come from", "Used in this period", "Enrolled")
	b.visit("usage?window=weekly")
	b.sees("Last 26 weeks", "Stripe → Snowflake", "GitHub → Postgres removed", "The chart as a table")
	b.press("The chart as a table")
	b.sees("Credits over time, billed by connection")
	b.visit("purchases")
	b.sees("600 USD 1,500.00 + USD 120.00 tax Paid", "Update the price")
	b.visit("syncs?" + url.Values{"connection": {"Stripe → Snowflake"}}.Encode())
	b.sees("Syncs of Stripe → Snowflake", "1199")
	b.visit("settings")
	b.sees("Auto-purchase", "Contacts")
}
