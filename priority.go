package drawdown

// Priority is how much a connection matters when credits run short (contract, section 10).
type Priority uint8

// The priorities. A connection is PriorityNormal until it is set.
const (
	PriorityNormal Priority = iota
	PriorityCritical
	PriorityLow
	PriorityCount
)

var priorityNames = [PriorityCount]string{"normal", "critical", "low"}

// priorityRanks order priorities: critical before normal before low.
var priorityRanks = [PriorityCount]int{PriorityCritical: 0, PriorityNormal: 1, PriorityLow: 2}

// Priorities lists the priorities, the most important first.
var Priorities = []Priority{PriorityCritical, PriorityNormal, PriorityLow}

// String returns the priority's name in records.
func (p Priority) String() string { return priorityNames[p] }

// Before reports whether p comes before o: it is more important.
func (p Priority) Before(o Priority) bool { return priorityRanks[p] < priorityRanks[o] }

// ParsePriority returns the priority of that name.
func ParsePriority(name []byte) (Priority, bool) {
	for p, known := range priorityNames {
		if string(name) == known {
			return Priority(p), true
		}
	}
	return 0, false
}
