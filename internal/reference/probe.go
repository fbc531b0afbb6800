package reference

import (
	"math/big"
	"slices"
)

// Probe is what the log generator wants to know of an account, to aim records at its edges.
type Probe struct {
	Known bool
	// Due are the instants at which something is due, as far as it can be told now.
	Due       []Instant
	PeriodEnd Instant
	Plan      string
	// Available is in nano-credits; Marks are amounts at which something changes (notices, thresholds), likewise.
	Available, Overdraft *big.Int
	Marks                []*big.Int
	// Open is the open purchase or empty; Failed are the requested purchases that failed.
	Open      string
	Failed    []string
	Requested int
	// Attempt is the number of the open purchase's latest attempt; Waiting says that a retry is waited for.
	Attempt     int64
	Waiting     bool
	Grants      []string
	Connections []string
	// Paid are the purchases that settled, in order.
	Paid      []Paid
	Endpoints []string
	// EmailVerified is what enrolment asks.
	EmailVerified bool

	// Holds are the open and the waiting ones, as they were placed. Unheld is what is available, in nano-credits.
	Holds           []Hold
	Unheld, Reserve *big.Int
	Priorities      map[string]string
	// Stopped are the connections that the breaker stopped. Factor is 0 where it is off.
	Stopped []string
	Factor  int64
	Least   *big.Int
	// Jobs are those that each connection remembers, in the order of their first events.
	Jobs map[string][]Job
}

// Hold is a hold of an account, with amounts in nano-credits.
type Hold struct {
	ID, Connection    string
	Job               int64
	Amount, Remaining *big.Int
	Waiting           bool
}

// Job is what a connection remembers of one, in nano-credits.
type Job struct {
	Job      int64
	Credits  *big.Int
	Notified bool
	// Usual is the median of the other jobs, or nil where there are too few.
	Usual *big.Int
}

// Paid is what the account remembers of a purchase that settled, in nano-credits.
type Paid struct {
	Purchase           string
	Requested          bool
	Left, Used, Bought *big.Int
	// Gone is what expired, was voided or was refunded.
	Gone *big.Int
}

// Probe looks at an account without advancing it.
func (e *Engine) Probe(id string) Probe {
	a := e.accounts[id]
	if a == nil {
		return Probe{Available: zero(), Overdraft: zero(), Unheld: zero(), Reserve: zero()}
	}
	p := Probe{
		Known: true, Due: e.dueInstants(a), PeriodEnd: a.period.to, Plan: a.plan.id,
		Available: a.available(), Overdraft: a.overdraft, Marks: a.marks(), Requested: len(a.purchases), EmailVerified: a.emailVerified,
	}
	for _, requested := range a.purchases {
		switch requested.state {
		case purchaseOpen:
			p.Open, p.Attempt, p.Waiting = requested.id, requested.attempt, requested.waiting != nil
		case purchaseFailed:
			p.Failed = append(p.Failed, requested.id)
		case purchaseSettled:
		}
	}
	for _, g := range a.inBurnOrder() {
		p.Grants = append(p.Grants, g.id)
	}
	p.Connections = sortedNames(a.connections)
	for _, paid := range a.settled {
		p.Paid = append(p.Paid, Paid{
			Purchase: paid.purchase, Requested: a.requested(paid.purchase) != nil,
			Left: paid.grant.remaining, Used: paid.used(), Bought: paid.grant.amount, Gone: paid.grant.gone,
		})
	}
	p.Endpoints = slices.Clone(a.endpoints)
	a.probeGate(&p)
	return p
}

// probeGate adds what section 10 knows.
func (a *account) probeGate(p *Probe) {
	p.Unheld, p.Reserve = minus(a.available(), a.held()), a.reserve
	for _, h := range a.holds {
		p.Holds = append(p.Holds, Hold{h.id, h.connection, h.job, h.amount, h.remaining, h.waiting})
	}
	p.Priorities, p.Jobs = map[string]string{}, map[string][]Job{}
	for name, given := range a.priorities {
		p.Priorities[name] = string(given)
	}
	for _, name := range sortedNames(a.stopped) {
		if a.stopped[name] {
			p.Stopped = append(p.Stopped, name)
		}
	}
	if a.breaker != nil {
		p.Factor, p.Least = a.breaker.factor, a.breaker.least
	}
	for name, jobs := range a.jobs {
		for _, j := range jobs {
			usual, _ := a.usual(name, j.job)
			p.Jobs[name] = append(p.Jobs[name], Job{j.job, j.credits, j.notified, usual})
		}
	}
}

// marks are amounts of available credits at which settling decides otherwise.
func (a *account) marks() []*big.Int {
	marks := []*big.Int{zero(), new(big.Int).Neg(a.plan.maxOverdraft)}
	if a.plan.lowBalance != nil {
		marks = append(marks, a.plan.lowBalance)
	}
	if a.plan.autoPurchase != nil {
		marks = append(marks, a.plan.autoPurchase.threshold)
	}
	if open := a.openPurchase(); open != nil {
		marks = append(marks, new(big.Int).Neg(open.quantity))
	}
	if a.plan.subscription != nil {
		for _, percent := range a.plan.usageNotices {
			reached := times(a.plan.subscription.credits, big.NewInt(percent))
			left := minus(reached.Div(reached, big.NewInt(100)), a.period.used)
			marks = append(marks, minus(a.available(), left))
		}
	}
	return marks
}

// Now is the partition's clock, if a record has set it.
func (e *Engine) Now() (Instant, bool) {
	if e.now == nil {
		return 0, false
	}
	return *e.now, true
}

// RateOf is the rate of a source connector at an instant; ok says whether there is one.
func (e *Engine) RateOf(source string, at Instant) (meter string, credits *big.Int, per int64, ok bool) {
	entry, card := e.catalogue.entryAt(source, at), e.catalogue.cardAt(at)
	if entry == nil || card == nil || card.rateOf(entry.kind) == nil {
		return "", nil, 0, false
	}
	r := card.rateOf(entry.kind)
	return r.meter, r.credits, r.per, true
}

// CatalogueInstants are those from which a rate card or an entry of a connector holds.
func (e *Engine) CatalogueInstants() []Instant {
	var instants []Instant
	for _, card := range e.catalogue.cards {
		instants = append(instants, card.effectiveFrom)
	}
	for _, name := range sortedNames(e.catalogue.connectors) {
		for _, entry := range e.catalogue.connectors[name].entries {
			if entry.at != beginning {
				instants = append(instants, entry.at)
			}
		}
	}
	return instants
}

// Plans are the ids of the plans published, in order.
func (e *Engine) Plans() []string { return sortedNames(e.catalogue.plans) }

// Connectors are the names of the connectors known, in order.
func (e *Engine) Connectors() []string { return sortedNames(e.catalogue.connectors) }

// FailedPurchases are the ids that the engine requested and that failed, or failed and were settled late.
func (e *Engine) FailedPurchases() []string {
	var ids []string
	for _, id := range sortedNames(e.accounts) {
		for _, p := range e.accounts[id].purchases {
			if p.hasFailed {
				ids = append(ids, p.id)
			}
		}
	}
	return ids
}

// MissingRanges counts the ranges of missing numbers of the attempt that has most, by account.
func (e *Engine) MissingRanges() map[string]int {
	most := map[string]int{}
	for id, a := range e.accounts {
		for _, t := range a.memory.attempts {
			most[id] = max(most[id], len(t.missing))
		}
	}
	return most
}

// Accounts are the ids of the accounts opened, in order.
func (e *Engine) Accounts() []string { return sortedNames(e.accounts) }

// SubjectOf is the account that a line of a log is about, or empty where it names none.
func SubjectOf(line []byte) string {
	if r := decode(line); r.subject != nil && !r.broadcast {
		return *r.subject
	}
	return ""
}

// LogTimeOf is the log time of a line, where it has a readable one.
func LogTimeOf(line []byte) (at Instant, ok bool) {
	r := decode(line)
	if r.logTime == nil {
		return 0, false
	}
	return *r.logTime, true
}
