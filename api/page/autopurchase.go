package page

import (
	"net/http"
	"strings"

	"drawdown"
	"drawdown/api/office"
)

// autoCard is auto-purchase as it stands.
type autoCard struct {
	Offered  bool
	Enabled  bool
	Saved    bool     // a card that pays
	Terms    []string // price, surcharge, cap: what it does, in sentences
	Currency string
	Limit    string // the customer's own, as it is shown; "" for none
	LimitRaw string // as it is entered
	Bought   int64  // in this period
	Spent    string
	Open     bool // one is being paid
}

func (v *visit) autoCard(f *facts) autoCard {
	card := autoCard{Currency: f.plan.Currency, Enabled: f.Balance.AutoPurchase.Enabled, Saved: f.Profile.Primary.Method != ""}
	if f.plan.AutoPurchase == nil {
		return card
	}
	card.Offered, card.Terms = true, autoTerms(f.plan)
	card.Bought, card.Spent = f.Balance.AutoPurchase.AutoPurchases, money(f.plan.Currency, f.Balance.AutoPurchase.Amount)
	card.Open = f.Balance.AutoPurchase.Open != ""
	if f.MaxAmount != nil {
		card.Limit, card.LimitRaw = money(f.plan.Currency, *f.MaxAmount), f.MaxAmount.String()
	}
	return card
}

// autoTerms spells out a plan's rule: when it buys, how much, at what price, how often.
func autoTerms(plan *drawdown.Plan) []string {
	rule := plan.AutoPurchase
	p, plain := priceOf(plan, rule.SurchargePercent), priceOf(plan, 0)
	var terms []string
	if rule.IsPack() {
		terms = append(terms, "When your credits fall to "+credits(rule.Threshold).Shown+", "+whole(rule.Pack).Text()+" are bought for "+p.Shown(rule.Pack)+", plus tax where it applies.")
	} else {
		terms = append(terms,
			"When your credits fall below "+credits(rule.Threshold).Shown+", as many are bought as bring you back to "+credits(rule.Target).Shown+", in whole credits and at least "+whole(rule.Min).Text()+".",
			"Each credit costs as much as by hand: "+p.Text+", plus tax where it applies. The least that is bought costs "+p.Shown(rule.Min)+".")
		if rule.SurchargePercent > 0 {
			terms[1] = "The least that is bought, " + whole(rule.Min).Text() + ", costs " + p.Shown(rule.Min) + ", plus tax where it applies."
		}
	}
	switch {
	case rule.SurchargePercent > 0 && rule.IsPack():
		terms = append(terms, "That includes a surcharge of "+plural(rule.SurchargePercent, "percent", "percent")+": by hand the same credits cost "+plain.Shown(rule.Pack)+".")
	case rule.SurchargePercent > 0:
		terms = append(terms, "That includes a surcharge of "+plural(rule.SurchargePercent, "percent", "percent")+" on the price of "+plain.Text+".")
	default:
		terms = append(terms, "There is no surcharge.")
	}
	return append(terms, capText(plan))
}

// capText says how often the plan allows auto-purchases.
func capText(plan *drawdown.Plan) string {
	switch n, bounded := capOf(plan); {
	case bounded && n == 1:
		return "It happens at most once in a period of your plan."
	case bounded:
		return "It happens at most " + plural(n, "time", "times") + " in a period of your plan."
	}
	return "Your plan sets no limit on how often; you can set a limit of your own."
}

// capOf is the plan's limit of auto-purchases a period (contract, section 6).
func capOf(plan *drawdown.Plan) (int64, bool) {
	rule := plan.AutoPurchase
	switch rule.Cap.Kind {
	case drawdown.CapSubscription:
		return int64(plan.Subscription.Credits) / (rule.Pack * int64(drawdown.Credit)), true
	case drawdown.CapCount:
		return rule.Cap.Count, true
	case drawdown.CapNone:
	}
	return 0, false
}

// limitText says which limit is reached.
func (v *visit) limitText(f *facts) string {
	if n, bounded := capOf(f.plan); bounded && f.Balance.AutoPurchase.AutoPurchases >= n {
		return "your plan allows " + plural(n, "auto-purchase", "auto-purchases") + " in a period"
	}
	if f.MaxAmount != nil {
		return "your own limit is " + money(f.plan.Currency, *f.MaxAmount) + " in a period"
	}
	return "a limit is reached"
}

// confirmPage spells out what switching auto-purchase on means, before it is on.
type confirmPage struct {
	*shell
	Auto          autoCard
	Limit         string // as entered
	LimitShown    string
	Fault         string
	BuysAtOnce    bool
	CancelURL     string
	AlreadyOn     bool
	BalanceAmount amount
}

// confirmAutoPurchase is the step before auto-purchase is on, or has another limit.
func (v *visit) confirmAutoPurchase() error { return v.confirmOf(nil, http.StatusOK) }

func (v *visit) confirmOf(problem *banner, status int) error {
	f, err := v.facts()
	if err != nil {
		return err
	}
	page := &confirmPage{
		shell: v.shell("settings", "Switch auto-purchase on").of(f, ""), Auto: v.autoCard(f), Limit: v.field("max_amount"),
		CancelURL: v.url("settings") + "#auto-purchase",
		AlreadyOn: f.Balance.AutoPurchase.Enabled, BalanceAmount: credits(f.balance()),
	}
	if problem != nil {
		page.Said = problem
	}
	if !page.Auto.Offered {
		return v.seeOther(v.url("settings") + "#auto-purchase")
	}
	if page.AlreadyOn {
		page.Title = "Change auto-purchase"
	}
	limit, fault := limitOf(page.Limit)
	if page.Fault = fault; fault != "" {
		status = http.StatusUnprocessableEntity
	} else if limit != nil {
		page.LimitShown = money(f.plan.Currency, *limit)
	}
	page.BuysAtOnce = buysAtOnce(f)
	return v.render(status, "confirm", page)
}

// buysAtOnce reports whether credits are due to be bought as soon as auto-purchase is on.
func buysAtOnce(f *facts) bool {
	rule := f.plan.AutoPurchase
	if f.Balance.AutoPurchase.Enabled || f.Profile.Primary.Method == "" || f.paymentFailed() || f.Balance.AutoPurchase.Open != "" {
		return false
	}
	if rule.IsPack() {
		return f.balance() <= rule.Threshold
	}
	return f.balance() < rule.Threshold
}

// limitOf reads a limit of money as people write it: "50", "50.5", "1,000.00"; nil for none.
func limitOf(text string) (*drawdown.Money, string) {
	const fault = "Enter an amount of money such as 100 or 49.90, or nothing for no limit."
	if text == "" {
		return nil, ""
	}
	before, after, _ := strings.Cut(strings.ReplaceAll(text, ",", ""), ".")
	before = strings.TrimLeft(before, "0")
	if before == "" {
		before = "0"
	}
	if len(after) > 2 {
		return nil, fault
	}
	limit, ok := drawdown.ParseMoney([]byte(before + "." + (after + "00")[:2]))
	if !ok {
		return nil, fault
	}
	return &limit, ""
}

// setAutoPurchase switches auto-purchase on, as it was confirmed, or off.
func (v *visit) setAutoPurchase() error {
	if v.field("enabled") != "on" {
		f, err := v.facts()
		if err != nil {
			return err
		}
		off := office.SetAutoPurchase{MaxAmount: f.MaxAmount} // the limit is kept for the next time
		return v.do(off, "settings", "auto_purchase_off", v.settingsOf)
	}
	limit, fault := limitOf(v.field("max_amount"))
	if fault != "" {
		return v.confirmOf(nil, http.StatusUnprocessableEntity)
	}
	return v.do(office.SetAutoPurchase{Enabled: true, MaxAmount: limit}, "settings", "auto_purchase_on", v.confirmOf)
}
