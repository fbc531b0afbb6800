package reference

import "math/big"

// Limits of section 6.
const (
	purchaseCreditsMax = 100_000_000
	validityMonthsMax  = 120
	surchargeMax       = 1000
	graceHoursMax      = 8760
	percentMax         = 100
	noticeDaysMax      = 365
)

// plan is a published plan; it never changes.
type plan struct {
	id, currency string
	subscription *subscription
	// unitPrice is the exact price of one credit.
	unitPrice *big.Rat
	// validityMonths is how long a purchase lasts; 0 is to the end of its period.
	validityMonths int
	autoPurchase   *autoPurchase
	graceHours     int64
	maxOverdraft   *big.Int
	// lowBalance is nil where the plan has no such notice.
	lowBalance       *big.Int
	usageNotices     []int64
	expiryNoticeDays []int64
	// ladder is empty where the plan has none.
	ladder []step
}

type subscription struct {
	credits *big.Int
	months  int
}

type autoPurchase struct {
	// pack is set in mode pack and target in mode target, both in nano-credits.
	pack, target *big.Int
	threshold    *big.Int
	// least is the smallest quantity in mode target, in nano-credits.
	least            *big.Int
	surchargePercent int64
	// limit is the number of purchases a period; nil is no limit.
	limit *big.Int
}

// periodMonths is the length of a period: a month where there is no subscription.
func (p *plan) periodMonths() int {
	if p.subscription == nil {
		return 1
	}
	return p.subscription.months
}

func decodePlan(f fields) any {
	p := &plan{
		id:               f.text("id", nameMax),
		currency:         f.currency("currency"),
		graceHours:       f.optionalInteger("grace_hours", 0, graceHoursMax, 0),
		maxOverdraft:     f.optionalCredits("max_overdraft"),
		usageNotices:     f.integers("usage_notices", 1, percentMax),
		expiryNoticeDays: f.integers("expiry_notice_days", 1, noticeDaysMax),
	}
	if f.present("low_balance") {
		p.lowBalance = f.credits("low_balance")
		f.require(p.lowBalance.Sign() >= 0)
	}
	for i := 1; i < len(p.usageNotices); i++ {
		f.require(p.usageNotices[i-1] < p.usageNotices[i])
	}
	for i := 1; i < len(p.expiryNoticeDays); i++ {
		f.require(p.expiryNoticeDays[i-1] > p.expiryNoticeDays[i])
	}
	if f.present("subscription") {
		decodeSubscription(f.child("subscription"), p)
	}
	f.require(p.subscription != nil || len(p.usageNotices) == 0)
	decodePurchase(f.child("purchase"), p)
	if f.present("auto_purchase") {
		decodePlanAutoPurchase(f.child("auto_purchase"), p)
	}
	if f.present("payment_ladder") {
		p.ladder = decodeLadder(f)
	}
	return p
}

func decodeSubscription(f fields, p *plan) {
	s := &subscription{credits: f.credits("credits"), months: 1}
	if f.oneOf("period", "month", "year") == "year" {
		s.months = 12
	}
	f.require(s.credits.Sign() > 0)
	price := f.money("price")
	f.optionalText("gateway_price", nameMax)
	f.optionalText("fallback", nameMax)
	p.subscription = s
	if s.credits.Sign() > 0 {
		// hundredths / 100 over nano-credits / 10^9
		p.unitPrice = new(big.Rat).SetFrac(times(price, big.NewInt(nano)), times(s.credits, big.NewInt(100)))
	}
}

// decodePurchase runs after the subscription is known: its price is the default of the unit price.
func decodePurchase(f fields, p *plan) {
	f.optionalBoolean("orders") // whether customers may order by hand shows in no line
	unit := f.integer("unit", 1, integerMax)
	least := f.integer("min", 1, purchaseCreditsMax)
	most := f.integer("max", 1, purchaseCreditsMax)
	usual := f.integer("default", 1, purchaseCreditsMax)
	f.require(least <= usual && usual <= most)
	if unit >= 1 {
		f.require(least%unit == 0 && usual%unit == 0 && most%unit == 0)
	}
	if f.present("unit_price") {
		text, _ := f.members["unit_price"].(string)
		price, ok := parseUnitPrice(text)
		f.require(ok)
		p.unitPrice = price
	} else {
		f.require(p.subscription != nil)
	}
	if f.members["validity"] != any("end_of_period") {
		p.validityMonths = int(f.child("validity").integer("months", 1, validityMonthsMax))
	}
}

// decodePlanAutoPurchase reads the members of the plan's mode; those of the other mode are ignored.
func decodePlanAutoPurchase(f fields, p *plan) {
	a := &autoPurchase{
		threshold:        f.credits("threshold"),
		surchargePercent: f.integer("surcharge_percent", 0, surchargeMax),
	}
	f.require(a.threshold.Sign() >= 0)
	switch f.oneOf("mode", "pack", "target") {
	case "pack":
		a.pack = wholeCredits(f.integer("pack", 1, purchaseCreditsMax))
	case "target":
		a.target = f.credits("target")
		f.require(a.target.Cmp(a.threshold) > 0)
		a.least = wholeCredits(f.optionalInteger("min", 1, purchaseCreditsMax, 1))
	}
	switch f.members["cap"] {
	case any("none"):
	case any("subscription"):
		f.require(a.pack != nil && p.subscription != nil)
		if !*f.bad {
			a.limit = new(big.Int).Div(p.subscription.credits, a.pack)
		}
	default:
		a.limit = big.NewInt(f.integer("cap", 0, integerMax))
	}
	p.autoPurchase = a
}
