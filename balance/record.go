package balance

import "drawdown"

// Limits of how far the time of an event may be from the partition's clock.
const (
	maxAhead           = drawdown.Hour
	maxBehind          = 34 * drawdown.Day
	maxBehindUnordered = 72 * drawdown.Hour // usage without seq
)

// accountRecord handles a record of an account: account known? · advance · duplicate? · the type's own checks · its
// effect · settle. A rejected record or a duplicate has no effect of its own and nothing is settled for it; that time
// advanced stays.
func (p *Partition) accountRecord(rec *drawdown.Record) {
	if reason := p.timely(rec); reason != "" {
		p.reject(rec, reason)
		return
	}
	a := p.accounts[string(rec.Account)]
	if rec.Type == drawdown.AccountOpened {
		p.openAccount(rec, a)
		return
	}
	if a == nil {
		p.reject(rec, drawdown.UnknownAccount)
		return
	}
	p.touch(a)
	p.advance(a)
	switch rec.Type {
	case drawdown.SyncUsage:
		p.usage(rec, a)
	case drawdown.Tick:
		p.settle(a)
	default:
		p.operation(rec, a)
	}
}

// timely checks when the record says that it happened against the partition's clock.
func (p *Partition) timely(rec *drawdown.Record) drawdown.Reason {
	behind := maxBehind
	switch {
	case rec.Type == drawdown.PurchaseSettled: // the money has been taken, whenever
		return ""
	case rec.Type == drawdown.SyncUsage && rec.Usage.Seq == 0:
		behind = maxBehindUnordered
	}
	switch {
	case rec.Time > p.clock+maxAhead:
		return drawdown.Future
	case rec.Time < p.clock-behind:
		return drawdown.Late
	default:
		return ""
	}
}

// openAccount opens an account. For one that is there, nothing advances.
func (p *Partition) openAccount(rec *drawdown.Record, a *account) {
	o := rec.Operation.(*drawdown.OpenAccount)
	id := identify(rec.Source, rec.ID)
	if a != nil {
		if a.operationIDs.seen(id, p.clock) {
			p.duplicate(rec, a.id)
		} else {
			p.reject(rec, drawdown.AccountExists)
		}
		return
	}
	plan := p.plans[o.Plan]
	if plan == nil {
		p.reject(rec, drawdown.UnknownPlan)
		return
	}
	a = newAccount(string(rec.Account))
	a.plan, a.email, a.emailVerified = plan, o.Email, o.EmailVerified
	a.advanced = p.clock
	p.accounts[a.id] = a
	p.touch(a)
	a.operationIDs.remember(id, p.clock)
	p.startPeriod(a, p.clock, 0)
	a.noteLow()
	p.settle(a)
}
