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
	r.version()
	s.gate = gateSettings{reserve: r.credits(), runawayFactor: r.uint(), runawayMin: r.credits()}
	for range r.count() {
		s.add(&r, hold{
			HeldFor: drawdown.HeldFor{Hold: r.text(), Connection: r.text(), Job: r.uint()},
			amount:  r.credits(), remaining: r.credits(), expiresAt: r.time(), waiting: r.bool(),
		})
	}
	return r.finish()
}

// add takes a hold that was read, and counts it.
func (s *holds) add(r *unpacker, h hold) {
	if h.remaining > h.amount || (h.waiting && h.remaining != h.amount) || s.held+h.remaining < 0 {
		r.fail()
		return
	}
	if h.waiting {
		s.waiting++
	} else {
		s.held += h.remaining
	}
	s.list = append(s.list, h)
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
