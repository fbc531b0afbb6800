package balance

import "drawdown"

// settle draws the consequences of what happened at the instant (contract, sections 7 and 10), in this order: low
// balance, usage percentages, auto-purchase, status, holds that wait. Settling twice at one instant changes nothing more.
func (p *Partition) settle(a *account) {
	p.settleLowBalance(a)
	p.settleUsageNotices(a)
	p.settleAutoPurchase(a)
	p.settleStatus(a)
	p.serveHolds(a)
}

func (p *Partition) settleLowBalance(a *account) {
	if low := a.plan.LowBalance; low != nil && a.lowArmed && a.available() <= *low {
		a.lowArmed = false
		p.ledger(a, &drawdown.LowBalanceNotice{Available: a.available()})
	}
}

// settleUsageNotices tells each percentage of the subscription's credits that the period's used credits have reached.
func (p *Partition) settleUsageNotices(a *account) {
	for a.period.usageNotices < len(a.plan.UsageNotices) {
		percent := a.plan.UsageNotices[a.period.usageNotices]
		// Used reaches the percentage at the first whole nano-credit that is not below it.
		reached := (uint64(percent)*uint64(a.plan.Subscription.Credits) + 99) / 100
		if a.period.used.Compare(drawdown.Total128(0, reached)) < 0 {
			return
		}
		a.period.usageNotices++
		p.ledger(a, &drawdown.UsagePercentNotice{Percent: percent, Used: a.period.used})
	}
}

func (p *Partition) settleStatus(a *account) {
	status := a.statusAt(p.at)
	if status == a.status {
		return
	}
	before := a.status
	a.status = status
	if before != drawdown.StatusNone { // the first status is written by no entry
		p.ledger(a, &drawdown.StatusChanged{From: before, To: status})
	}
}

func (a *account) statusAt(at drawdown.Time) drawdown.Status {
	open := a.purchases.open
	switch {
	case a.available() > 0:
		return drawdown.Active
	case open != nil && a.overdraft < open.quantity:
		return drawdown.Purchasing
	case a.inGrace(at):
		return drawdown.Grace
	case a.purchases.enabled && a.purchases.failedBy != 0:
		return drawdown.PaymentFailed
	default:
		return drawdown.Exhausted
	}
}

func (a *account) inGrace(at drawdown.Time) bool {
	return a.fellAt != drawdown.NoTime && at < a.graceEnd() && a.overdraft <= a.plan.MaxOverdraft
}

// graceEnd is the end of grace under the current plan. fellAt must not be NoTime.
func (a *account) graceEnd() drawdown.Time {
	return a.fellAt + drawdown.Time(a.plan.GraceHours)*drawdown.Hour
}
