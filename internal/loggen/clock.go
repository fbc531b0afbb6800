package loggen

import "drawdown/internal/reference"

const (
	millisecond reference.Instant = 1
	second                        = 1000 * millisecond
	minute                        = 60 * second
	hour                          = 60 * minute
	day                           = 24 * hour
)

// starts are where logs begin: ordinary days, month ends, leap days, and seldom the ends of the calendar.
var starts = []string{
	"2023-03-01T09:00:00Z", "2024-01-31T12:00:00Z", "2024-02-29T00:00:00Z", "2023-12-31T23:59:59.999Z",
	"2025-01-30T10:30:00.250Z", "2023-08-31T00:00:00Z", "2026-05-29T07:00:00Z",
}

func (g *generator) setStart() {
	text := oneOf(g, starts...)
	if g.chance(2) {
		text = oneOf(g, "1970-01-01T00:00:00Z", "8999-11-30T00:00:00Z", "9000-12-20T00:00:00Z")
	}
	g.write([]byte(`{"id":"start","logtime":"` + text + `"}`)) // malformed, but an object: it moves the clock
}

func (g *generator) now() reference.Instant {
	now, ok := g.engine.Now()
	if !ok {
		panic("loggen: the first record sets the clock")
	}
	return now
}

// nearly is the instant itself, or a millisecond beside it.
func (g *generator) nearly(at reference.Instant) reference.Instant {
	return at + oneOf(g, 0, 0, -millisecond, +millisecond)
}

// logTime is the log time of the next record: often the clock's own, often one at which something is due.
func (g *generator) logTime() reference.Instant {
	now := g.now()
	if (g.rich || g.indebted) && g.chance(97) { // before anything expires
		return now + g.upTo(minute)
	}
	if g.laddered && g.chance(90) { // within the day for which a purchase may be open
		return now + oneOf(g, 0, 0, g.upTo(minute), g.upTo(30*minute))
	}
	if g.guarded && g.chance(75) { // so that holds are not over before they are used
		return now + oneOf(g, 0, 0, g.upTo(minute), g.upTo(10*minute))
	}
	switch at := g.IntN(100); {
	case at < 33:
		return now
	case at < 60:
		return now + g.scaled(g.upTo(3*minute))
	case at < 78:
		return now + g.scaled(g.upTo(8*hour))
	case at < 88:
		return g.soon(g.nearly(g.dueInstant()))
	case at < 91:
		return now + hour - now%hour + oneOf(g, 0, 0, -millisecond)
	case at < 93:
		return g.soon(g.lapse())
	case at < 95:
		return max(0, now-g.upTo(2*hour)) // the clock never goes back
	case at < 99:
		return now + g.scaled(g.upTo(6*day))
	}
	return now + g.scaled(oneOf(g, 20*day, 31*day, 40*day, 100*day, 366*day))
}

// promptly lets a record mostly follow the one before within a minute.
func (g *generator) promptly(e event) event {
	if g.chance(80) {
		e.logTime = g.now() + oneOf(g, 0, g.upTo(minute))
		e.time = e.logTime
	}
	return e
}

func (g *generator) upTo(span reference.Instant) reference.Instant {
	return reference.Instant(g.Int64N(int64(span) + 1))
}

func (g *generator) scaled(span reference.Instant) reference.Instant {
	return span * reference.Instant(g.options.TimeScale) / 100
}

// soon is an instant that the clock may go to: not behind it, and not years ahead.
func (g *generator) soon(at reference.Instant) reference.Instant {
	now := g.now()
	if at < now || at > now+400*day {
		return now
	}
	return at
}

// dueInstant is an instant at which something is due for an account; the soonest is likeliest.
func (g *generator) dueInstant() reference.Instant {
	now := g.now()
	due := g.engine.Probe(oneOf(g, g.accounts...)).Due
	if g.chance(20) {
		for _, at := range g.engine.CatalogueInstants() {
			due = append(due, at, at-14*day)
		}
	}
	best := now
	for _, at := range due {
		if at > now && (best == now || at < best || g.chance(15)) {
			best = at
		}
	}
	return best
}

// lapse is an instant at which something remembered is forgotten, or just not yet.
func (g *generator) lapse() reference.Instant {
	if len(g.accepted) == 0 {
		return g.now()
	}
	accepted := oneOf(g, g.accepted...)
	return accepted + oneOf(g,
		35*day, 35*day+millisecond, // an attempt's memory
		(accepted-accepted%hour+75*hour)-accepted-millisecond, (accepted-accepted%hour+75*hour)-accepted,
		(accepted-accepted%hour+841*hour)-accepted-millisecond, (accepted-accepted%hour+841*hour)-accepted)
}

// ownTime is a record's own time for a log time: mostly the same, or a little before; seldom at a limit.
func (g *generator) ownTime(logTime reference.Instant) reference.Instant {
	now := max(logTime, g.now())
	if g.options.WithoutLogtime {
		return logTime
	}
	at := logTime
	switch choice := g.IntN(100); {
	case choice < 70:
	case choice < 85:
		at = now - g.upTo(2*hour)
	case choice < 92:
		at = now - g.upTo(3*day)
	case choice < 94:
		at = now - 72*hour + oneOf(g, -millisecond, 0, +millisecond)
	case choice < 95:
		at = now - 34*day + oneOf(g, -millisecond, 0, +millisecond)
	case choice < 97:
		at = now + hour + oneOf(g, -millisecond, 0, +millisecond)
	default:
		if instants := g.engine.CatalogueInstants(); len(instants) > 0 {
			boundary := g.nearly(oneOf(g, instants...))
			if boundary > now-34*day && boundary < now+hour {
				at = boundary
			}
		}
	}
	return max(at, 0)
}
