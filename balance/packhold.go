package balance

import (
	"fmt"

	"drawdown"
)

// HoldsField is the name of the stored field that holds an account's holds and its gate's settings. An account that has
// neither has no such field.
const HoldsField = "h"

// isDefault reports whether there is nothing to store.
func (s *holds) isDefault() bool { return len(s.list) == 0 && s.gate == gateSettings{} }

// changedField packs the field for the store; it is deleted where there is nothing to store.
func (s *holds) changedField(w *packer) Field {
	if s.isDefault() {
		return Field{Name: HoldsField}
	}
	begin := len(w.buf)
	s.pack(w)
	return Field{Name: HoldsField, Value: w.since(begin)}
}

func (s *holds) pack(w *packer) {
	w.version()
	w.credits(s.gate.reserve)
	w.uint(s.gate.runawayFactor)
	w.credits(s.gate.runawayMin)
	w.uint(uint64(len(s.list)))
	for i := range s.list {
		h := &s.list[i]
		w.text(h.Hold)
		w.text(h.Connection)
		w.uint(h.Job)
		w.credits(h.amount)
		w.credits(h.remaining)
		w.time(h.expiresAt)
		w.bool(h.waiting)
	}
}

func (s *holds) unpack(packed []byte) error {
	r := unpacker{buf: packed}
	var err error
	s.gate, s.held, err = r.holds(func(h *packedHold) {
		if h.waiting {
			s.waiting++
		}
		s.list = append(s.list, h.unpacked())
	})
	return err
}

// packedHold is a hold as a view of the packed field.
type packedHold struct {
	hold, connection  []byte
	job               uint64
	amount, remaining drawdown.Credits
	expiresAt         drawdown.Time
	waiting           bool
}

func (h *packedHold) unpacked() hold {
	return hold{
		HeldFor: drawdown.HeldFor{Hold: string(h.hold), Connection: string(h.connection), Job: h.job},
		amount:  h.amount, remaining: h.remaining, expiresAt: h.expiresAt, waiting: h.waiting,
	}
}

// holds reads the whole field: what was set for the gate, what is held, and each hold, which is valid during the call.
func (r *unpacker) holds(each func(*packedHold)) (gate gateSettings, held drawdown.Credits, err error) {
	r.version()
	gate = gateSettings{reserve: r.credits(), runawayFactor: r.uint(), runawayMin: r.credits()}
	var h packedHold
	for range r.count() {
		h = packedHold{
			hold: r.bytes(), connection: r.bytes(), job: r.uint(),
			amount: r.credits(), remaining: r.credits(), expiresAt: r.time(), waiting: r.bool(),
		}
		if h.remaining > h.amount || (h.waiting && h.remaining != h.amount) || held+h.remaining < 0 {
			r.fail()
		}
		if r.err != nil {
			break
		}
		if !h.waiting {
			held += h.remaining
		}
		each(&h)
	}
	return gate, held, r.finish()
}

func (a *account) restoreHolds(fields []Field) error {
	for _, f := range fields {
		if f.Name == HoldsField {
			if err := a.holds.unpack(f.Value); err != nil {
				return fmt.Errorf("holds: %w", err)
			}
		}
	}
	return nil
}
