package reference

import (
	"math/big"
	"slices"
)

// How long a record is remembered (contract, section 4).
const (
	attemptMemory    = 35 * day
	unsequencedHours = 74
	operationHours   = 840
	rangesMax        = 64
)

// recordKey is source and id, which together identify a record.
type recordKey struct{ source, id string }

type attemptKey struct {
	connection   string
	job, attempt int64
}

// span is a range of missing sequence numbers, both ends included.
type span struct{ low, high int64 }

// attempt remembers the sequence numbers of one attempt.
type attempt struct {
	highest int64
	missing []span // ascending, at most rangesMax
	// lastAccepted is the now of the last accepted event; the memory is empty more than attemptMemory later.
	lastAccepted Instant
}

type memory struct {
	attempts map[attemptKey]*attempt
	// unsequenced and operations hold the hour of the last acceptance.
	unsequenced map[recordKey]int64
	operations  map[recordKey]int64
	// missing counts the numbers ever left missing, less those that then arrived as missing.
	missing *big.Int
}

func newMemory() memory {
	return memory{
		attempts:    map[attemptKey]*attempt{},
		unsequenced: map[recordKey]int64{},
		operations:  map[recordKey]int64{},
		missing:     zero(),
	}
}

// isDuplicate tells whether the record repeats one already applied.
func (a *account) isDuplicate(r record, now Instant) bool {
	if r.typ == typeTick {
		return false
	}
	if usage, ok := r.data.(usageData); ok {
		if usage.seq != nil {
			return a.memory.attemptOf(usage, now).knows(*usage.seq)
		}
		return remembers(a.memory.unsequenced, r, now, unsequencedHours)
	}
	if settled, ok := r.data.(settledData); ok && a.settledPurchase(settled.purchase) != nil {
		return true
	}
	return remembers(a.memory.operations, r, now, operationHours)
}

func remembers(seen map[recordKey]int64, r record, now Instant, hoursMax int64) bool {
	accepted, found := seen[recordKey{r.source, r.id}]
	return found && now.hours()-accepted <= hoursMax
}

// remember is called for every accepted record.
func (a *account) remember(r record, now Instant) {
	key := recordKey{r.source, r.id}
	usage, isUsage := r.data.(usageData)
	switch {
	case r.typ == typeTick:
	case !isUsage:
		a.memory.operations[key] = now.hours()
	case usage.seq == nil:
		a.memory.unsequenced[key] = now.hours()
	default:
		a.memory.rememberSequence(usage, now)
	}
}

// attemptOf is what is remembered of the event's attempt: nothing for a new one and one long past.
func (m *memory) attemptOf(usage usageData, now Instant) *attempt {
	known := m.attempts[attemptKey{usage.connection, usage.job, usage.attempt}]
	if known == nil || now-known.lastAccepted > attemptMemory {
		return &attempt{}
	}
	return known
}

func (t *attempt) knows(seq int64) bool {
	return seq <= t.highest && t.indexOfMissing(seq) < 0
}

// indexOfMissing is the place of the range that holds a number, or -1.
func (t *attempt) indexOfMissing(seq int64) int {
	return slices.IndexFunc(t.missing, func(s span) bool { return s.low <= seq && seq <= s.high })
}

func (m *memory) rememberSequence(usage usageData, now Instant) {
	t := m.attemptOf(usage, now)
	seq := *usage.seq
	if seq > t.highest {
		if left := seq - 1 - t.highest; left > 0 {
			t.missing = append(t.missing, span{t.highest + 1, seq - 1})
			m.missing = plus(m.missing, big.NewInt(left))
		}
		t.highest = seq
	} else {
		i := t.indexOfMissing(seq)
		s := t.missing[i]
		var rest []span
		if s.low < seq {
			rest = append(rest, span{s.low, seq - 1})
		}
		if seq < s.high {
			rest = append(rest, span{seq + 1, s.high})
		}
		t.missing = slices.Replace(t.missing, i, i+1, rest...)
		m.missing = minus(m.missing, big.NewInt(1))
	}
	if len(t.missing) > rangesMax {
		t.missing = t.missing[1:] // the lowest is forgotten: its numbers are duplicates from now on
	}
	t.lastAccepted = now
	m.attempts[attemptKey{usage.connection, usage.job, usage.attempt}] = t
}
