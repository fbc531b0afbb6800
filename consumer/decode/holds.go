package decode

import "drawdown"

// Limits of how many times its usual cost a job may have (contract, section 10).
const (
	minRunawayFactor = 2
	maxRunawayFactor = 1000
)

func readPriority(m members) *drawdown.PrioritizeConnection {
	prioritized := &drawdown.PrioritizeConnection{Connection: m.name("connection")}
	var known bool
	prioritized.Priority, known = drawdown.ParsePriority(m.bytes("priority"))
	m.require(known)
	return prioritized
}
