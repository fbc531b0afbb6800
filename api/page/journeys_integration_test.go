//go:build integration

package page_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"drawdown"
	"drawdown/api/office"
)

func TestBuying300Credits(t *testing.T) {
	b := open(t, newOffice())
	b.visit("")
	b.sees("Available credits 184.373")
	b.run(chromedp.SetValue("#quantity", "300"), chromedp.SendKeys("#quantity", "\b0"))
	b.sees("USD 750.00")
	b.picture("journey-buy-1-quantity")
	b.press("Continue to payment")
	b.sees("Pay 300")
	b.press("Pay")
	b.sees("Waiting for your payment")
	b.picture("journey-buy-2-waiting")
	value[bool](b, `window.sameDocument = true`)
	b.office.pay("order-new", "manual", 300)
	b.sees("Your credits have arrived", "Bought 300 credits", "Available credits 484.373")
	if !value[bool](b, `window.sameDocument === true`) {
		t.Error("the page was loaded again")
	}
	if said := value[string](b, `document.getElementById("announcer").textContent`); !strings.Contains(said, "Your credits have arrived. Available credits: 484.373") {
		t.Errorf("a screen reader hears %q", said)
	}
	b.picture("journey-buy-3-arrived")
	b.press("Go to the overview")
	b.sees("Available credits 484.373")
	b.visit("purchases")
	b.sees("USD 750.00", "Receipt")
}

func TestAStepperStaysWithinThePlansTerms(t *testing.T) {
	o := newOffice()
	o.change(func(v *office.Overview) { v.Plan = teamPlan() })
	b := open(t, o)
	b.visit("purchases")
	price := func(quantity, expected string) {
		t.Helper()
		b.run(chromedp.SetValue("#quantity", quantity))
		value[bool](b, `document.getElementById("quantity").dispatchEvent(new Event("input"))`)
		if found := value[string](b, `document.querySelector("[data-price]").textContent`); found != expected {
			t.Errorf("%s credits: %q, expected %q", quantity, found, expected)
		}
	}
	price("1000", "USD 0.90") // 9.00 / 10,000 each
	price("999000", "USD 899.10")
	price("1500", "–")
	b.sees("Credits are sold in units of 1,000.")
	price("2000000", "–")
	b.sees("The most you can buy at once is 1,000,000.")
	price("", "–")
	price("12e3", "–")
	price("1000", "USD 0.90")
	b.run(chromedp.Click(`[data-step="1"]`, chromedp.NodeVisible))
	b.sees("USD 9.90") // a step across a wide range is ten units
	b.run(chromedp.Click(`[data-step="-1"]`, chromedp.NodeVisible))
	b.sees("USD 0.90")
	if !value[bool](b, `document.querySelector('[data-step="-1"]').disabled`) {
		t.Error("there are fewer credits than the fewest")
	}
}

func TestThePriceOfTheScriptIsThatOfTheServer(t *testing.T) {
	o := newOffice()
	odd := cloudPlan()
	odd.Purchase.UnitPrice, odd.Purchase.Min, odd.Purchase.Max = unitPrice("0.334999999"), 1, 100_000_000
	o.change(func(v *office.Overview) { v.Plan = odd })
	b := open(t, o)
	server := visit(t, o, "customer")
	for _, quantity := range []string{"1", "3", "15", "12345", "99999999", "100000000"} {
		b.visit("purchases?quantity=" + quantity)
		price := value[string](b, `document.querySelector("[data-price]").textContent`)
		server.get("/billing/purchases?quantity="+quantity).expect(t, 200, "Price, without tax "+price)
	}
}

func TestEnrollingWithoutAndWithThePreconditions(t *testing.T) {
	b := open(t, newOffice())
	b.visit("")
	b.press("Enrol")
	b.sees("Not yet", "No card is saved yet.", "None of your connections uses an alpha or beta connector yet.")
	b.doesNotSee("Your e-mail address is not verified yet.")
	b.picture("journey-enrol-1-refused")
	b.office.saved("pm_1", false)
	b.office.change(func(v *office.Overview) { v.Enrolment.EligibleConnection = true })
	b.visit("")
	b.press("Enrol")
	b.sees("Welcome to the Free Connector Program", "Enrolled", "Since 20 March 2026")
	b.picture("journey-enrol-2-enrolled")
}

func TestSwitchingAutoPurchaseOnAndRunningOut(t *testing.T) {
	o := newOffice()
	o.saved("pm_1", false)
	b := open(t, o)
	b.visit("settings")
	b.run(chromedp.SendKeys("#max-amount", "150"))
	b.press("Switch on …")
	b.sees("When your credits fall below 10", "back to 30", "USD 2.50 per credit", "There is no surcharge.", "Your own limit is USD 150.00")
	if len(o.actions()) != 0 {
		t.Fatal("it was on before it was confirmed")
	}
	b.picture("journey-auto-1-confirm")
	b.press("Switch auto-purchase on")
	b.sees("Auto-purchase is on", "Your own limit in a period USD 150.00")
	limit := moneyOf("150.00")
	on, isOn := o.actions()[0].(office.SetAutoPurchase)
	if !isOn || !on.Enabled || on.MaxAmount == nil || *on.MaxAmount != limit {
		t.Errorf("what was done: %+v", o.actions())
	}
	b.visit("")
	o.change(func(v *office.Overview) {
		v.Balance.Grants, v.Balance.Status, v.Balance.AutoPurchase.Open = nil, drawdown.Purchasing, "acme:2"
	})
	b.sees("Credits are on their way", "Buying credits")
	o.pay("acme:2", "auto", 30)
	b.sees("Available credits 30", "Active", "At the recent rate of 7 credits a day")
	b.doesNotSee("Credits are on their way")
	b.visit("purchases")
	b.sees("Auto-purchase 30", "USD 75.00", "Paid")
}

func TestADeclinedCardIsFixed(t *testing.T) {
	o := newOffice()
	o.saved("pm_declined", false)
	b := open(t, o)
	b.visit("")
	o.change(func(v *office.Overview) {
		v.Balance.Grants, v.Balance.Status = nil, drawdown.PaymentFailed
		v.Balance.AutoPurchase.Enabled, v.Balance.AutoPurchase.PaymentFailed = true, true
	})
	b.sees("Your last payment failed", "You are out of credits", "There are none left.", "Payment failed Save a card that works.")
	b.picture("journey-declined-1-failed")
	b.press("Fix payment")
	b.sees("Save")
	b.press("Save")
	b.sees("Waiting for your card")
	o.saved("pm_good", false)
	b.sees("Your card is saved")
	b.doesNotSee("Your last payment failed")
	o.pay("acme:2", "auto", 30)
	b.visit("")
	b.sees("Available credits 30")
	b.doesNotSee("payment failed")
}

func TestTheWindowChangesWithoutAReload(t *testing.T) {
	b := open(t, newOffice())
	b.visit("usage")
	b.sees("Last 30 days 199 credits")
	columns := `document.querySelectorAll(".bars g").length`
	value[bool](b, `window.sameDocument = true`)
	for _, step := range []struct {
		window string
		points int
	}{{"26 weeks", 26}, {"12 months", 12}, {"30 days", 30}, {"12 months", 12}} {
		b.press(step.window)
		b.sees("Last " + step.window)
		if n := value[int](b, columns); n != step.points {
			t.Errorf("%s: %d columns, expected %d", step.window, n, step.points)
		}
		if focused := value[string](b, `document.activeElement.textContent`); focused != step.window {
			t.Errorf("%s: the focus went to %q", step.window, focused)
		}
	}
	value[bool](b, `history.back() === undefined`)
	b.sees("Last 30 days")
	if !value[bool](b, `window.sameDocument === true`) {
		t.Error("the page was loaded again")
	}
}

func TestBuyingWithTheKeyboardOnly(t *testing.T) {
	b := open(t, newOffice())
	b.visit("")
	tabTo := func(expression string) {
		t.Helper()
		for range 40 {
			b.run(chromedp.KeyEvent("\t"))
			if value[bool](b, `(() => { const at = document.activeElement; return `+expression+`; })()`) {
				if value[string](b, `getComputedStyle(document.activeElement).outlineStyle`) == "none" {
					t.Errorf("the focus can't be seen on %s", value[string](b, `document.activeElement.outerHTML`))
				}
				return
			}
		}
		t.Fatalf("no way by Tab to %s", expression)
	}
	tabTo(`at.classList.contains("skip")`)
	b.run(chromedp.KeyEvent("\r"))
	b.until(`document.activeElement.id === "main"`, "the skip link has led to the content")
	tabTo(`at.id === "quantity"`)
	b.run(chromedp.KeyEvent("300"))
	b.sees("USD 750.00")
	tabTo(`at.textContent === "Continue to payment"`)
	b.run(chromedp.KeyEvent("\r"))
	b.sees("Pay 300")
}

func TestReadingAndBuyingWithoutScripts(t *testing.T) {
	b := open(t, newOffice())
	call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	b.visit("usage?window=monthly")
	b.sees("Last 12 months", "crm → warehouse")
	b.visit("purchases")
	b.run(chromedp.SetValue("#quantity", "300"))
	b.press("Update the price")
	b.sees("USD 750.00")
	b.picture("journey-without-scripts")
	b.press("Continue to payment")
	b.sees("Pay 300")
	b.press("Pay")
	b.sees("Waiting for your payment")
	b.office.pay("order-new", "manual", 300)
	b.press("Check again")
	b.sees("Your credits have arrived")
}

func TestAStoppedConnectionIsLetGoOn(t *testing.T) {
	o := newOffice()
	b := open(t, o)
	b.visit("")
	b.run(chromedp.Focus("#quantity"))
	o.change(func(v *office.Overview) { v.Connections[1].Stopped = true })
	b.sees("Stopped: shop orders")
	if focused := value[string](b, `document.activeElement.id`); focused != "quantity" {
		t.Errorf("a refresh took the focus to %q", focused)
	}
	b.press("Let it go on")
	b.sees("The connection may sync again")
	if !slices.Contains(o.actions(), office.Action(office.AcknowledgeRunaway{Connection: "shop orders"})) {
		t.Errorf("what was done: %+v", o.actions())
	}
}

func TestALinkSignsInWithoutAClick(t *testing.T) {
	b := open(t, newOffice())
	call(b, network.ClearBrowserCookies, cdp.Empty{})
	b.visit("")
	b.sees("How to sign in")
	b.visit("link?token=good")
	b.sees("Available credits 184.373")
	b.press("Sign out")
	b.sees("You are signed out")
	b.visit("link?token=good")
	b.sees("This link does not work any more")
}
