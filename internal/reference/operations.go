package reference

import (
	"math/big"
	"strings"
)

func (e *Engine) changePlan(a *account, data planChangedData) (reason string) {
	chosen := e.catalogue.plans[data.plan]
	if chosen == nil {
		return "unknown_plan"
	}
	if chosen.id == a.plan.id {
		if a.waiting == nil {
			return "same_plan"
		}
		a.waiting = nil
		return ""
	}
	if data.when == "period_end" {
		a.waiting = chosen
		return ""
	}
	for _, g := range a.inBurnOrder() {
		if g.category == subscribed {
			e.void(a, g)
		}
	}
	e.switchPlan(a, chosen, *e.now)
	return ""
}

func (e *Engine) saveMethod(a *account, data methodSavedData) (reason string) {
	if data.kind != "card" {
		return "card_required"
	}
	which := methodPrimary
	if data.backup {
		which = methodBackup
		a.backup = &data.method
	} else {
		a.primary = &data.method
	}
	a.failedBy = nil
	if open := a.openPurchase(); open != nil && open.waiting != nil {
		e.retry(a, open, which, *e.now)
	}
	return ""
}

func (a *account) removeMethod(data methodRemovedData) (reason string) {
	if data.backup {
		a.backup = nil
	} else {
		a.primary = nil
	}
	return ""
}

func (e *Engine) setAutoPurchase(a *account, data autoPurchaseData) (reason string) {
	a.autoPurchase = data.enabled
	a.maxAmount = data.maxAmount
	a.period.cappedGiven = false
	return ""
}

func (e *Engine) enrol(a *account) (reason string) {
	switch {
	case a.enrolledAt != nil:
		return ""
	case !a.emailVerified:
		return "email_not_verified"
	case a.primary == nil:
		return "no_payment_method"
	case !e.hasEligibleConnector(a):
		return "no_eligible_connector"
	}
	now := *e.now
	a.enrolledAt = &now
	return ""
}

// hasEligibleConnector tells whether a known connection has an alpha or beta connector now.
func (e *Engine) hasEligibleConnector(a *account) bool {
	for _, c := range a.connections {
		for _, name := range []string{c.source, c.destination} {
			if entry := e.catalogue.entryAt(name, *e.now); entry != nil && entry.stage != stageGA {
				return true
			}
		}
	}
	return false
}

// setConnection makes a connection known; the same connectors again change nothing.
func (a *account) setConnection(name, source, destination string, now Instant) {
	known := a.connections[name]
	if known != nil && known.source == source && known.destination == destination {
		return
	}
	a.connections[name] = &connection{source: source, destination: destination, since: now}
}

func (a *account) removeConnection(name string) (reason string) {
	if a.connections[name] == nil {
		return "unknown_connection"
	}
	delete(a.connections, name)
	return ""
}

func (e *Engine) grantCredits(a *account, id string, data grantedData) (reason string) {
	if data.amount.Sign() <= 0 || (data.expiresAt != nil && *data.expiresAt <= *e.now) {
		return "bad_amount"
	}
	if a.withRemaining(id) != nil || a.hasRequestForm(id) || strings.HasPrefix(id, a.id+":sub:") {
		return "grant_exists"
	}
	if !a.mayGrant(data.amount) {
		return "out_of_range"
	}
	e.addGrant(a, *e.now, &grant{id: id, category: data.category, amount: data.amount, expiresAt: data.expiresAt})
	return ""
}

// mayGrant tells whether a grant leaves what remains of all grants in range.
func (a *account) mayGrant(amount *big.Int) bool {
	kept := minus(amount, smaller(amount, a.overdraft))
	return kept.Sign() == 0 || plus(a.remaining(), kept).Cmp(wholeCredits(rangeMax)) <= 0
}

// addGrant makes a grant and writes its line.
func (e *Engine) addGrant(a *account, at Instant, g *grant) {
	repaid := a.add(g, at)
	e.line(a, at, "grant.added", Line{
		"grant": g.id, "category": string(g.category), "amount": formatCredits(g.amount),
		"expires_at": optionalTime(g.expiresAt), "repaid": formatCredits(repaid),
	})
}

func (e *Engine) voidGrant(a *account, data voidedData) (reason string) {
	g := a.withRemaining(data.grant)
	if g == nil {
		return "unknown_grant"
	}
	e.void(a, g)
	return ""
}

// void takes back what remains of a grant and writes its line.
func (e *Engine) void(a *account, g *grant) {
	amount := a.take(g, &a.voided, *e.now)
	e.line(a, *e.now, "grant.voided", Line{"grant": g.id, "amount": formatCredits(amount)})
}

// creditsOf is a whole number of nano-credits as an exact number of credits.
func creditsOf(nanoCredits *big.Int) *big.Rat {
	return new(big.Rat).SetFrac(nanoCredits, big.NewInt(nano))
}
