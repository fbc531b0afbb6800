package balance

import "drawdown"

// advance applies what time alone does up to the partition's clock: the account's due events in order of due time, and
// at one instant in the order of runDue, each instant settled before the next (contract, section 5).
func (p *Partition) advance(a *account) {
	if p.clock < a.nextDue && !a.dueStale && a.dueSeen == p.published {
		a.advanced = p.clock
		return
	}
	for {
		due := p.nextDue(a)
		if due > p.clock {
			a.nextDue, a.dueStale, a.dueSeen = due, false, p.published
			break
		}
		p.at = due
		p.runDue(a)
		a.advanced = max(a.advanced, due)
		p.settle(a)
	}
	a.advanced = p.clock
	p.at = p.clock
}

// nextDue returns the instant of the account's next due event, Never where there is none. Only what is known of free
// connections later than it happened can be due at an instant that the account has reached.
func (p *Partition) nextDue(a *account) drawdown.Time {
	due := min(a.period.to, a.nextExpiryNotice(), p.nextLeavingNotice(a), a.nextHoldExpiry())
	for i := range a.grants {
		due = min(due, a.grants[i].expiresAt)
	}
	if open := a.purchases.open; open != nil {
		due = min(due, open.requestedAt+purchaseTimeout)
		if open.ladder.waiting() {
			due = min(due, open.ladder.retryAt)
		}
	}
	if a.available() <= 0 && a.fellAt != drawdown.NoTime {
		if end := a.graceEnd(); end > a.advanced {
			due = min(due, end)
		}
	}
	return due
}

// runDue runs the account's due events of one instant, in the contract's order. The end of grace is no event: the
// instant is settled.
func (p *Partition) runDue(a *account) {
	p.tellExpiring(a)
	p.expireGrants(a)
	if a.period.to <= p.at {
		p.endPeriod(a)
	}
	if open := a.purchases.open; open != nil && open.requestedAt+purchaseTimeout <= p.at {
		p.failOpenPurchase(a, "timeout", 0)
	}
	if open := a.purchases.open; open != nil && open.ladder.waiting() && open.ladder.retryAt <= p.at {
		p.retryPurchase(a, open.ladder.backup)
	}
	p.expireHolds(a)
	p.tellLeaving(a)
	a.dueStale = true
}

// expiryNotices calls found with each instant, after the account's, at which the grant's expiry is told.
func (a *account) expiryNotices(g *grant, found func(drawdown.Time)) {
	if g.category != drawdown.PurchasedGrant || g.expiresAt == drawdown.Never {
		return
	}
	for _, days := range a.plan.ExpiryNoticeDays {
		at := g.expiresAt - drawdown.Time(days)*drawdown.Day
		if at > g.madeAt && at > a.advanced {
			found(at)
		}
	}
}

func (a *account) nextExpiryNotice() drawdown.Time {
	next := drawdown.Never
	for i := range a.grants {
		a.expiryNotices(&a.grants[i], func(at drawdown.Time) { next = min(next, at) })
	}
	return next
}

// tellExpiring gives the credits_expiring notices of the instant, in burn order.
func (p *Partition) tellExpiring(a *account) {
	for i := range a.grants {
		g := &a.grants[i]
		a.expiryNotices(g, func(at drawdown.Time) {
			if at == p.at {
				p.ledger(a, &drawdown.CreditsExpiringNotice{
					Grant: g.id, Remaining: g.remaining, ExpiresAt: g.expiresAt,
				})
			}
		})
	}
}
