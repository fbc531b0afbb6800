package balance

import (
	"sort"

	"drawdown"
)

// frozen is a block of attempts that were not touched for a while, packed: a few bytes each. It is written once. An
// attempt that is touched again moves back to the recent ones; what the block says of it then no longer counts, since
// recent attempts and newer blocks are asked first.
type frozen struct {
	number uint64
	newest drawdown.Time // the greatest `last` of its attempts
	packed []byte
}

// freeze packs all but the most recent attempts, and leaves out those that are empty at now. It reports whether a
// block was made: the last of m.frozen.
func (m *attempts) freeze(now drawdown.Time) bool {
	if len(m.recent) <= maxRecent {
		return false
	}
	finished := make([]attempt, 0, len(m.recent)-keptRecent)
	for _, t := range m.recent[:len(m.recent)-keptRecent] {
		if !t.isEmpty(now) {
			finished = append(finished, t)
		}
	}
	m.recent = append(m.recent[:0], m.recent[len(m.recent)-keptRecent:]...)
	if len(finished) == 0 {
		return false
	}
	m.frozen = append(m.frozen, packFrozen(m.nextNo, finished))
	m.nextNo++
	return true
}

// thaw drops the blocks in which every attempt is empty at now, and returns their numbers.
func (m *attempts) thaw(now drawdown.Time) (dropped []uint64) {
	kept := m.frozen[:0]
	for _, f := range m.frozen {
		if now-f.newest > attemptMemory {
			dropped = append(dropped, f.number)
			continue
		}
		kept = append(kept, f)
	}
	m.frozen = kept
	return dropped
}

// packFrozen packs attempts: by job and attempt, as differences; instants as differences from the newest.
func packFrozen(number uint64, finished []attempt) frozen {
	sort.Slice(finished, func(i, j int) bool {
		if finished[i].job != finished[j].job {
			return finished[i].job < finished[j].job
		}
		return finished[i].number < finished[j].number
	})
	f := frozen{number: number, newest: drawdown.NoTime}
	for i := range finished {
		f.newest = max(f.newest, finished[i].last)
	}
	var w packer
	w.version()
	w.time(f.newest)
	job := uint64(0)
	for i := range finished {
		t := &finished[i]
		w.uint(t.job - job)
		job = t.job
		hasMissing := uint64(0)
		if len(t.missing) > 0 {
			hasMissing = 1
		}
		w.uint(t.number<<1 | hasMissing)
		w.uint(t.highest)
		w.uint(uint64(f.newest - t.last))
		if hasMissing == 1 {
			w.spans(t.missing)
		}
	}
	f.packed = w.buf
	return f
}

// find returns what the block says of an attempt.
func (f *frozen) find(job, number uint64) (attempt, bool) {
	r := unpacker{buf: f.packed}
	r.version()
	r.time()
	t := attempt{}
	for len(r.buf) > 0 && r.err == nil {
		t.job += r.uint()
		word := r.uint()
		t.number = word >> 1
		t.highest = r.uint()
		t.last = f.newest - drawdown.Time(r.uint())
		t.missing = nil
		if word&1 == 1 {
			t.missing = r.spans()
		}
		if t.job == job && t.number == number {
			return t, true
		}
		if t.job > job {
			break
		}
	}
	return attempt{}, false
}

// unpackFrozen takes a block as the store has it.
func unpackFrozen(number uint64, packed []byte) (frozen, error) {
	r := unpacker{buf: packed}
	r.version()
	f := frozen{number: number, newest: r.time(), packed: packed}
	return f, r.err
}
