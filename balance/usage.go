package balance

import (
	"drawdown"
	"drawdown/rating"
)

// usage rates a usage event of an account that has advanced, burns its charge, and remembers it.
func (p *Partition) usage(rec *drawdown.Record, a *account) {
	u := &rec.Usage
	c := a.connection(u.Connection)
	var id fingerprint
	if u.Seq == 0 {
		id = identify(rec.Source, rec.ID)
	}
	if p.usageSeen(a, c, u, id) {
		p.duplicate(rec, a.id)
		return
	}
	quote, reason := p.quote(c, u, rec.Time)
	if reason != "" {
		p.reject(rec, reason)
		return
	}
	charge := &p.charge
	left := p.rate(a, c, rec, quote, charge)
	if !a.affords(charge.Credits) {
		p.reject(rec, drawdown.OutOfRange)
		return
	}
	c = p.rememberUsage(a, u, id)
	p.link(a, c, u.SourceConnector, u.DestinationConnector)
	if !charge.Free {
		c.keepRemainder(quote.Card.Version, quote.Kind, left)
	}
	p.burnCharge(a, c, u.Job, charge)
	p.fillCharge(a, c, rec, quote, charge)
	p.out.Charge(charge)
	p.watch(a, c, charge)
	p.settle(a)
}

// usageSeen reports whether the event repeats one that was accepted: by connection, job, attempt and seq, and by
// nothing else; without seq, by source and id.
func (p *Partition) usageSeen(a *account, c *connection, u *drawdown.Usage, id fingerprint) bool {
	if u.Seq == 0 {
		return a.usageIDs.seen(id, p.clock)
	}
	if c == nil {
		return false
	}
	known := c.attempts.find(u.Job, u.Attempt, p.clock)
	return known != nil && !known.isNew(u.Seq)
}

// rememberUsage takes note that the event was accepted, and returns its connection.
func (p *Partition) rememberUsage(a *account, u *drawdown.Usage, id fingerprint) *connection {
	c := p.ensureConnection(a, u.Connection)
	if u.Seq == 0 {
		a.usageIDs.remember(id, p.clock)
		return c
	}
	left, arrived := c.attempts.touch(u.Job, u.Attempt, p.clock).accept(u.Seq)
	a.missing = a.missing.Plus(drawdown.Total128(0, left))
	p.gaps.Left += left
	if arrived {
		a.missing = a.missing.Minus(drawdown.Total128(0, 1))
		p.gaps.Arrived++
	}
	return c
}

// quote returns how the event is rated: from the connection's last quote where it still holds.
func (p *Partition) quote(c *connection, u *drawdown.Usage, t drawdown.Time) (*rating.Quote, drawdown.Reason) {
	if c != nil && c.quoteValid && c.quoteSeen == p.published && c.quote.From <= t && t < c.quote.To &&
		c.source == string(u.SourceConnector) && c.destination == string(u.DestinationConnector) {
		return &c.quote, ""
	}
	quote, reason := p.rating.Quote(u.SourceConnector, u.DestinationConnector, t)
	if reason != "" {
		return nil, reason
	}
	if c != nil && c.source == string(u.SourceConnector) && c.destination == string(u.DestinationConnector) {
		c.quote, c.quoteValid, c.quoteSeen = quote, true, p.published
		return &c.quote, ""
	}
	return &quote, ""
}

// rate sets what the event costs, or would have cost, and returns the remainder that a billed one leaves.
func (p *Partition) rate(a *account, c *connection, rec *drawdown.Record, q *rating.Quote, charge *drawdown.Charge) uint64 {
	quantity := rec.Usage.Quantity[q.Rate.Meter]
	charge.Quantity = quantity
	charge.Free = q.Eligible && a.isEnrolled() && a.enrolled <= rec.Time
	charge.Credits, charge.Waived = drawdown.Total{}, drawdown.Total{}
	if charge.Free {
		charge.Waived, _ = rating.Charge(q.Rate, 0, quantity)
		return 0
	}
	remainder := uint64(0)
	if c != nil {
		if kept := c.remainderAt(q.Card.Version, q.Kind); kept != nil {
			remainder = kept.left
		}
	}
	var left uint64
	charge.Credits, left = rating.Charge(q.Rate, remainder, quantity)
	return left
}

// affords reports whether a charge keeps the overdraft in range.
func (a *account) affords(charge drawdown.Total) bool {
	credits, fits := charge.Uint64()
	if !fits {
		return false
	}
	covered := uint64(a.remaining)
	return credits <= covered || credits-covered <= uint64(drawdown.MaxHeld-a.overdraft)
}

// burnCharge takes the charge from the account and from what is held for its job, and counts it.
func (p *Partition) burnCharge(a *account, c *connection, job uint64, charge *drawdown.Charge) {
	before := a.available()
	credits, _ := charge.Credits.Uint64()
	charge.Burned, charge.Overdraft = a.burn(credits, charge.Burned[:0])
	a.used = a.used.Plus(charge.Credits)
	a.period.used = a.period.used.Plus(charge.Credits)
	a.waived = a.waived.Plus(charge.Waived)
	c.hadUsage = true
	c.used = c.used.Plus(charge.Credits)
	c.waived = c.waived.Plus(charge.Waived)
	a.noteFall(before, p.at)
	a.noteLow()
	if len(a.holds.list) > 0 {
		a.drawHold(c.name, job, credits)
	}
}

func (p *Partition) fillCharge(a *account, c *connection, rec *drawdown.Record, q *rating.Quote, charge *drawdown.Charge) {
	charge.Head = p.head(a.id)
	charge.Time = rec.Time
	charge.Connection = c.name
	charge.SourceConnector, charge.DestinationConnector = c.source, c.destination
	charge.Job, charge.Attempt = rec.Usage.Job, rec.Usage.Attempt
	charge.Stream, charge.Event = rec.Usage.Stream, rec.ID
	charge.Kind, charge.Meter, charge.Rates = q.Kind, q.Rate.Meter, q.Card.Version
}
