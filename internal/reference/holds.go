package reference

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"
)

// Limits of section 10.
const (
	holdMax  = 35 * day
	holdsMax = 256
)

// hold is credits kept for one sync; nothing is taken from a grant for it.
type hold struct {
	id, connection string
	job            int64
	// remaining is what usage has not taken yet; of one that waits, all of it.
	amount, remaining *big.Int
	expiresAt         Instant
	waiting           bool
}

type (
	holdPlacedData struct {
		hold, connection string
		job              int64
		amount           *big.Int
		expiresAt        Instant
		wait             bool
	}
	holdReleasedData struct{ hold string }
)

func decodeHoldPlaced(f fields) any {
	return holdPlacedData{
		hold: f.text("hold", nameMax), connection: f.text("connection", nameMax), job: f.integer("job", 0, integerMax),
		amount: f.credits("amount"), expiresAt: f.time("expires_at"), wait: f.optionalBoolean("wait"),
	}
}

func decodeHoldReleased(f fields) any { return holdReleasedData{hold: f.text("hold", nameMax)} }

// placeHold opens a hold, or lets it wait where that is asked for.
func (e *Engine) placeHold(a *account, data holdPlacedData) (reason string) {
	switch {
	case data.amount.Sign() <= 0 || data.expiresAt <= *e.now || data.expiresAt > *e.now+holdMax:
		return "bad_hold"
	case a.holdOf(data.hold) != nil || a.holdFor(data.connection, data.job) != nil:
		return "hold_exists"
	case len(a.holds) >= holdsMax:
		return "too_many_holds"
	case !data.wait && a.stopped[data.connection]:
		return "connection_stopped"
	}
	h := &hold{
		id: data.hold, connection: data.connection, job: data.job,
		amount: data.amount, remaining: data.amount, expiresAt: data.expiresAt, waiting: true,
	}
	canBeHeld := a.firstToServe(h) == h && a.fits(h)
	if !canBeHeld && !data.wait {
		return "insufficient_credits"
	}
	a.holds = append(a.holds, h)
	if canBeHeld {
		e.openHold(a, h, *e.now)
		return ""
	}
	e.holdLine(a, h, *e.now, "hold.queued")
	return ""
}

func (e *Engine) openHold(a *account, h *hold, at Instant) {
	h.waiting = false
	e.holdLine(a, h, at, "hold.placed")
}

func (e *Engine) holdLine(a *account, h *hold, at Instant, typ string) {
	e.line(a, at, typ, Line{
		"hold": h.id, "connection": h.connection, "job": h.job,
		"amount": formatCredits(h.amount), "expires_at": h.expiresAt.String(),
	})
}

func (e *Engine) releaseHold(a *account, data holdReleasedData) (reason string) {
	h := a.holdOf(data.hold)
	if h == nil {
		return "unknown_hold"
	}
	e.endHold(a, h, *e.now, "hold.released")
	return ""
}

// expireHolds ends the holds whose instant has come, in the order in which they were placed.
func (e *Engine) expireHolds(a *account, at Instant) {
	for _, h := range slices.Clone(a.holds) {
		if h.expiresAt <= at {
			e.endHold(a, h, at, "hold.expired")
		}
	}
}

func (e *Engine) endHold(a *account, h *hold, at Instant, typ string) {
	a.holds = slices.DeleteFunc(a.holds, func(other *hold) bool { return other == h })
	e.line(a, at, typ, Line{
		"hold": h.id, "connection": h.connection, "job": h.job,
		"amount": formatCredits(h.remaining), "used": formatCredits(minus(h.amount, h.remaining)),
	})
}

// serveQueue opens waiting holds while the first one fits; it is a part of settling, after the status.
func (e *Engine) serveQueue(a *account, at Instant) {
	for h := a.firstToServe(); h != nil && a.fits(h); h = a.firstToServe() {
		e.openHold(a, h, at)
	}
}

// firstToServe is the first of the queue, or nil where it is empty: of the holds that wait, and of others that were
// placed after them, without those of stopped connections.
func (a *account) firstToServe(others ...*hold) *hold {
	queue := slices.DeleteFunc(slices.Concat(a.holds, others), func(h *hold) bool {
		return !h.waiting || a.stopped[h.connection]
	})
	if len(queue) == 0 {
		return nil
	}
	slices.SortStableFunc(queue, func(x, y *hold) int {
		return cmp.Compare(a.priorityOf(x.connection).rank(), a.priorityOf(y.connection).rank())
	})
	return queue[0]
}

// fits tells whether a hold's amount is there to be held, the reserve left alone unless its connection is critical.
func (a *account) fits(h *hold) bool {
	room := minus(a.available(), a.held())
	if a.priorityOf(h.connection) != priorityCritical {
		room = minus(room, a.reserve)
	}
	return h.amount.Cmp(room) <= 0
}

// held is what is left of all open holds.
func (a *account) held() *big.Int {
	sum := zero()
	for _, h := range a.holds {
		if !h.waiting {
			sum = plus(sum, h.remaining)
		}
	}
	return sum
}

// holdOf is the hold of an id, open or waiting, or nil.
func (a *account) holdOf(id string) *hold {
	for _, h := range a.holds {
		if h.id == id {
			return h
		}
	}
	return nil
}

// holdFor is the hold for a sync, open or waiting, or nil; there is one at most.
func (a *account) holdFor(connection string, job int64) *hold {
	for _, h := range a.holds {
		if h.connection == connection && h.job == job {
			return h
		}
	}
	return nil
}

// useHold lowers what is left of the open hold for a sync by a charge, down to nothing.
func (a *account) useHold(connection string, job int64, charge *big.Int) {
	if h := a.holdFor(connection, job); h != nil && !h.waiting {
		h.remaining = minus(h.remaining, smaller(charge, h.remaining))
	}
}

// checkHolds verifies that no hold has more or less left than there can be, and that none waits that could be open.
func (a *account) checkHolds() error {
	for _, h := range a.holds {
		untouched := h.remaining.Cmp(h.amount) == 0
		if h.remaining.Sign() < 0 || h.remaining.Cmp(h.amount) > 0 || (h.waiting && !untouched) {
			return fmt.Errorf("account %s: hold %s of %s has %s left", a.id, h.id, formatCredits(h.amount), formatCredits(h.remaining))
		}
	}
	if first := a.firstToServe(); first != nil && a.fits(first) {
		return fmt.Errorf("account %s: hold %s waits although it fits", a.id, first.id)
	}
	return nil
}
