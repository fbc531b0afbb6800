package decode

import "drawdown"

// readPlan reads a plan (contract, section 6).
func readPlan(m members) *drawdown.Plan {
	plan := &drawdown.Plan{
		ID:           m.name("id"),
		Currency:     m.currency("currency"),
		GraceHours:   m.optionalInteger("grace_hours", 0, 8760, 0),
		MaxOverdraft: m.optionalCredits("max_overdraft"),
	}
	if m.has("subscription") {
		plan.Subscription = readSubscription(m.object("subscription"))
	}
	plan.Purchase = readPurchaseTerms(m.object("purchase"), plan.Subscription != nil)
	if m.has("auto_purchase") {
		plan.AutoPurchase = readAutoPurchase(m.object("auto_purchase"), plan.Subscription != nil)
	}
	if m.has("low_balance") {
		low := m.optionalCredits("low_balance")
		plan.LowBalance = &low
	}
	plan.UsageNotices = m.ordered("usage_notices", 100, func(before, after int64) bool { return before < after })
	m.require(len(plan.UsageNotices) == 0 || plan.Subscription != nil)
	plan.ExpiryNoticeDays = m.ordered("expiry_notice_days", 365, func(before, after int64) bool { return before > after })
	if m.has("payment_ladder") {
		plan.PaymentLadder = readLadder(m)
	}
	return plan
}

// maxSteps bounds a payment ladder, maxAfterMinutes keeps each step within the 24 hours of an open purchase.
const (
	maxSteps        = 12
	maxAfterMinutes = 24*60 - 1
)

func readLadder(m members) []drawdown.LadderStep {
	var steps []drawdown.LadderStep
	after := int64(0)
	for _, item := range m.list("payment_ladder") {
		s := membersOf(item, m.broken)
		after = s.integer("after_minutes", after, maxAfterMinutes)
		steps = append(steps, drawdown.LadderStep{
			AfterMinutes: after, Backup: s.oneOf("method", "primary", "backup") == "backup",
		})
	}
	m.require(len(steps) >= 1 && len(steps) <= maxSteps)
	return steps
}

// optionalCredits reads credits that are not negative, 0 where they are absent.
func (m members) optionalCredits(name string) drawdown.Credits {
	if !m.has(name) {
		return 0
	}
	c := m.credits(name)
	m.require(c >= 0)
	return c
}

// ordered reads an optional list of integers from 1 to high, each of which follows the one before it.
func (m members) ordered(name string, high int64, follows func(before, after int64) bool) []int64 {
	if !m.has(name) {
		return nil
	}
	var numbers []int64
	for _, item := range m.list(name) {
		n := m.integerOf(item, 1, high)
		m.require(len(numbers) == 0 || follows(numbers[len(numbers)-1], n))
		numbers = append(numbers, n)
	}
	return numbers
}

func readSubscription(m members) *drawdown.Subscription {
	subscription := &drawdown.Subscription{
		Credits: m.credits("credits"),
		Price:   m.money("price"),
		Yearly:  m.oneOf("period", "month", "year") == "year",

		GatewayPrice: m.optionalName("gateway_price"),
		Fallback:     m.optionalName("fallback"),
	}
	m.require(subscription.Credits > 0)
	return subscription
}

func readPurchaseTerms(m members, subscribed bool) drawdown.PurchaseTerms {
	terms := drawdown.PurchaseTerms{
		Unit:    m.integer("unit", 1, drawdown.MaxOrder),
		Min:     m.integer("min", 1, drawdown.MaxOrder),
		Max:     m.integer("max", 1, drawdown.MaxOrder),
		Default: m.integer("default", 1, drawdown.MaxOrder),
	}
	terms.Orders = !m.has("orders") || m.boolean("orders")
	m.require(terms.Min <= terms.Default && terms.Default <= terms.Max)
	if terms.Unit > 0 {
		m.require(terms.Min%terms.Unit == 0 && terms.Max%terms.Unit == 0 && terms.Default%terms.Unit == 0)
	}
	if m.has("unit_price") {
		price, ok := drawdown.ParseUnitPrice(m.bytes("unit_price"))
		m.require(ok)
		terms.UnitPrice = &price
	}
	m.require(terms.UnitPrice != nil || subscribed)
	if validity := m.of["validity"]; validity != nil && validity.kind == text {
		m.oneOf("validity", "end_of_period")
	} else {
		terms.ValidMonths = int(m.object("validity").integer("months", 1, 120))
	}
	return terms
}

// readAutoPurchase reads the members of the rule's mode; those of the other mode are ignored, whatever they are.
func readAutoPurchase(m members, subscribed bool) *drawdown.AutoPurchase {
	rule := &drawdown.AutoPurchase{
		Threshold:        m.credits("threshold"),
		SurchargePercent: m.integer("surcharge_percent", 0, 1000),
	}
	m.require(rule.Threshold >= 0)
	pack := m.oneOf("mode", "pack", "target") == "pack"
	if pack {
		rule.Pack = m.integer("pack", 1, drawdown.MaxOrder)
	} else {
		rule.Target = m.credits("target")
		rule.Min = m.optionalInteger("min", 1, drawdown.MaxOrder, 1)
		m.require(rule.Target > rule.Threshold)
	}
	if limit := m.of["cap"]; limit != nil && limit.kind == number {
		rule.Cap = drawdown.Cap{Kind: drawdown.CapCount, Count: m.integer("cap", 0, drawdown.MaxInteger)}
	} else if m.oneOf("cap", "none", "subscription") == "subscription" {
		rule.Cap.Kind = drawdown.CapSubscription
		m.require(pack && subscribed)
	}
	return rule
}
