package access

import (
	"sync"
	"time"
)

// spentMax bounds what is remembered: 100,000 ids are about 10 MB.
const spentMax = 100_000

// spent remembers ids that must not be used again, until they would have ended by themselves. The zero value is ready.
type spent struct {
	mu  sync.Mutex
	ids map[string]time.Time // until when each is remembered
	// swept is when the ended ones were last looked for.
	swept time.Time
}

// add remembers an id, and reports whether it was new. At the bound nothing is new: to forget one would make it usable
// again.
func (s *spent) add(id string, until, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ids == nil {
		s.ids = map[string]time.Time{}
	}
	s.sweep(now)
	if _, there := s.ids[id]; there || len(s.ids) >= spentMax {
		return false
	}
	s.ids[id] = until
	return true
}

func (s *spent) has(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, there := s.ids[id]
	return there
}

// sweep forgets the ended ones, at most once a minute.
func (s *spent) sweep(now time.Time) {
	if now.Sub(s.swept) < time.Minute {
		return
	}
	s.swept = now
	for id, until := range s.ids {
		if now.After(until) {
			delete(s.ids, id)
		}
	}
}
