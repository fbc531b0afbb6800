package decode

import "drawdown"

// Limits of how many times its usual cost a job may have (contract, section 10).
const (
	minRunawayFactor = 2
	maxRunawayFactor = 1000
)

// readGateMembers reads the data of operations on holds and the gate.
func readGateMembers(t drawdown.Type, m members) drawdown.Operation {
	switch t {
	case drawdown.HoldPlaced:
		return &drawdown.PlaceHold{
			Hold: m.name("hold"), Connection: m.name("connection"), Job: uint64(m.integer("job", 0, drawdown.MaxInteger)),
			Amount: m.credits("amount"), ExpiresAt: m.time("expires_at"), Wait: m.optionalBoolean("wait"),
		}
	case drawdown.HoldReleased:
		return &drawdown.ReleaseHold{Hold: m.name("hold")}
	case drawdown.ConnectionPrioritized:
		return readPriority(m)
	case drawdown.GateSet:
		return &drawdown.SetGate{
			Reserve: m.optionalCredits("reserve"), RunawayMin: m.optionalCredits("runaway_min"),
			RunawayFactor: m.optionalInteger("runaway_factor", minRunawayFactor, maxRunawayFactor, 0),
		}
	case drawdown.RunawayAcknowledged:
		return &drawdown.AcknowledgeRunaway{Connection: m.name("connection")}
	default: // types without members; usage has a decoder of its own
		return nil
	}
}

func readPriority(m members) *drawdown.PrioritizeConnection {
	prioritized := &drawdown.PrioritizeConnection{Connection: m.name("connection")}
	var known bool
	prioritized.Priority, known = drawdown.ParsePriority(m.bytes("priority"))
	m.require(known)
	return prioritized
}
