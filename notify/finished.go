package notify

import "time"

// finished knows the deliveries that have ended, by the day on which they did, so that it forgets days whole. Each takes
// some 40 bytes.
type finished struct {
	days map[int64]map[fingerprint]struct{}
	keep time.Duration
}

func newFinished(keep time.Duration) *finished {
	return &finished{days: map[int64]map[fingerprint]struct{}{}, keep: keep}
}

func dayOf(at time.Time) int64 { return at.Unix() / (24 * 60 * 60) }

func (f *finished) add(id fingerprint, at time.Time) {
	day := dayOf(at)
	if f.days[day] == nil {
		f.days[day] = map[fingerprint]struct{}{}
	}
	f.days[day][id] = struct{}{}
}

func (f *finished) has(id fingerprint) bool {
	for _, day := range f.days {
		if _, there := day[id]; there {
			return true
		}
	}
	return false
}

// forget drops what ended longer ago than is to be kept, and a day more.
func (f *finished) forget(now time.Time) {
	first := dayOf(now.Add(-f.keep - horizonSpare))
	for day := range f.days {
		if day < first {
			delete(f.days, day)
		}
	}
}
