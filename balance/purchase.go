package balance

import (
	"math/big"

	"drawdown"
)

// purchaseTimeout is how long a requested purchase may stay open.
const purchaseTimeout = 24 * drawdown.Hour

// purchases is what an account knows of its purchases.
type purchases struct {
	enabled   bool            // auto-purchase is on
	maxAmount *drawdown.Money // the customer's own limit per period, nil for none
	requested uint64          // how many the engine ever requested: ids run from 1
	open      *openPurchase   // nil for none
	failedBy  uint64          // number of the purchase that set the payment failure, 0 for none
	failed    []failedPurchase
	book      purchaseBook
}

// openPurchase is a purchase that was requested and is neither settled nor failed.
type openPurchase struct {
	n           uint64
	quantity    drawdown.Credits
	amount      drawdown.Money
	currency    string
	requestedAt drawdown.Time
	period      uint64 // serial of the period in which it was requested
	ladder      ladder
}

// failedPurchase is a purchase that failed and may still settle late.
type failedPurchase struct {
	n      uint64
	amount drawdown.Money
}

// autoPurchases counts those settled in the period and the open one.
func (a *account) autoPurchases() int64 {
	if a.purchases.open != nil {
		return a.period.autoPurchases + 1
	}
	return a.period.autoPurchases
}

// settleAutoPurchase requests a purchase where the plan's rule says so and the caps allow it.
func (p *Partition) settleAutoPurchase(a *account) {
	rule, s := a.plan.AutoPurchase, &a.purchases
	if rule == nil || !s.enabled || a.paymentMethod == "" || s.failedBy != 0 || s.open != nil || !crossed(rule, a.available()) {
		return
	}
	quantity := orderQuantity(rule, a.available())
	amount := orderAmount(a.plan, quantity)
	total := a.period.amount.Plus(amount)
	if !a.withinCap(rule) || (s.maxAmount != nil && total.Cents.Compare(s.maxAmount.Cents) > 0) {
		if !a.period.cappedTold {
			a.period.cappedTold = true
			p.ledger(a, &drawdown.AutoPurchaseCappedNotice{AutoPurchases: a.period.autoPurchases})
		}
		return
	}
	s.requested++
	s.open = &openPurchase{
		n: s.requested, quantity: drawdown.Credits(quantity) * drawdown.Credit, amount: amount, currency: a.plan.Currency,
		requestedAt: p.at, period: a.period.serial, ladder: ladder{attempt: 1, retryAt: drawdown.NoTime},
	}
	a.period.amount = total
	a.dueStale = true
	p.ledger(a, &drawdown.PurchaseRequested{
		Purchase: a.purchaseID(s.requested), Quantity: s.open.quantity, Amount: amount, Currency: a.plan.Currency,
		Payer: a.payer(false),
	})
}

// crossed reports whether available credits have fallen so far that the rule buys.
func crossed(rule *drawdown.AutoPurchase, available drawdown.Credits) bool {
	if rule.IsPack() {
		return available <= rule.Threshold
	}
	return available < rule.Threshold
}

// orderQuantity returns how many whole credits the rule buys.
func orderQuantity(rule *drawdown.AutoPurchase, available drawdown.Credits) int64 {
	if rule.IsPack() {
		return rule.Pack
	}
	short := rule.Target - available
	quantity := int64((short + drawdown.Credit - 1) / drawdown.Credit)
	return min(max(quantity, rule.Min), drawdown.MaxOrder)
}

// orderAmount returns quantity × unit price × (1 + surcharge), exact and rounded once, half up. Where the plan has no
// unit price, it is price / credits of the subscription.
func orderAmount(plan *drawdown.Plan, quantity int64) drawdown.Money {
	numerator := big.NewInt(quantity)
	denominator := new(big.Int)
	if price := plan.Purchase.UnitPrice; price != nil { // 10^-9 units a credit
		numerator.Mul(numerator, big.NewInt(int64(*price)))
		denominator.SetInt64(int64(drawdown.Credit))
	} else { // price in hundredths, credits in nano-credits
		numerator.Mul(numerator, plan.Subscription.Price.Cents.Big())
		numerator.Mul(numerator, big.NewInt(int64(drawdown.Credit)))
		denominator.SetInt64(int64(plan.Subscription.Credits))
		denominator.Mul(denominator, big.NewInt(100))
	}
	numerator.Mul(numerator, big.NewInt(100+plan.AutoPurchase.SurchargePercent))
	// numerator/denominator is now the amount in hundredths: units × 100, and the surcharge's percent / 100.
	numerator.Lsh(numerator, 1).Add(numerator, denominator)
	return drawdown.Money{Cents: drawdown.TotalOfBig(numerator.Quo(numerator, denominator.Lsh(denominator, 1)))}
}

// withinCap reports whether the plan's cap allows one more auto-purchase in the period.
func (a *account) withinCap(rule *drawdown.AutoPurchase) bool {
	switch rule.Cap.Kind {
	case drawdown.CapSubscription:
		packs := int64(a.plan.Subscription.Credits) / (rule.Pack * int64(drawdown.Credit))
		return a.period.autoPurchases+1 <= packs
	case drawdown.CapCount:
		return a.period.autoPurchases+1 <= rule.Cap.Count
	default:
		return true
	}
}

// failOpenPurchase closes the open purchase and stops auto-purchase until the payment failure ends. attempt is the one
// that was refused, 0 where the record named none.
func (p *Partition) failOpenPurchase(a *account, reason string, attempt int64) {
	s := &a.purchases
	open := s.open
	s.open = nil
	s.failedBy = open.n
	s.failed = append(s.failed, failedPurchase{n: open.n, amount: open.amount})
	if open.period == a.period.serial {
		a.period.amount = a.period.amount.Minus(open.amount)
	}
	a.dueStale = true
	p.ledger(a, &drawdown.PurchaseFailedEntry{Purchase: a.purchaseID(open.n), Reason: reason, Attempt: attempt})
}

// checkSettled returns why a settlement can't be taken, "" where it can.
func (a *account) checkSettled(o *drawdown.SettlePurchase) drawdown.Reason {
	n, ownForm := a.purchaseNumber(o.Purchase)
	requested := n >= 1 && n <= a.purchases.requested
	switch {
	case !requested && (o.Auto || ownForm):
		return drawdown.UnknownPurchase
	case !a.fits(o.Quantity):
		return drawdown.OutOfRange
	default:
		return ""
	}
}

// settlePurchase grants what was paid for: manual or auto, wanted or late, since the money has been taken. What
// closes, and what ends a payment failure, goes by the purchase id; what counts against the cap, by the kind.
func (p *Partition) settlePurchase(a *account, o *drawdown.SettlePurchase) {
	s := &a.purchases
	kind := "manual"
	if o.Auto {
		kind = "auto"
		a.period.autoPurchases++
	}
	a.bookSettled(o.Purchase, o.Quantity)
	n, _ := a.purchaseNumber(o.Purchase)
	if s.open != nil && s.open.n == n {
		s.open = nil
		a.dueStale = true
	} else if n != 0 {
		p.settleLate(a, n)
	}
	p.ledger(a, &drawdown.PurchaseSettledEntry{
		Purchase: o.Purchase, Kind: kind, Quantity: o.Quantity, Amount: o.Amount, Currency: o.Currency,
		Tax: o.Tax, Receipt: o.Receipt,
	})
	expiresAt := a.period.to
	if months := a.plan.Purchase.ValidMonths; months > 0 {
		expiresAt = p.at.AddMonths(months)
	}
	p.addGrant(a, grant{
		id: o.Purchase, category: drawdown.PurchasedGrant, amount: o.Quantity, expiresAt: expiresAt, bought: true,
	})
}

// settleLate takes note that a purchase that had failed was charged after all: its requested amount counts again,
// and the payment failure ends if that purchase set it.
func (p *Partition) settleLate(a *account, n uint64) {
	s := &a.purchases
	for i := range s.failed {
		if s.failed[i].n != n {
			continue
		}
		a.period.amount = a.period.amount.Plus(s.failed[i].amount)
		s.failed = append(s.failed[:i:i], s.failed[i+1:]...)
		if s.failedBy == n {
			s.failedBy = 0
		}
		return
	}
}
