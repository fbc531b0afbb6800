package page_test

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"drawdown"
	"drawdown/api/office"
	"drawdown/sinks/clickhouse/report"
)

func TestOrdersAreHeldToThePlansTerms(t *testing.T) {
	o := newOffice()
	o.checkout = "https://checkout.stripe.com"
	v := visit(t, o, "customer")
	for quantity, says := range map[string]string{
		"99": "The least you can buy at once is 100 credits.", "1000": "The most you can buy at once is 999 credits.", "": "Enter a whole number of credits.",
		"1.5": "Enter a whole number of credits.", "1e2": "Enter a whole number of credits.", "-5": "The least", "99999999999999999999": "Enter a whole number",
	} {
		v.post("/billing/purchases", url.Values{"quantity": {quantity}}).expect(t, http.StatusUnprocessableEntity, says)
	}
	if len(o.keys) != 0 {
		t.Fatalf("%d orders were taken", len(o.keys))
	}
	order := url.Values{"quantity": {"300"}, "key": {"K"}}
	answer := v.post("/billing/purchases", order)
	if at := answer.header.Get("Location"); answer.status != http.StatusSeeOther || at != "https://checkout.stripe.com/pay?purchase=order-new&quantity=300" {
		t.Errorf("%d to %q", answer.status, at)
	}
	v.post("/billing/purchases", order)
	order.Set("quantity", "301")
	v.post("/billing/purchases", order)
	if o.keys[0] == "" || len(o.keys[0]) > 64 || o.keys[0] != o.keys[1] || o.keys[1] == o.keys[2] {
		t.Errorf("the keys of an order, of the same and of another: %q", o.keys)
	}
	o.change(func(v *office.Overview) { v.Plan = freePlan() })
	v.post("/billing/purchases", order).expect(t, http.StatusConflict, "Your plan does not sell credits.")
}

func TestReturningFromTheCheckout(t *testing.T) {
	o := newOffice()
	v := visit(t, o, "customer")
	if answer := v.get("/billing/returned"); answer.status != http.StatusSeeOther {
		t.Errorf("who comes from nowhere gets %d", answer.status)
	}
	v.post("/billing/purchases", url.Values{"quantity": {"300"}})
	v.get("/billing/returned").expect(t, 200, "Waiting for your payment")
	o.purchases = append(o.purchases, report.Purchase{ID: "order-new", Kind: "manual", State: "failed", Reason: "card_declined"})
	v.get("/billing/returned").expect(t, 200, "The payment did not go through The bank declined the card.")
	o.purchases[len(o.purchases)-1].State = "settled" // and all of it went to what was not covered
	v.get("/billing/returned").expect(t, 200, "Your credits have arrived")
	o.purchases = nil
	o.pay("order-new", "manual", 300)
	v.get("/billing/returned").expect(t, 200, "Your credits have arrived", "Bought 300 credits", "Available credits 484.373")

	v.cookies = nil
	v.post("/billing/cards", url.Values{"slot": {"backup"}})
	v.get("/billing/returned").expect(t, 200, "Waiting for your card")
	o.saved("pm_primary", false)
	v.get("/billing/returned").expect(t, 200, "Waiting for your card")
	o.saved("pm_backup", true)
	v.get("/billing/returned").expect(t, 200, "Your card is saved")
	if at := v.get("/billing/cancelled").header.Get("Location"); at != "/billing/purchases?said=cancelled" {
		t.Errorf("who cancels goes to %s", at)
	}
	v.get("/billing/purchases?said=cancelled").expect(t, 200, "Nothing was paid")
	v.cookies = []*http.Cookie{{Name: "drawdown_begun", Value: "order.zz"}}
	if answer := v.get("/billing/returned"); answer.status != http.StatusSeeOther {
		t.Errorf("a cookie of somebody's own making gets %d", answer.status)
	}
}

func TestAutoPurchaseIsSpeltOutBeforeItIsOn(t *testing.T) {
	o := newOffice()
	v := visit(t, o, "customer")
	v.get("/billing/auto-purchase?max_amount=1,000").expect(t, 200, "Your own limit is USD 1,000.00 in a period", "No card is saved:")
	v.get("/billing/auto-purchase?max_amount=x").expect(t, 422, "Enter an amount of money")
	o.change(func(v *office.Overview) { v.Plan, v.Profile.Primary.Method = teamPlan(), "pm_1" })
	v.get("/billing/auto-purchase").expect(t, 200, "When your credits fall to 0, 10,000 credits are bought for USD 11.70, plus tax where it applies.",
		"That includes a surcharge of 30 percent: by hand the same credits cost USD 9.00.", "It happens at most once in a period of your plan.", "You have set no limit of your own.")
	o.empty(drawdown.Exhausted)
	v.get("/billing/auto-purchase").expect(t, 200, "You have 0 credits : the first purchase is made right after you confirm.")
	v.post("/billing/auto-purchase", url.Values{"enabled": {"on"}, "max_amount": {"x"}}).expect(t, 422, "Enter an amount of money")
	if at := v.post("/billing/auto-purchase", url.Values{"enabled": {"on"}, "max_amount": {"25"}}).header.Get("Location"); at != "/billing/settings?said=auto_purchase_on" {
		t.Errorf("it goes on to %q", at)
	}
	if at := v.post("/billing/auto-purchase", url.Values{"enabled": {"off"}}).header.Get("Location"); at != "/billing/settings?said=auto_purchase_off" {
		t.Errorf("it goes on to %q", at)
	}
	limit := moneyOf("25.00")
	for i, enabled := range []bool{true, false} {
		if set, is := o.done[i].(office.SetAutoPurchase); !is || set.Enabled != enabled || *set.MaxAmount != limit {
			t.Errorf("what was done: %+v", o.done[i])
		}
	}
	o.change(func(v *office.Overview) { v.Plan = freePlan() })
	if answer := v.get("/billing/auto-purchase"); answer.status != http.StatusSeeOther {
		t.Errorf("a plan without it: %d", answer.status)
	}
}

func TestSettingsAreSaved(t *testing.T) {
	o := newOffice()
	o.overview.Profile.OptOuts = []string{"a_kind_of_tomorrow", "resumed"}
	v := visit(t, o, "customer")
	post := func(place string, form url.Values, expected office.Action) {
		t.Helper()
		before := len(o.done)
		answer := v.post("/billing/"+place, form)
		if answer.status != http.StatusSeeOther || len(o.done) != before+1 {
			t.Fatalf("%s: %d, %s", place, answer.status, answer.text())
		}
		if o.done[before] != expected && expected != nil {
			t.Errorf("%s: %+v, expected %+v", place, o.done[before], expected)
		}
	}
	post("settings/priority", url.Values{"connection": {"shop orders"}, "priority": {"low"}}, office.Prioritize{Connection: "shop orders", Priority: "low"})
	post("settings/gate", url.Values{"reserve": {"1,000.5"}, "runaway_factor": {"5"}, "runaway_min": {""}}, office.SetGate{Reserve: credits(1000) + 500_000_000, RunawayFactor: 5})
	post("settings/acknowledgement", url.Values{"connection": {" odd name "}}, office.AcknowledgeRunaway{Connection: " odd name "})
	post("cards/removal", url.Values{"slot": {"backup"}}, office.RemovePaymentMethod{Backup: true})
	post("settings/contacts", url.Values{"email": {"ada@acme.example"}, "recipients": {"a@x.example\r\n b@x.example , a@x.example"}, "kinds": {"exhausted", "runaway"}}, nil)
	set, ok := o.done[len(o.done)-1].(office.SetContacts)
	if !ok || set.Email != nil || !slices.Equal(*set.Recipients, []string{"a@x.example", "b@x.example"}) {
		t.Errorf("contacts: %+v", set)
	}
	if outs := *set.OptOuts; outs[0] != "a_kind_of_tomorrow" || slices.Contains(outs, "exhausted") || !slices.Contains(outs, "resumed") || len(outs) != 13 {
		t.Errorf("opt-outs: %q", outs)
	}
	post("settings/contacts", url.Values{"email": {"new@acme.example"}}, nil)
	v.get("/billing/settings").expect(t, 200, "not verified")
	for place, form := range map[string]url.Values{
		"settings/contacts":  {"email": {"nobody"}},
		"settings/gate":      {"reserve": {"-1"}},
		"settings/gate?":     {"runaway_factor": {"1"}},
		"settings/contacts?": {"email": {"ada@acme.example"}, "recipients": {strings.Repeat("a@x.example\nb@", 1) + strings.Repeat("x", 200) + ".example"}},
	} {
		v.post("/billing/"+place, form).expect(t, 422, "That was not saved")
	}
}

func TestAWriteThatIsNotAppliedIsSaidSo(t *testing.T) {
	o := newOffice()
	v := visit(t, o, "customer")
	o.state, o.reason = office.Rejected, drawdown.UnknownConnection
	v.post("/billing/settings/priority", url.Values{"connection": {"x"}, "priority": {"low"}}).expect(t, 409, "That connection is not there any more.", "Contacts")
	o.reason = drawdown.SamePlan
	v.post("/billing/settings/acknowledgement", url.Values{"connection": {"x"}}).expect(t, 409, "something changed meanwhile", "Available credits")
	o.state = office.Appended
	answer := v.post("/billing/settings/acknowledgement", url.Values{"connection": {"x"}})
	if at := answer.header.Get("Location"); at != "/billing/?said=appended" {
		t.Errorf("it goes on to %q", at)
	}
	v.get("/billing/?said=appended").expect(t, 200, "It will show here within moments.")
	o.state, o.fails["do"] = "", &office.Error{Kind: office.Forbidden, Reason: "missing_scope", Detail: "You may look only."}
	v.post("/billing/program", nil).expect(t, 403, "You may look only.")
	o.fails["do"] = errors.New("secret")
	answer = v.post("/billing/program", nil)
	answer.expect(t, 500)
	answer.expectNot(t, "secret")
}
