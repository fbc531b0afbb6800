package balance

import (
	"sort"

	"drawdown"
)

// grant is credits given to an account. One with nothing left is dropped: nothing can happen to it any more.
type grant struct {
	id        string
	category  drawdown.Category
	amount    drawdown.Credits
	remaining drawdown.Credits
	expiresAt drawdown.Time // Never where it does not expire
	madeAt    drawdown.Time
	bought    bool // made by the settlement of the purchase of that id
}

// addGrant gives credits at an instant: they repay overdraft first.
func (p *Partition) addGrant(a *account, g grant) {
	before := a.available()
	g.madeAt = p.at
	repaid := min(g.amount, a.overdraft)
	g.remaining = g.amount - repaid
	a.overdraft -= repaid
	a.remaining += g.remaining
	a.granted = a.granted.Plus(drawdown.TotalOf(g.amount))
	if g.remaining > 0 {
		a.insertGrant(g)
	}
	p.ledger(a, &drawdown.GrantAdded{
		Grant: g.id, Category: g.category, Amount: g.amount, ExpiresAt: g.expiresAt, Repaid: repaid,
	})
	a.noteFall(before, p.at)
	a.noteLow()
	a.dueStale = true
}

// insertGrant keeps burn order: category, then soonest expiry, then the order in which grants were made.
func (a *account) insertGrant(g grant) {
	at := sort.Search(len(a.grants), func(i int) bool {
		other := &a.grants[i]
		if other.category != g.category {
			return other.category > g.category
		}
		return other.expiresAt > g.expiresAt
	})
	a.grants = append(a.grants, grant{})
	copy(a.grants[at+1:], a.grants[at:])
	a.grants[at] = g
}

// burn takes a charge from grants in burn order, and returns what no grant covered, which becomes overdraft.
// The parts are appended to burned.
func (a *account) burn(charge uint64, burned []drawdown.Burn) ([]drawdown.Burn, drawdown.Credits) {
	empty := 0
	for i := 0; i < len(a.grants) && charge > 0; i++ {
		g := &a.grants[i]
		part := g.remaining
		if charge < uint64(part) {
			part = drawdown.Credits(charge)
		}
		g.remaining -= part
		a.remaining -= part
		charge -= uint64(part)
		burned = append(burned, drawdown.Burn{Grant: g.id, Credits: part})
		if g.remaining == 0 {
			empty++
		}
	}
	if empty > 0 {
		a.grants = append(a.grants[:0], a.grants[empty:]...)
		a.dueStale = true
	}
	uncovered := drawdown.Credits(charge)
	a.overdraft += uncovered
	return burned, uncovered
}

// takeBack removes what remains of grants for which which is true, in burn order, and calls told for each.
func (p *Partition) takeBack(a *account, which func(*grant) bool, total *drawdown.Total, told func(*grant)) {
	kept := a.grants[:0:0]
	for i := range a.grants {
		g := a.grants[i]
		if !which(&g) {
			kept = append(kept, g)
			continue
		}
		before := a.available()
		a.remaining -= g.remaining
		*total = total.Plus(drawdown.TotalOf(g.remaining))
		if g.bought {
			a.bookGone(g.id, g.remaining)
		}
		told(&g)
		a.noteFall(before, p.at)
		a.noteLow()
		a.dueStale = true
	}
	a.grants = kept
}

// expireGrants removes what remains of the grants that expire at or before the instant.
func (p *Partition) expireGrants(a *account) {
	if !a.hasGrant(func(g *grant) bool { return g.expiresAt <= p.at }) {
		return
	}
	p.takeBack(a, func(g *grant) bool { return g.expiresAt <= p.at }, &a.expired, func(g *grant) {
		p.ledger(a, &drawdown.GrantExpired{Grant: g.id, Amount: g.remaining})
	})
}

// voidGrants takes back what remains of grants.
func (p *Partition) voidGrants(a *account, which func(*grant) bool) {
	p.takeBack(a, which, &a.voided, func(g *grant) {
		p.ledger(a, &drawdown.GrantVoided{Grant: g.id, Amount: g.remaining})
	})
}

func (a *account) hasGrant(which func(*grant) bool) bool {
	for i := range a.grants {
		if which(&a.grants[i]) {
			return true
		}
	}
	return false
}

func (a *account) hasGrantID(id string) bool {
	return a.hasGrant(func(g *grant) bool { return g.id == id })
}

// fits reports whether a grant of amount keeps what remains of all grants in range.
func (a *account) fits(amount drawdown.Credits) bool {
	added := amount - min(amount, a.overdraft)
	return added == 0 || a.remaining+added <= drawdown.MaxHeld
}
