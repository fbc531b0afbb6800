//go:build integration

package page_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"

	"drawdown"
	"drawdown/api/office"
	"drawdown/balance"
	"drawdown/internal/servers/browser"
)

// troubled is an account with everything that needs attention at once, and a hostile name.
func troubled() *fakeOffice {
	o := newOffice()
	name := `<img src=x onerror="alert(1)">` + "\u202e" + strings.Repeat("verylongname", 9)
	o.change(func(v *office.Overview) {
		v.Balance.Status, v.Balance.AutoPurchase.PaymentFailed, v.Balance.AutoPurchase.Enabled = drawdown.PaymentFailed, true, true
		v.Balance.Grants, v.Balance.Overdraft = nil, credits(2)
		v.Balance.Held = credits(1)
		v.Balance.Holds = []drawdown.HoldBalance{{HeldFor: drawdown.HeldFor{Hold: "h", Connection: name, Job: 9}, Amount: credits(1), Remaining: credits(1), ExpiresAt: at(1)}}
		v.Profile.Primary.Method, v.Profile.Backup.Method, v.Profile.EmailVerified = "pm_1", "pm_2", false
		v.Connections = append(v.Connections, balance.ConnectionOverview{Connection: name, SourceConnector: name, DestinationConnector: "d", Known: true, Stopped: true, Free: true})
		v.EnrolledAt = at(-5)
	})
	o.useEvenly(name, 3)
	o.free[name] = true
	for i := range 8 {
		o.useEvenly(fmt.Sprintf("connection %d", i), int64(i))
	}
	o.leave(name, at(10))
	return o
}

func TestAxeFindsNoViolationOnAnyPage(t *testing.T) {
	axe, err := browser.Axe()
	if err != nil {
		t.Fatal(err)
	}
	b := open(t, newOffice())
	check := func(name, place string) {
		t.Helper()
		b.visit(place)
		value[int](b, `document.querySelectorAll("details").forEach((d) => { d.open = true; }); 0`)
		value[int](b, axe+"; 0")
		for _, width := range []int64{320, 1280} {
			for _, scheme := range []string{"light", "dark"} {
				b.look(width, scheme)
				b.checkWith(fmt.Sprintf("%s-%d-%s", name, width, scheme), scheme == "dark")
			}
		}
	}
	check("overview", "")
	check("usage", "usage")
	check("syncs", "syncs")
	check("receipt", "syncs/receipt?connection=shop+orders&job=41")
	check("purchases", "purchases")
	check("refused", "purchases?quantity=5")
	check("confirm", "auto-purchase?max_amount=100")
	check("settings", "settings?said=contacts_saved")
	check("signin", "signin")
	check("nothing-here", "nothing")
	call(b, network.Enable, network.EnableParams{})
	call(b, network.SetBlockedURLs, network.SetBlockedURLsParams{URLPatterns: []*network.BlockPattern{{URLPattern: "*://*:*/*.js", Block: true}}}) // or the script would press the button
	check("link", "link?token=good")
	call(b, network.SetBlockedURLs, network.SetBlockedURLsParams{})

	b.become(troubled())
	check("troubled-overview", "")
	check("troubled-usage", "usage?window=weekly")
	check("troubled-settings", "settings")
}

// checkWith fails for each violation of the page as it looks now, and where the page is wider than the screen.
//
// The colours of the dark scheme are all that differs from the light one, so only they are looked at again.
func (b *tab) checkWith(name string, coloursOnly bool) {
	b.t.Helper()
	rules := ""
	if coloursOnly {
		rules = `, runOnly: ["color-contrast", "link-in-text-block"]`
	}
	violations := value[[]string](b, `axe.run(document, {resultTypes: ["violations"]`+rules+`}).then((result) => result.violations.flatMap((v) => v.nodes.map((n) => v.id + ": " + n.html.slice(0, 200) + " " + n.failureSummary)))`)
	for _, violation := range violations {
		b.t.Errorf("%s: %s", name, violation)
	}
	b.picture(name)
	if wide := value[string](b, `document.documentElement.scrollWidth > document.documentElement.clientWidth ? [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > innerWidth && !e.closest(".scroll")).map((e) => e.outerHTML.slice(0, 120)).join(" | ") || "something" : ""`); wide != "" {
		b.t.Errorf("%s: the page scrolls sideways: %s", name, wide)
	}
}

// become gives the account another state.
func (b *tab) become(o *fakeOffice) {
	b.office.mu.Lock()
	defer b.office.mu.Unlock()
	b.office.overview, b.office.usage, b.office.free, b.office.ledger = o.overview, o.usage, o.free, o.ledger
}
