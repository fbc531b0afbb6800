package balance

import (
	"fmt"

	"drawdown"
)

// GateReason is why a sync may start, or not (contract, section 10).
type GateReason string

// The reasons of the gate, a closed set. Those that are statuses allow but for the last two.
const (
	GateConnectionStopped GateReason = "connection_stopped" // denied: by the breaker, until it is acknowledged
	GateHold              GateReason = "hold"               // allowed: something is left of the job's own hold
	GateFree              GateReason = "free"               // allowed: the connection costs nothing now
	GateReserved          GateReason = "reserved"           // denied: the last credits are for critical connections
	GateHeld              GateReason = "held"               // denied: all credits are held for others
	GateActive            GateReason = "active"             // allowed
	GatePurchasing        GateReason = "purchasing"         // allowed
	GateGrace             GateReason = "grace"              // allowed
	GatePaymentFailed     GateReason = "payment_failed"     // denied
	GateExhausted         GateReason = "exhausted"          // denied
)

// GateReasons lists every reason, for metrics and descriptions.
var GateReasons = []GateReason{
	GateConnectionStopped, GateHold, GateFree, GateReserved, GateHeld, GateActive, GatePurchasing, GateGrace,
	GatePaymentFailed, GateExhausted,
}

// GateAnswer is whether a sync may start, and what that follows from.
type GateAnswer struct {
	Allowed   bool
	Reason    GateReason
	Status    drawdown.Status
	Available drawdown.Credits // the balance less what is held
	Held      drawdown.Credits // what is left of all open holds of the account
	Reserve   drawdown.Credits // the last credits, on which only critical connections may start
	Priority  drawdown.Priority
	// Hold is the hold for the job that was asked about, open or waiting; nil where there is none, or no job was named.
	Hold *drawdown.HoldBalance
}

// GateFields returns the names of the stored fields that a gate's answer for a connection needs, besides the core.
func GateFields(connection string) []string {
	return []string{HoldsField, connectionField + connection}
}

// ReadGate returns whether a sync of a connection may start at an instant, from an account as the store has it, and
// whether there is such an account. job is nil where the question names none. The fields besides [GateFields] may be
// missing. The state is taken as it is: nothing that is due by time is applied.
//
// The partition must have the catalogue. ReadGate keeps nothing and changes nothing, so any number of goroutines may
// call it, [Partition.ReadOverview] and [Partition.ReadProfile] on one partition, as long as nobody changes the
// partition meanwhile: whoever restores a newer catalogue does it in a new partition, and then exchanges the two.
func (p *Partition) ReadGate(s Stored, connection string, job *uint64, at drawdown.Time) (answer GateAnswer, exists bool, err error) {
	if s.Mark == (Mark{}) && s.Core == nil {
		return GateAnswer{}, false, nil
	}
	view, err := readGateView(&s, connection, job)
	if err != nil {
		return GateAnswer{}, false, fmt.Errorf("read the gate of account %s: %w", s.Account, err)
	}
	view.free = view.connection.known && view.core.enrolled != drawdown.NoTime && view.core.enrolled <= at &&
		p.rating.Connectors.IsConnectionEligible(view.source, view.destination, at)
	return view.answer(), true, nil
}

// gateView is what the gate knows of an account.
type gateView struct {
	core                gateCore
	connection          standing
	source, destination []byte
	free                bool // the connection is free at the instant
	settings            gateSettings
	held                drawdown.Credits
	hold                *drawdown.HoldBalance // of the job, nil for none
}

func readGateView(s *Stored, connection string, job *uint64) (v gateView, err error) {
	r := unpacker{buf: s.Core}
	if v.core, err = r.gateCore(); err != nil {
		return v, err
	}
	for i := range s.Fields {
		switch name := s.Fields[i].Name; {
		case name == HoldsField:
			err = v.readHolds(s.Fields[i].Value, connection, job)
		case len(name) > 0 && name[:1] == connectionField && name[1:] == connection:
			err = v.readConnection(s.Fields[i].Value)
		}
		if err != nil {
			return v, fmt.Errorf("field %q: %w", s.Fields[i].Name, err)
		}
	}
	if available := unheld(v.core.balance, v.held); available != s.Mark.Balance {
		return v, fmt.Errorf("its state says %v credits, its balance %v: %w", available, s.Mark.Balance, errDamaged)
	}
	return v, nil
}

func (v *gateView) readConnection(packed []byte) error {
	r := unpacker{buf: packed}
	r.version()
	v.connection = r.standing()
	v.source, v.destination = r.bytes(), r.bytes()
	return r.err
}

func (v *gateView) readHolds(packed []byte, connection string, job *uint64) (err error) {
	r := unpacker{buf: packed}
	v.settings, v.held, err = r.holds(func(h *packedHold) {
		if job != nil && h.job == *job && string(h.connection) == connection {
			found := h.unpacked()
			balance := found.balance()
			v.hold = &balance
		}
	})
	return err
}

// answer is the table of the contract, section 10: the first row that applies.
func (v *gateView) answer() GateAnswer {
	a := GateAnswer{
		Status: v.core.status, Available: unheld(v.core.balance, v.held), Held: v.held, Reserve: v.settings.reserve,
		Priority: v.connection.priority, Hold: v.hold,
	}
	status := GateReason(a.Status.String())
	spent := a.Status == drawdown.Exhausted || a.Status == drawdown.PaymentFailed
	switch {
	case v.connection.stopped:
		a.Allowed, a.Reason = false, GateConnectionStopped
	case a.Hold != nil && !a.Hold.Waiting && a.Hold.Remaining > 0:
		a.Allowed, a.Reason = true, GateHold
	case v.free:
		a.Allowed, a.Reason = true, GateFree
	case spent:
		a.Allowed, a.Reason = false, status
	case a.Priority != drawdown.PriorityCritical && a.Reserve > 0 && a.Available <= a.Reserve:
		a.Allowed, a.Reason = false, GateReserved
	case a.Status == drawdown.Active && a.Available <= 0:
		a.Allowed, a.Reason = false, GateHeld
	default:
		a.Allowed, a.Reason = true, status
	}
	return a
}

// gateCore is what the gate needs of an account's core.
type gateCore struct {
	balance  drawdown.Credits
	status   drawdown.Status
	enrolled drawdown.Time
}

// gateCore reads the beginning of a core, in the order in which [account.pack] packs it, up to the grants. It builds
// nothing of what it passes: a gate is asked thousands of times a second.
func (r *unpacker) gateCore() (gateCore, error) {
	const totals = 6
	r.version()
	r.bytes() // plan
	r.bytes() // waiting plan
	r.bytes() // email
	r.bool()  // is verified
	r.time()  // advanced
	overdraft := r.credits()
	for range totals {
		r.total()
	}
	r.time() // fell
	core := gateCore{status: drawdown.Status(r.uint())}
	r.bool()  // low_balance is armed
	r.time()  // subscribed
	r.uint()  // grants of that instant
	r.bytes() // payment method
	core.enrolled = r.time()
	for range r.count() {
		r.bytes() // id
		r.uint()  // category
		r.bool()  // bought
		r.credits()
		core.balance += r.credits()
		r.time() // expires
		r.time() // made
	}
	core.balance -= overdraft
	if r.err == nil && core.status >= drawdown.StatusCount {
		r.fail()
	}
	return core, r.err
}
