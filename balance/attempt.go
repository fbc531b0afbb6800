package balance

import (
	"sort"

	"drawdown"
)

const (
	// attemptMemory is how long after its last accepted event an attempt is remembered.
	attemptMemory = 35 * drawdown.Day
	// maxMissingRanges bounds the missing ranges of an attempt: beyond it, the lowest is forgotten.
	maxMissingRanges = 64
)

// attempt is what is remembered of one attempt of a job of a connection: which sequence numbers were accepted.
type attempt struct {
	job, number uint64
	last        drawdown.Time // the partition's clock at its last accepted event
	highest     uint64        // the highest sequence number accepted, 0 for none
	missing     []span        // numbers below it that were not, ascending
}

// span is the sequence numbers from low to high.
type span struct{ low, high uint64 }

// isEmpty reports whether nothing is remembered of the attempt any more.
func (t *attempt) isEmpty(now drawdown.Time) bool { return now-t.last > attemptMemory }

// isNew reports whether the number has not been accepted: it is above the highest, or missing.
func (t *attempt) isNew(seq uint64) bool {
	if seq > t.highest {
		return true
	}
	at := t.spanOf(seq)
	return at < len(t.missing) && t.missing[at].low <= seq
}

// spanOf returns the index of the first missing span that does not end before seq.
func (t *attempt) spanOf(seq uint64) int {
	return sort.Search(len(t.missing), func(i int) bool { return t.missing[i].high >= seq })
}

// accept takes note of a new number. It returns how many numbers it left missing, and whether it was itself missing.
func (t *attempt) accept(seq uint64) (left uint64, arrived bool) {
	if seq > t.highest {
		left = seq - t.highest - 1
		if left > 0 {
			t.missing = append(t.missing, span{t.highest + 1, seq - 1})
		}
		t.highest = seq
	} else {
		arrived = true
		t.fill(seq)
	}
	if len(t.missing) > maxMissingRanges {
		t.missing = append(t.missing[:0], t.missing[1:]...)
	}
	return left, arrived
}

// fill takes a missing number out of its span.
func (t *attempt) fill(seq uint64) {
	at := t.spanOf(seq)
	s := t.missing[at]
	switch {
	case s.low == s.high:
		t.missing = append(t.missing[:at], t.missing[at+1:]...)
	case seq == s.low:
		t.missing[at].low++
	case seq == s.high:
		t.missing[at].high--
	default:
		t.missing = append(t.missing, span{})
		copy(t.missing[at+1:], t.missing[at:])
		t.missing[at] = span{s.low, seq - 1}
		t.missing[at+1] = span{seq + 1, s.high}
	}
}

// attempts is what a connection remembers of its attempts: a few recent ones as they are, the rest packed.
type attempts struct {
	recent []attempt // the one accepted last is last
	frozen []frozen  // the newest last
	nextNo uint64    // number of the next frozen block
}

const (
	// maxRecent bounds what a commit writes for a connection: beyond it, the oldest are frozen.
	maxRecent = 24
	// keptRecent is how many stay when the others are frozen.
	keptRecent = 4
)

// find returns what is remembered of an attempt at now, nil for nothing. The result is valid until the next touch.
func (m *attempts) find(job, number uint64, now drawdown.Time) *attempt {
	for i := len(m.recent) - 1; i >= 0; i-- {
		if t := &m.recent[i]; t.job == job && t.number == number {
			if t.isEmpty(now) {
				return nil
			}
			return t
		}
	}
	for i := len(m.frozen) - 1; i >= 0; i-- {
		if t, found := m.frozen[i].find(job, number); found {
			if t.isEmpty(now) {
				return nil
			}
			return &t
		}
	}
	return nil
}

// touch returns the attempt as the one accepted last, with what is remembered of it, and stamps it with now.
func (m *attempts) touch(job, number uint64, now drawdown.Time) *attempt {
	if n := len(m.recent); n > 0 {
		if t := &m.recent[n-1]; t.job == job && t.number == number && !t.isEmpty(now) {
			t.last = now
			return t
		}
	}
	t := attempt{job: job, number: number}
	if known := m.find(job, number, now); known != nil {
		t = *known
	}
	t.last = now
	for i := range m.recent {
		if m.recent[i].job == job && m.recent[i].number == number {
			m.recent = append(m.recent[:i], m.recent[i+1:]...)
			break
		}
	}
	m.recent = append(m.recent, t)
	return &m.recent[len(m.recent)-1]
}
