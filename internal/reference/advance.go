package reference

import (
	"maps"
	"slices"
)

const (
	purchaseTimeout = 24 * hour
	reasonTimeout   = "timeout"
)

// advance makes the account's due events up to now, an instant at a time; each instant is settled before the next.
func (e *Engine) advance(a *account) {
	for {
		at, due := e.nextDue(a)
		if !due || at > *e.now {
			break
		}
		e.noticeExpiring(a, at)
		e.expire(a, at)
		if a.period.to <= at {
			e.endPeriod(a, at)
		}
		e.timeOutPurchase(a, at)
		e.retryDue(a, at)
		e.expireHolds(a, at)
		e.noticeLeaving(a, at)
		e.settle(a, at)
		a.reached = later(a.reached, at)
	}
	a.reached = *e.now
}

// nextDue is the soonest instant at which something is due, searched for from scratch.
func (e *Engine) nextDue(a *account) (at Instant, due bool) {
	instants := e.dueInstants(a)
	if len(instants) == 0 {
		return 0, false
	}
	return slices.Min(instants), true
}

func (e *Engine) dueInstants(a *account) []Instant {
	instants := []Instant{a.period.to}
	for _, g := range a.grants {
		if g.expiresAt != nil {
			instants = append(instants, *g.expiresAt)
		}
		instants = append(instants, a.expiryNotices(g)...)
	}
	if open := a.openPurchase(); open != nil {
		instants = append(instants, open.requestedAt+purchaseTimeout)
		if open.waiting != nil {
			instants = append(instants, open.waiting.at)
		}
	}
	for _, h := range a.holds {
		instants = append(instants, h.expiresAt)
	}
	if a.status == statusGrace {
		instants = append(instants, a.graceEnd())
	}
	for _, notice := range e.leavingNotices(a) {
		instants = append(instants, notice.due)
	}
	return instants
}

// expiryNotices are the instants after the one reached at which notices of the grant's expiry are due.
func (a *account) expiryNotices(g *grant) []Instant {
	var instants []Instant
	if g.category != purchased || g.expiresAt == nil {
		return nil
	}
	for _, days := range a.plan.expiryNoticeDays {
		at := *g.expiresAt - Instant(days)*day
		if at > g.madeAt && at > a.reached {
			instants = append(instants, at)
		}
	}
	return instants
}

func (e *Engine) noticeExpiring(a *account, at Instant) {
	for _, g := range a.inBurnOrder() {
		if slices.Contains(a.expiryNotices(g), at) {
			e.notice(a, at, "credits_expiring", Line{
				"grant": g.id, "remaining": formatCredits(g.remaining), "expires_at": optionalTime(g.expiresAt),
			})
		}
	}
}

func (e *Engine) expire(a *account, at Instant) {
	for _, g := range a.inBurnOrder() {
		if g.expiresAt != nil && *g.expiresAt <= at {
			amount := a.take(g, &a.expired, at)
			e.line(a, at, "grant.expired", Line{"grant": g.id, "amount": formatCredits(amount)})
		}
	}
}

// endPeriod starts the next period, of the waiting plan if there is one.
func (e *Engine) endPeriod(a *account, at Instant) {
	if a.waiting != nil {
		e.switchPlan(a, a.waiting, at)
		return
	}
	a.periodIndex++
	e.startPeriod(a, at)
}

// switchPlan starts the first period of a new plan; the instant is the new anchor.
func (e *Engine) switchPlan(a *account, p *plan, at Instant) {
	a.plan, a.waiting = p, nil
	a.anchor, a.periodIndex = at, 0
	a.lookAtLowBalance()
	e.startPeriod(a, at)
}

// startPeriod starts the period that periodIndex counts from the anchor, with its subscription grant.
func (e *Engine) startPeriod(a *account, at Instant) {
	months := a.plan.periodMonths()
	a.period = period{
		number:        a.period.number + 1,
		from:          a.anchor.plusMonths(a.periodIndex * months),
		to:            a.anchor.plusMonths((a.periodIndex + 1) * months),
		used:          zero(),
		amount:        zero(),
		percentsGiven: map[int64]bool{},
	}
	if a.plan.subscription == nil {
		return
	}
	e.line(a, at, "period.started", Line{"from": a.period.from.String(), "to": a.period.to.String()})
	e.addGrant(a, at, &grant{
		id:        a.subscriptionGrantID(a.period.from),
		category:  subscribed,
		amount:    a.plan.subscription.credits,
		expiresAt: &[]Instant{a.period.to}[0],
	})
}

func (e *Engine) timeOutPurchase(a *account, at Instant) {
	if open := a.openPurchase(); open != nil && open.requestedAt+purchaseTimeout <= at {
		e.closeFailed(a, open, Line{"reason": reasonTimeout}, at)
	}
}

// leavingNotice says that a connection stops being free at ga.
type leavingNotice struct {
	connection string
	ga, due    Instant
}

// leavingNotices are those of an enrolled account not yet given, in order of connection and then of T.
func (e *Engine) leavingNotices(a *account) []leavingNotice {
	if a.enrolledAt == nil {
		return nil
	}
	var notices []leavingNotice
	for _, name := range sortedNames(a.connections) {
		c := a.connections[name]
		source, destination := e.catalogue.connectors[c.source], e.catalogue.connectors[c.destination]
		if source == nil || destination == nil {
			continue
		}
		learned := later(later(*a.enrolledAt, c.since), later(source.lastSet, destination.lastSet))
		for _, ga := range bothBecomeGA(source, destination) {
			if learned < ga && !a.leavingGiven[leavingKey{name, ga}] {
				notices = append(notices, leavingNotice{name, ga, later(ga-noticeOfGA, learned)})
			}
		}
	}
	return notices
}

// bothBecomeGA lists, ascending, the instants at which both connectors are ga while just before at least one was not.
func bothBecomeGA(x, y *connector) []Instant {
	candidates := becomesGA(x)
	maps.Copy(candidates, becomesGA(y))
	var instants []Instant
	for _, at := range slices.Sorted(maps.Keys(candidates)) {
		if x.holdingAt(at).stage == stageGA && y.holdingAt(at).stage == stageGA {
			instants = append(instants, at)
		}
	}
	return instants
}

func (e *Engine) noticeLeaving(a *account, at Instant) {
	for _, notice := range e.leavingNotices(a) {
		if notice.due > at {
			continue
		}
		a.leavingGiven[leavingKey{notice.connection, notice.ga}] = true
		e.notice(a, at, "leaving_free_program", Line{"connection": notice.connection, "ga_at": notice.ga.String()})
	}
}
