package balance

import (
	"fmt"

	"drawdown"
)

// pack appends the account's core: all but its connections and what is merely remembered.
func (a *account) pack(w *packer) {
	w.version()
	w.text(a.plan.ID)
	w.text(a.waitingPlan)
	w.text(a.email)
	w.bool(a.emailVerified)
	w.time(a.advanced)
	w.credits(a.overdraft)
	for _, total := range [...]drawdown.Total{a.granted, a.used, a.expired, a.voided, a.waived, a.missing} {
		w.total(total)
	}
	w.time(a.fellAt)
	w.uint(uint64(a.status))
	w.bool(a.lowArmed)
	w.time(a.subscribedAt)
	w.uint(uint64(a.subscribedNo))
	w.text(a.paymentMethod)
	w.time(a.enrolled)
	a.packGrants(w)
	a.period.pack(w)
	a.purchases.pack(w)
	a.usageIDs.pack(w)
	a.operationIDs.pack(w)
}

// unpack is the inverse of pack. plans are those published.
func (a *account) unpack(packed []byte, plans map[string]*drawdown.Plan) error {
	r := unpacker{buf: packed}
	r.version()
	planID := r.text()
	a.waitingPlan = r.text()
	a.email = r.text()
	a.emailVerified = r.bool()
	a.advanced = r.time()
	a.overdraft = r.credits()
	for _, total := range [...]*drawdown.Total{&a.granted, &a.used, &a.expired, &a.voided, &a.waived, &a.missing} {
		*total = r.total()
	}
	a.fellAt = r.time()
	a.status = drawdown.Status(r.uint())
	a.lowArmed = r.bool()
	a.subscribedAt = r.time()
	a.subscribedNo = int(r.uint())
	a.paymentMethod = r.text()
	a.enrolled = r.time()
	a.unpackGrants(&r)
	a.period.unpack(&r)
	a.purchases.unpack(&r)
	a.usageIDs.unpack(&r)
	a.operationIDs.unpack(&r)
	if err := r.finish(); err != nil {
		return err
	}
	a.plan = plans[planID]
	if a.plan == nil || (a.waitingPlan != "" && plans[a.waitingPlan] == nil) || a.status >= drawdown.StatusCount {
		return fmt.Errorf("plan %q, waiting plan %q, status %d: %w", planID, a.waitingPlan, a.status, errDamaged)
	}
	return nil
}

func (a *account) packGrants(w *packer) {
	w.uint(uint64(len(a.grants)))
	for i := range a.grants {
		g := &a.grants[i]
		w.text(g.id)
		w.uint(uint64(g.category))
		w.bool(g.bought)
		w.credits(g.amount)
		w.credits(g.remaining)
		w.time(g.expiresAt)
		w.time(g.madeAt)
	}
}

func (a *account) unpackGrants(r *unpacker) {
	for range r.count() {
		g := grant{
			id: r.text(), category: drawdown.Category(r.uint()), bought: r.bool(), amount: r.credits(), remaining: r.credits(),
			expiresAt: r.time(), madeAt: r.time(),
		}
		if g.category >= drawdown.CategoryCount {
			r.fail()
		}
		a.remaining += g.remaining
		a.grants = append(a.grants, g)
	}
}

func (d *period) pack(w *packer) {
	w.time(d.anchor)
	w.uint(uint64(d.index))
	w.uint(d.serial)
	w.time(d.from)
	w.time(d.to)
	w.total(d.used)
	w.uint(uint64(d.autoPurchases))
	w.total(d.amount.Cents)
	w.uint(uint64(d.usageNotices))
	w.bool(d.cappedTold)
}

func (d *period) unpack(r *unpacker) {
	*d = period{
		anchor: r.time(), index: int(r.uint()), serial: r.uint(), from: r.time(), to: r.time(),
		used: r.total(), autoPurchases: int64(r.uint()), amount: drawdown.Money{Cents: r.total()},
		usageNotices: int(r.uint()), cappedTold: r.bool(),
	}
}

// pack appends all but the book of purchases, which is a segment.
func (s *purchases) pack(w *packer) {
	w.bool(s.enabled)
	w.bool(s.maxAmount != nil)
	if s.maxAmount != nil {
		w.total(s.maxAmount.Cents)
	}
	w.uint(s.requested)
	w.uint(s.failedBy)
	w.uint(uint64(s.book.bytes))
	w.uint(uint64(len(s.failed)))
	for _, f := range s.failed {
		w.uint(f.n)
		w.total(f.amount.Cents)
	}
	w.bool(s.open != nil)
	if open := s.open; open != nil {
		w.uint(open.n)
		w.credits(open.quantity)
		w.total(open.amount.Cents)
		w.text(open.currency)
		w.time(open.requestedAt)
		w.uint(open.period)
		open.ladder.pack(w)
	}
}

func (s *purchases) unpack(r *unpacker) {
	s.enabled = r.bool()
	if r.bool() {
		s.maxAmount = &drawdown.Money{Cents: r.total()}
	}
	s.requested = r.uint()
	s.failedBy = r.uint()
	s.book.bytes = int(r.uint())
	for range r.count() {
		s.failed = append(s.failed, failedPurchase{n: r.uint(), amount: drawdown.Money{Cents: r.total()}})
	}
	if r.bool() {
		s.open = &openPurchase{
			n: r.uint(), quantity: r.credits(), amount: drawdown.Money{Cents: r.total()}, currency: r.text(),
			requestedAt: r.time(), period: r.uint(),
		}
		s.open.ladder.unpack(r)
	}
}

// pack appends which segments there are; their content is theirs.
func (m *identities) pack(w *packer) {
	w.uint(uint64(len(m.segments)))
	for i := range m.segments {
		w.uint(uint64(m.segments[i].number))
	}
}

func (m *identities) unpack(r *unpacker) {
	for range r.count() {
		m.segments = append(m.segments, identitySegment{number: int64(r.uint())})
	}
}
