package page_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"drawdown"
	"drawdown/api/office"
	"drawdown/balance"
	"drawdown/sinks/clickhouse/report"
)

func TestAnOverviewSaysHowTheAccountStands(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*office.Overview)
		says   []string
		not    []string
	}{
		"active": {
			change: func(*office.Overview) {},
			says:   []string{"Active Your syncs can run.", "Promotional until 29 March 2026 soon 3.25 14", "Purchased until 14 January 2027 181.123 200", "period until 10 April 2026", "they run out about 15 April 2026", "98 credits"},
			not:    []string{"running low", "out of credits", "failed", "held for syncs", "not covered"},
		},
		"held": {
			change: func(v *office.Overview) {
				v.Balance.Held = credits(5)
				v.Balance.Holds = []drawdown.HoldBalance{{HeldFor: drawdown.HeldFor{Hold: "h", Connection: "shop orders", Job: 7}, Amount: credits(5), Remaining: credits(5), ExpiresAt: at(1)}}
			},
			says: []string{"Available credits 179.373", "5 credits more are held for syncs under way.", "shop orders , job 7: 5 credits , until 21 Mar 2026, 14:30 UTC"},
		},
		"low": {
			change: func(v *office.Overview) {
				v.Balance.Grants = v.Balance.Grants[:1]
			},
			says: []string{"Credits are running low You have 3.25 credits left. Buy credits"},
		},
		"exhausted": {
			change: func(v *office.Overview) {
				v.Balance.Grants, v.Balance.Status, v.Balance.Overdraft = nil, drawdown.Exhausted, credits(1)
			},
			says: []string{"Available credits −1", "You are out of credits Syncs do not start until there are credits again. Usage of 1 credit is not covered yet"},
			not:  []string{"running low"},
		},
		"grace": {
			change: func(v *office.Overview) { v.Balance.Grants, v.Balance.Status = nil, drawdown.Grace },
			says:   []string{"There are none left.", "You are out of credits Syncs still run for a limited time."},
		},
		"purchasing": {
			change: func(v *office.Overview) {
				v.Balance.Grants, v.Balance.Status, v.Balance.AutoPurchase.Open = nil, drawdown.Purchasing, "acme:2"
			},
			says: []string{"Credits are on their way", "Buying credits"},
			not:  []string{"out of credits"},
		},
		"payment failed with credits": {
			change: func(v *office.Overview) { v.Balance.AutoPurchase.PaymentFailed = true },
			says:   []string{"Your last payment failed", "Syncs run as long as you have credits. Fix payment"},
			not:    []string{"out of credits"},
		},
		"capped by the plan": {
			change: func(v *office.Overview) {
				v.Plan, v.Profile.Primary.Method, v.Balance.Grants, v.Balance.Status = teamPlan(), "pm_1", nil, drawdown.Exhausted
				v.Balance.AutoPurchase = drawdown.AutoPurchaseBalance{Enabled: true, AutoPurchases: 1, Amount: moneyOf("11.70")}
			},
			says: []string{"Auto-purchase has reached its limit Credits are due to be bought, but your plan allows 1 auto-purchase in a period. Nothing is bought until the limit is raised or the next period starts on 10 April 2026."},
		},
		"capped by the customer": {
			change: func(v *office.Overview) {
				limit := moneyOf("20.00")
				v.Profile.Primary.Method, v.Balance.Grants, v.Balance.Status, v.MaxAmount = "pm_1", nil, drawdown.Exhausted, &limit
				v.Balance.AutoPurchase.Enabled = true
			},
			says: []string{"but your own limit is USD 20.00 in a period."},
		},
		"stopped": {
			change: func(v *office.Overview) { v.Connections[0].Stopped = true },
			says:   []string{"Stopped: crm → warehouse", "Let it go on"},
		},
		"enrolled": {
			change: func(v *office.Overview) { v.EnrolledAt = at(-3) },
			says:   []string{"Free Connector Program Enrolled Since 17 March 2026"},
			not:    []string{"You need:"},
		},
		"not enrolled": {
			change: func(v *office.Overview) { v.Profile.EmailVerified, v.Enrolment.EligibleConnection = false, true },
			says:   []string{"Not met: Your e-mail address is verified", "Not met: A card is saved", "Met: A connection uses an alpha or beta connector"},
		},
		"a plan that sells nothing": {
			change: func(v *office.Overview) { v.Plan = freePlan() },
			says:   []string{"Your plan does not include extra credits. You can buy credits under cloud , team-10k . Talk to sales to change your plan.", "Your plan has no auto-purchase."},
			not:    []string{"Continue to payment"},
		},
		"another plan waits": {
			change: func(v *office.Overview) { v.Profile.WaitingPlan = "team-10k" },
			says:   []string{"period until 10 April 2026 · then plan team-10k"},
		},
		"credits of a period": {
			change: func(v *office.Overview) { v.Plan = teamPlan() },
			says:   []string{"USD 9.00 per 10,000 credits", "Price, without tax USD 0.90", "in units of 1,000", "valid until the end of your plan’s period, 10 April 2026"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice()
			o.change(c.change)
			if name == "not enrolled" {
				o.overview.Enrolment.EligibleConnection = true
			}
			overview := visit(t, o, "customer").get("/billing/")
			overview.expect(t, http.StatusOK, c.says...)
			overview.expectNot(t, c.not...)
		})
	}
}

func TestBannersAreOnEveryPage(t *testing.T) {
	o := newOffice()
	o.empty(drawdown.Exhausted)
	v := visit(t, o, "customer")
	for _, path := range []string{"", "usage", "syncs", "purchases", "settings", "auto-purchase"} {
		v.get("/billing/"+path).expect(t, http.StatusOK, "You are out of credits")
	}
}

func TestAConnectionThatLeavesTheProgramIsToldUntilItHasLeft(t *testing.T) {
	o := newOffice()
	o.change(func(v *office.Overview) { v.EnrolledAt = at(-30) })
	o.leave("shop orders", at(10))
	o.leave("shop orders", at(10)) // said once
	o.leave("crm → warehouse", at(-1))
	o.leave("old import", at(5)) // removed
	overview := visit(t, o, "customer").get("/billing/")
	overview.expect(t, http.StatusOK, "shop orders leaves the Free Connector Program It is free until 30 March 2026.")
	overview.expectNot(t, "warehouse leaves", "import leaves")
	if n := strings.Count(overview.text(), "shop orders leaves"); n != 1 {
		t.Errorf("it is said %d times", n)
	}
}

func TestForecasts(t *testing.T) {
	o := newOffice()
	v := visit(t, o, "customer")
	o.runsOut = o.runsOut.AddDate(0, 0, 1)
	v.get("/billing/").expect(t, 200, "At the recent rate of 7 credits a day, they run out about 16 April 2026")
	o.runsOut = report.Usage{}.AsOf
	v.get("/billing/").expect(t, 200, "they last for more than a year")
	o.perDay = 0
	v.get("/billing/").expect(t, 200, "There is nothing to tell it from yet.")
}

func TestAReportThatIsAwayLeavesTheRest(t *testing.T) {
	away := &office.Error{Kind: office.Unavailable, Reason: "reports_unavailable", Detail: "clickhouse-7:9000 refused"}
	for path, c := range map[string]struct{ part, says, also string }{
		"/billing/":          {"usage", "We can’t show your usage right now.", "Available credits 184.373"},
		"/billing/?":         {"forecast", "We can’t show the forecast right now.", "Available credits 184.373"},
		"/billing/usage":     {"usage", "We can’t show your usage right now.", "Total usage"},
		"/billing/purchases": {"purchases", "We can’t show your purchases right now.", "Continue to payment"},
		"/billing/syncs":     {"syncs", "We can’t show your syncs right now.", "Back to usage"},
	} {
		for _, err := range []error{away, errors.New("clickhouse-7:9000 refused")} {
			o := newOffice()
			o.fails[c.part] = err
			answer := visit(t, o, "customer").get(path)
			answer.expect(t, http.StatusOK, c.says, c.also)
			answer.expectNot(t, "clickhouse")
		}
	}
	o := newOffice()
	o.fails["overview"] = away
	answer := visit(t, o, "customer").get("/billing/")
	answer.expect(t, http.StatusServiceUnavailable, "We can’t show this right now")
	answer.expectNot(t, "clickhouse")
	o.fails["overview"] = errors.New("secret")
	answer = visit(t, o, "customer").get("/billing/")
	answer.expect(t, http.StatusInternalServerError, "Something went wrong")
	answer.expectNot(t, "secret")
}

func TestUsageIsShownByConnection(t *testing.T) {
	o := newOffice()
	o.free["shop orders"] = true
	answer := visit(t, o, "customer").get("/billing/usage")
	answer.expect(t, 200, "Last 30 days 144 credits and 55 free", "crm → warehouse source-salesforce → destination-snowflake · Syncs of crm → warehouse 124 0", "old import removed source-file → destination-postgres · Syncs of old import 20 0", "Total 144 55")
	if n := strings.Count(answer.body, `class="free"`); n != 31 { // each day, and the legend
		t.Errorf("%d parts of the chart are free", n)
	}
	visit(t, o, "customer").get("/billing/usage?window=monthly").expect(t, 200, "Last 12 months", "March 2026")
	visit(t, o, "customer").get("/billing/usage?window=hourly").expect(t, 200, "Last 30 days")
	o.usage = nil
	visit(t, o, "customer").get("/billing/usage").expect(t, 200, "No connection used anything in this time.")
}

func TestAReceiptAddsUp(t *testing.T) {
	v := visit(t, newOffice(), "customer")
	v.get("/billing/syncs/receipt?connection=crm&job=41").expect(t, 200,
		"contacts 500,000 records api, version 2026-01 3", "not named 1,000 records api, version 2026-01 free would have cost 1", "order-1 2", "Not covered at the time 1")
	for _, path := range []string{"connection=crm&job=42", "connection=crm&job=x", "job=41"} {
		v.get("/billing/syncs/receipt?"+path).expect(t, 404, "There is nothing here")
	}
	v.get("/billing/syncs?connection=shop+orders").expect(t, 200, "Syncs of shop orders", "Earlier syncs")
}

func TestPurchasesAreShownWithWhatBecameOfThem(t *testing.T) {
	o := newOffice()
	o.purchases = append(o.purchases,
		report.Purchase{ID: "acme:2", Kind: "auto", State: "open", Quantity: "30", Amount: "75.00", Currency: "USD", Reason: "insufficient_funds", RequestedAt: now},
		report.Purchase{ID: "x", Kind: "manual", State: "settled", Quantity: "1", Amount: "2.50", Currency: "USD", Receipt: "javascript:alert(1)", SettledAt: now},
	)
	answer := visit(t, o, "customer").get("/billing/purchases")
	answer.expect(t, 200, "28 USD 70.00 Failed The bank declined the card.", "200 10 refunded USD 500.00 + USD 95.00 tax Paid Receipt of order-1",
		"Waiting for payment There was not enough money on the card’s account. It is tried again.", "Receipt javascript:alert(1)")
	if strings.Contains(answer.body, `href="javascript:`) || !strings.Contains(answer.body, `href="https://pay.example/receipts/1"`) {
		t.Error("a receipt's address is not what it should be")
	}
}

func TestWhatRefreshesByItself(t *testing.T) {
	o := newOffice()
	v := visit(t, o, "customer")
	first := v.get("/billing/live?view=overview")
	first.expect(t, 200, "Available credits 184.373", "Used in this period")
	ask := func(tag string) answered {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/billing/live?view=overview", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("If-None-Match", tag)
		return v.send(r)
	}
	tag := first.header.Get("ETag")
	if same := ask(tag); same.status != http.StatusNotModified || same.body != "" {
		t.Errorf("what has not changed: %d %q", same.status, same.body)
	}
	o.pay("p", "manual", 10)
	if changed := ask(tag); changed.status != 200 || changed.header.Get("ETag") == tag {
		t.Errorf("what has changed: %d", changed.status)
	}
	o.empty(drawdown.Exhausted)
	empty := v.get("/billing/live?view=overview")
	empty.expect(t, 200, "There are none left.")
	o.pay("q", "manual", 10)
	o.fails["usage"], o.fails["ledger"], o.fails["forecast"] = errors.New("asked"), errors.New("asked"), errors.New("asked")
	again := v.get("/billing/live?view=overview")
	again.expect(t, 200, "We can’t show the forecast right now.", "We can’t show your usage right now.")
	o.fails["usage"], o.fails["forecast"] = &office.Error{Kind: office.Invalid}, &office.Error{Kind: office.Invalid} // refused if asked for
	if same := ask(again.header.Get("ETag")); same.status != http.StatusNotModified {
		t.Errorf("reports are asked for although nothing has changed: %d", same.status)
	}
	v.get("/billing/live").expect(t, 200)
	v.who = ""
	v.get("/billing/live?view=overview").expect(t, http.StatusUnauthorized)
}

func TestAHostileNameIsText(t *testing.T) {
	o := newOffice()
	name := `"><script>alert(1)</script>` + "\u202e"
	o.change(func(v *office.Overview) {
		v.Connections = append(v.Connections, balance.ConnectionOverview{Connection: name, SourceConnector: name, DestinationConnector: name, Known: true, Stopped: true})
		v.EnrolledAt = at(-1)
		v.Profile.Recipients = []string{name}
		v.Profile.WaitingPlan = name
	})
	o.useEvenly(name, 100)
	o.leave(name, at(3))
	v := visit(t, o, "customer")
	for _, path := range []string{"", "usage", "settings", "purchases", "syncs/receipt?job=41&connection=" + url.QueryEscape(name), "syncs?connection=" + url.QueryEscape(name)} {
		answer := v.get("/billing/" + path)
		answer.expect(t, 200)
		if strings.Contains(answer.body, "<script>") {
			t.Errorf("%s has a script of a connection's name", path)
		}
		if strings.ContainsRune(strings.ReplaceAll(answer.body, `value="`+"&#34;&gt;&lt;script&gt;alert(1)&lt;/script&gt;\u202e"+`"`, ""), '\u202e') && path != "settings" {
			t.Errorf("%s has a character that turns the direction of reading", path)
		}
	}
	if answer := v.post("/billing/settings/acknowledgement", url.Values{"connection": {name}}); answer.status != http.StatusSeeOther || o.done[0] != office.Action(office.AcknowledgeRunaway{Connection: name}) {
		t.Errorf("its name does not come back as it was: %d %+v", answer.status, o.done)
	}
}
