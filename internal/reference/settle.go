package reference

import "math/big"

const (
	statusActive        = "active"
	statusPurchasing    = "purchasing"
	statusGrace         = "grace"
	statusPaymentFailed = "payment_failed"
	statusExhausted     = "exhausted"
)

// settle draws the consequences of what happened at an instant, in the order of section 7 and then of section 10.
func (e *Engine) settle(a *account, at Instant) {
	e.settleLowBalance(a, at)
	e.settleUsageNotices(a, at)
	e.settleAutoPurchase(a, at)
	e.settleStatus(a, at)
	e.serveQueue(a, at)
}

func (e *Engine) settleLowBalance(a *account, at Instant) {
	if a.plan.lowBalance == nil || !a.lowBalanceFlag || a.available().Cmp(a.plan.lowBalance) > 0 {
		return
	}
	e.notice(a, at, "low_balance", Line{"available": formatCredits(a.available())})
	a.lowBalanceFlag = false
}

func (e *Engine) settleUsageNotices(a *account, at Instant) {
	if a.plan.subscription == nil {
		return
	}
	used := times(a.period.used, big.NewInt(100))
	for _, percent := range a.plan.usageNotices {
		reached := used.Cmp(times(a.plan.subscription.credits, big.NewInt(percent))) >= 0
		if !reached || a.period.percentsGiven[percent] {
			continue
		}
		a.period.percentsGiven[percent] = true
		e.notice(a, at, "usage_percent", Line{"percent": percent, "used": formatCredits(a.period.used)})
	}
}

func (e *Engine) settleAutoPurchase(a *account, at Instant) {
	rule := a.plan.autoPurchase
	if rule == nil || !a.autoPurchase || a.primary == nil || a.failedBy != nil || a.openPurchase() != nil {
		return
	}
	quantity, wanted := rule.quantity(a.available())
	if !wanted {
		return
	}
	amount := rule.amount(quantity, a.plan.unitPrice)
	withinCap := rule.limit == nil || big.NewInt(a.period.autoPurchases+1).Cmp(rule.limit) <= 0
	withinAmount := a.maxAmount == nil || plus(a.period.amount, amount).Cmp(a.maxAmount) <= 0
	if withinCap && withinAmount {
		e.request(a, quantity, amount, at)
		return
	}
	if !a.period.cappedGiven {
		a.period.cappedGiven = true
		e.notice(a, at, "auto_purchase_capped", Line{"auto_purchases": a.autoPurchases()})
	}
}

// quantity is what the rule buys, in nano-credits, and whether it buys at all.
func (rule *autoPurchase) quantity(available *big.Int) (quantity *big.Int, wanted bool) {
	if rule.pack != nil {
		return rule.pack, available.Cmp(rule.threshold) <= 0
	}
	if available.Cmp(rule.threshold) >= 0 {
		return nil, false
	}
	lacking := minus(rule.target, available) // positive: target > threshold > available
	roundedUp := plus(lacking, big.NewInt(nano-1))
	quantity = minus(roundedUp, new(big.Int).Mod(roundedUp, big.NewInt(nano)))
	if quantity.Cmp(rule.least) < 0 {
		quantity = rule.least
	}
	return smaller(quantity, wholeCredits(purchaseCreditsMax)), true
}

// amount is quantity × unit price × (1 + surcharge) in hundredths, exact and rounded once, half up.
func (rule *autoPurchase) amount(quantity *big.Int, unitPrice *big.Rat) *big.Int {
	exact := new(big.Rat).Mul(creditsOf(quantity), unitPrice)
	exact.Mul(exact, big.NewRat(100+rule.surchargePercent, 100))
	return roundHalfUp(exact.Mul(exact, big.NewRat(100, 1)))
}

func (e *Engine) settleStatus(a *account, at Instant) {
	status := a.statusAt(at)
	if a.status != "" && a.status != status { // the first status is written by no event
		e.line(a, at, "status.changed", Line{"from": a.status, "to": status})
	}
	a.status = status
}

func (a *account) statusAt(at Instant) string {
	open := a.openPurchase()
	switch {
	case a.available().Sign() > 0:
		return statusActive
	case open != nil && a.overdraft.Cmp(open.quantity) < 0:
		return statusPurchasing
	case a.fellAt != nil && at < a.graceEnd() && a.overdraft.Cmp(a.plan.maxOverdraft) <= 0:
		return statusGrace
	case a.autoPurchase && a.failedBy != nil:
		return statusPaymentFailed
	}
	return statusExhausted
}

// graceEnd is the instant at which grace ends for an account that fell to ≤ 0.
func (a *account) graceEnd() Instant { return *a.fellAt + Instant(a.plan.graceHours)*hour }
