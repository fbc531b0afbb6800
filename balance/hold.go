package balance

import (
	"math"
	"slices"

	"drawdown"
)

const (
	// maxHolds bounds the holds of an account, open and waiting: they are stored as one field.
	maxHolds = 256
	// maxHoldAge is how far ahead a hold may expire.
	maxHoldAge = 35 * drawdown.Day
)

// hold makes credits unavailable to others until the sync that they are for has used them (contract, section 10). It
// takes nothing from any grant.
type hold struct {
	drawdown.HeldFor
	amount    drawdown.Credits
	remaining drawdown.Credits // what usage left of it; of one that waits, all
	expiresAt drawdown.Time
	waiting   bool // until it can be held
}

// holds is what an account has of holds, and what was set for its gate. It is a field of its own in the store, written
// only when it changes.
type holds struct {
	list    []hold           // open and waiting, in the order in which they were placed
	waiting int              // how many of them wait
	held    drawdown.Credits // what is left of all open ones
	gate    gateSettings
	touched bool // since the last Take
}

// unheld is what other holds and the gate can have: the balance less what is held. It stops at the least that the type
// can say: 9·10^9 credits of overdraft beside as much that is held do not fit, and nothing fits into either.
func (a *account) unheld() drawdown.Credits { return unheld(a.available(), a.holds.held) }

func unheld(balance, held drawdown.Credits) drawdown.Credits {
	if balance < math.MinInt64+held {
		return math.MinInt64
	}
	return balance - held
}

// holdFits reports whether an amount can be held for a connection: all but critical ones leave the reserve.
func (a *account) holdFits(amount drawdown.Credits, priority drawdown.Priority) bool {
	free := a.unheld()
	if free <= 0 {
		return false
	}
	if priority != drawdown.PriorityCritical {
		free -= a.holds.gate.reserve
	}
	return amount <= free
}

// standing returns the priority of a connection and whether it is stopped. One that the account never knew is normal.
func (a *account) standing(connection string) (priority drawdown.Priority, stopped bool) {
	if c := a.connections[connection]; c != nil {
		return c.priority, c.stopped
	}
	return drawdown.PriorityNormal, false
}

// firstWaiting returns the first hold of the queue and its priority, nil where the queue is empty. Holds of stopped
// connections are not in it.
func (a *account) firstWaiting() (first *hold, priority drawdown.Priority) {
	for i := range a.holds.list {
		h := &a.holds.list[i]
		if !h.waiting {
			continue
		}
		of, stopped := a.standing(h.Connection)
		if !stopped && (first == nil || of.Before(priority)) {
			first, priority = h, of
		}
	}
	return first, priority
}

// opensAtOnce reports whether a new hold is open from the record on that places it: its connection is not stopped, it
// fits, and it would be the queue's first.
func (a *account) opensAtOnce(o *drawdown.PlaceHold) bool {
	priority, stopped := a.standing(o.Connection)
	if stopped || !a.holdFits(o.Amount, priority) {
		return false
	}
	if a.holds.waiting == 0 {
		return true
	}
	first, before := a.firstWaiting()
	return first == nil || priority.Before(before)
}

// checkHold returns why a hold can't be placed at now, "" where it can.
func (a *account) checkHold(o *drawdown.PlaceHold, now drawdown.Time) drawdown.Reason {
	_, stopped := a.standing(o.Connection)
	switch {
	case o.Amount <= 0 || o.ExpiresAt <= now || o.ExpiresAt > now+maxHoldAge:
		return drawdown.BadHold
	case a.holdOf(o.Hold) != nil || a.holdFor(o.Connection, o.Job) != nil:
		return drawdown.HoldExists
	case len(a.holds.list) >= maxHolds:
		return drawdown.TooManyHolds
	case o.Wait:
		return ""
	case stopped:
		return drawdown.ConnectionStopped
	case !a.opensAtOnce(o):
		return drawdown.InsufficientCredits
	default:
		return ""
	}
}

// holdOf returns the hold of that id, nil where there is none.
func (a *account) holdOf(id string) *hold {
	for i := range a.holds.list {
		if h := &a.holds.list[i]; h.Hold == id {
			return h
		}
	}
	return nil
}

// holdFor returns the hold for a job of a connection, nil where there is none.
func (a *account) holdFor(connection string, job uint64) *hold {
	for i := range a.holds.list {
		if h := &a.holds.list[i]; h.Job == job && h.Connection == connection {
			return h
		}
	}
	return nil
}

// placeHold holds an amount, or has it wait.
func (p *Partition) placeHold(a *account, o *drawdown.PlaceHold) {
	h := hold{
		HeldFor: drawdown.HeldFor{Hold: o.Hold, Connection: o.Connection, Job: o.Job},
		amount:  o.Amount, remaining: o.Amount, expiresAt: o.ExpiresAt, waiting: true,
	}
	open := a.opensAtOnce(o)
	a.holds.list = append(a.holds.list, h)
	a.holds.waiting++
	a.holds.touched, a.dueStale = true, true
	if open {
		p.openHold(a, &a.holds.list[len(a.holds.list)-1])
		return
	}
	p.ledger(a, &drawdown.HoldQueuedEntry{HeldFor: h.HeldFor, Amount: h.amount, ExpiresAt: h.expiresAt})
}

// openHold holds the amount of a hold that waited.
func (p *Partition) openHold(a *account, h *hold) {
	h.waiting = false
	a.holds.waiting--
	a.holds.held += h.remaining
	a.holds.touched = true
	p.ledger(a, &drawdown.HoldPlacedEntry{HeldFor: h.HeldFor, Amount: h.amount, ExpiresAt: h.expiresAt})
}

// serveHolds opens holds that wait, in the order of the queue, up to the first that does not fit: a large sync of high
// priority is not starved by small ones.
func (p *Partition) serveHolds(a *account) {
	for a.holds.waiting > 0 && a.unheld() > 0 {
		first, priority := a.firstWaiting()
		if first == nil || !a.holdFits(first.amount, priority) {
			return
		}
		p.openHold(a, first)
	}
}

// drawHold lowers what is left of the open hold for a job of a connection by what the job was charged.
func (a *account) drawHold(connection string, job, charged uint64) {
	h := a.holdFor(connection, job)
	if h == nil || h.waiting || h.remaining == 0 || charged == 0 {
		return
	}
	part := h.remaining
	if charged < uint64(part) {
		part = drawdown.Credits(charged)
	}
	h.remaining -= part
	a.holds.held -= part
	a.holds.touched = true
}

// dropHold ends the hold at a place of the list. What is left of it is available again.
func (a *account) dropHold(at int) {
	h := &a.holds.list[at]
	if h.waiting {
		a.holds.waiting--
	} else {
		a.holds.held -= h.remaining
	}
	a.holds.list = slices.Delete(a.holds.list, at, at+1)
	a.holds.touched, a.dueStale = true, true
}

func (p *Partition) releaseHold(a *account, id string) {
	at := slices.IndexFunc(a.holds.list, func(h hold) bool { return h.Hold == id })
	h := a.holds.list[at]
	a.dropHold(at)
	p.ledger(a, &drawdown.HoldReleasedEntry{HeldFor: h.HeldFor, Amount: h.remaining, Used: h.amount - h.remaining})
}

// expireHolds ends the holds whose time is over at the instant, in the order in which they were placed.
func (p *Partition) expireHolds(a *account) {
	for at := 0; at < len(a.holds.list); {
		h := a.holds.list[at]
		if h.expiresAt > p.at {
			at++
			continue
		}
		a.dropHold(at)
		p.ledger(a, &drawdown.HoldExpiredEntry{HeldFor: h.HeldFor, Amount: h.remaining, Used: h.amount - h.remaining})
	}
}

// nextHoldExpiry returns when the next hold ends by time, Never where none does.
func (a *account) nextHoldExpiry() drawdown.Time {
	next := drawdown.Never
	for i := range a.holds.list {
		next = min(next, a.holds.list[i].expiresAt)
	}
	return next
}
