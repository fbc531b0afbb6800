package reference

import "slices"

// priority is how important a connection is.
type priority string

const (
	priorityCritical priority = "critical"
	priorityNormal   priority = "normal"
	priorityLow      priority = "low"
)

// priorities are in the order in which their holds are served.
var priorities = []priority{priorityCritical, priorityNormal, priorityLow}

func (p priority) rank() int { return slices.Index(priorities, p) }

type prioritizedData struct {
	connection string
	priority   priority
}

func decodePrioritized(f fields) any {
	return prioritizedData{
		connection: f.text("connection", nameMax),
		priority:   priority(f.oneOf("priority", string(priorityCritical), string(priorityNormal), string(priorityLow))),
	}
}

func (a *account) prioritize(data prioritizedData) (reason string) {
	if a.connections[data.connection] == nil {
		return "unknown_connection"
	}
	a.priorities[data.connection] = data.priority
	return ""
}

// priorityOf is normal for a connection that was never given one, known or not.
func (a *account) priorityOf(connection string) priority {
	if given, ok := a.priorities[connection]; ok {
		return given
	}
	return priorityNormal
}

// Gate says whether a sync of a connection may start at an instant, and why: of the account as it is, which is not
// advanced (contract, section 10). job is nil where the question names none. The account must be open.
func (e *Engine) Gate(account, connection string, job *int64, at Instant) (allowed bool, reason string) {
	a := e.accounts[account]
	unheld := minus(a.available(), a.held())
	switch {
	case a.stopped[connection]:
		return false, "connection_stopped"
	case job != nil && a.hasLeftToUse(connection, *job):
		return true, "hold"
	case e.isConnectionFree(a, connection, at):
		return true, "free"
	case a.status == statusExhausted || a.status == statusPaymentFailed:
		return false, a.status
	case a.priorityOf(connection) != priorityCritical && a.reserve.Sign() > 0 && unheld.Cmp(a.reserve) <= 0:
		return false, "reserved"
	case a.status == statusActive && unheld.Sign() <= 0:
		return false, "held"
	}
	return true, a.status
}

// hasLeftToUse tells whether something is left of an open hold for a sync.
func (a *account) hasLeftToUse(connection string, job int64) bool {
	h := a.holdFor(connection, job)
	return h != nil && !h.waiting && h.remaining.Sign() > 0
}

// isConnectionFree tells whether a usage event of a known connection would be free at an instant.
func (e *Engine) isConnectionFree(a *account, connection string, at Instant) bool {
	known := a.connections[connection]
	if known == nil || a.enrolledAt == nil || *a.enrolledAt > at {
		return false
	}
	for _, name := range []string{known.source, known.destination} {
		if entry := e.catalogue.entryAt(name, at); entry != nil && entry.stage != stageGA {
			return true
		}
	}
	return false
}
