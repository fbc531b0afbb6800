package balance

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"drawdown"
)

// model remembers which numbers of an attempt were accepted, one by one.
type model struct {
	highest  uint64
	missing  map[uint64]bool
	accepted map[uint64]bool
}

func TestAttemptRemembersEveryNumber(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := model{missing: map[uint64]bool{}, accepted: map[uint64]bool{}}
		var a attempt
		for _, seq := range rapid.SliceOfN(rapid.Uint64Range(1, 60), 1, 200).Draw(t, "seqs") {
			isNew := seq > m.highest || m.missing[seq]
			if a.isNew(seq) != isNew {
				t.Fatalf("number %d is new: %v, expected %v (%+v)", seq, a.isNew(seq), isNew, a)
			}
			if !isNew {
				continue
			}
			left, arrived := a.accept(seq)
			if arrived != m.missing[seq] || (seq > m.highest && left != seq-m.highest-1) {
				t.Fatalf("number %d left %d, arrived %v", seq, left, arrived)
			}
			for gap := m.highest + 1; gap < seq; gap++ {
				m.missing[gap] = true
			}
			delete(m.missing, seq)
			m.highest = max(m.highest, seq)
		}
	})
}

func TestTheLowestMissingRangeIsForgotten(t *testing.T) {
	var a attempt
	for seq := uint64(2); seq <= 2*maxMissingRanges; seq += 2 {
		a.accept(seq) // leaves the odd numbers missing
	}
	if len(a.missing) != maxMissingRanges || !a.isNew(1) {
		t.Fatalf("%d ranges", len(a.missing))
	}
	a.accept(2*maxMissingRanges + 2)
	if len(a.missing) != maxMissingRanges || a.isNew(1) || !a.isNew(3) {
		t.Fatalf("%d ranges, the lowest %+v", len(a.missing), a.missing[0])
	}
}

func TestSplittingARangeForgetsToo(t *testing.T) {
	var a attempt
	a.accept(1000) // leaves 1 to 999
	for i := range uint64(maxMissingRanges - 1) {
		a.accept(500 + 2*i)
	}
	if len(a.missing) != maxMissingRanges {
		t.Fatalf("%d ranges", len(a.missing))
	}
	a.accept(100) // splits the lowest: its lower part is forgotten
	if a.isNew(50) || !a.isNew(200) {
		t.Fatalf("%+v", a.missing[0])
	}
}

func TestAnAttemptIsForgottenAfterItsMemory(t *testing.T) {
	var m attempts
	m.touch(1, 0, 1000).accept(5)
	if m.find(1, 0, 1000+attemptMemory) == nil {
		t.Error("forgotten too early")
	}
	if m.find(1, 0, 1001+attemptMemory) != nil {
		t.Error("remembered too long")
	}
	if fresh := m.touch(1, 0, 1001+attemptMemory); fresh.highest != 0 {
		t.Errorf("%+v", fresh)
	}
}

// TestFrozenAttemptsAreFound freezes and touches attempts in any order: what is found is what was put in.
func TestFrozenAttemptsAreFound(t *testing.T) {
	type key struct{ job, number uint64 }
	rapid.Check(t, func(t *rapid.T) {
		var m attempts
		want := map[key]attempt{}
		now := drawdown.Time(0)
		for range rapid.IntRange(1, 200).Draw(t, "touches") {
			now += drawdown.Time(rapid.Int64Range(0, int64(2*drawdown.Day)).Draw(t, "pause"))
			k := key{rapid.Uint64Range(0, 60).Draw(t, "job"), rapid.Uint64Range(0, 2).Draw(t, "attempt")}
			touched := m.touch(k.job, k.number, now)
			if seq := rapid.Uint64Range(1, 300).Draw(t, "seq"); touched.isNew(seq) {
				touched.accept(seq)
			}
			kept := *touched
			kept.missing = slices.Clone(touched.missing)
			want[k] = kept
			m.freeze(now)
			m.thaw(now)
		}
		if len(m.recent) > maxRecent+1 {
			t.Fatalf("%d attempts are written each time", len(m.recent))
		}
		for k, expected := range want {
			found := m.find(k.job, k.number, now)
			if expected.isEmpty(now) {
				if found != nil {
					t.Fatalf("%+v was to be forgotten", k)
				}
				continue
			}
			if found == nil || found.highest != expected.highest || found.last != expected.last || !slices.Equal(found.missing, expected.missing) {
				t.Fatalf("%+v: found %+v, expected %+v", k, found, expected)
			}
		}
	})
}

// TestAFinishedAttemptTakesAFewBytes holds the packed form to the budget: an hourly sync leaves 840 attempts.
func TestAFinishedAttemptTakesAFewBytes(t *testing.T) {
	finished := make([]attempt, maxRecent-keptRecent)
	for i := range finished {
		finished[i] = attempt{job: 100_000 + uint64(i), last: drawdown.Time(i) * drawdown.Hour, highest: 40}
	}
	f := packFrozen(0, finished)
	if perAttempt := len(f.packed) / len(finished); perAttempt > 8 {
		t.Errorf("%d bytes an attempt", perAttempt)
	}
}

func TestIdentitiesAreRememberedByTheHour(t *testing.T) {
	const half = 30 * drawdown.Minute
	id := fingerprintOf("x")
	m := identities{window: usageMemory}
	m.remember(id, 10*drawdown.Hour+half)
	if !m.seen(id, (10+usageMemory)*drawdown.Hour+59*drawdown.Minute) {
		t.Error("forgotten too early")
	}
	if m.seen(id, (10+usageMemory+1)*drawdown.Hour) {
		t.Error("remembered too long")
	}
	m.remember(fingerprintOf("y"), 400*drawdown.Hour)
	if len(m.segments) != 1 || len(m.dropped) != 1 {
		t.Errorf("%d segments, %d dropped", len(m.segments), len(m.dropped))
	}
}
