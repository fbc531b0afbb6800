package loggen

import (
	"math/big"

	"drawdown/internal/reference"
)

func (g *generator) prioritize() event {
	account := g.account()
	name := g.connection()
	if known := g.engine.Probe(account).Connections; len(known) > 0 && g.chance(85) {
		name = oneOf(g, known...)
	}
	if queueing, waiting, found := g.accountQueueing(); found && g.chance(40) { // so that the queue is served otherwise
		account, name = queueing, waiting
	}
	return g.operationOf(account, "connection.prioritized",
		texts("connection", name), texts("priority", oneOf(g, "critical", "critical", "normal", "low")))
}

func (g *generator) setGate() event {
	account := g.account()
	if queueing, _, found := g.accountQueueing(); found && g.chance(40) {
		account = queueing
	}
	return g.setGateOf(account, g.chance(75))
}

// setGateOf sets the reserve, and the breaker if it is to be on.
func (g *generator) setGateOf(account string, breaker bool) event {
	e := g.operationOf(account, "gate.set")
	e.data = []member{}
	if g.chance(60) {
		p := g.engine.Probe(account)
		reserve := oneOf(g, big.NewInt(0), part(p.Unheld, 2), part(p.Unheld, 5), p.Unheld, big.NewInt(g.Int64N(50_000_000_000)), creditsMax)
		if reserve.Sign() < 0 || reserve.Cmp(creditsMax) > 0 {
			reserve = big.NewInt(0)
		}
		e.data = append(e.data, oneOf(g, texts("reserve", decimalOf(reserve)), texts("reserve", decimalOf(reserve)), member{"reserve", "null"}))
	}
	if breaker {
		e.data = append(e.data, integer("runaway_factor", oneOf[int64](g, 2, 2, 2, 3, 5, 1000)))
	} else if g.chance(20) {
		e.data = append(e.data, member{"runaway_factor", "null"})
	}
	if g.chance(35) {
		e.data = append(e.data, texts("runaway_min", oneOf(g, "0", "0.000000001", "1", "5", "5", "20", "20", "100000000")))
	}
	return e
}

// acknowledge takes the word of a customer for a connection: mostly of one that is stopped.
func (g *generator) acknowledge() event {
	account, found := g.accountWhere(func(account string) bool { return len(g.engine.Probe(account).Stopped) > 0 })
	if !found && g.chance(85) {
		return g.usage()
	}
	if !found || g.chance(10) {
		return g.operation("runaway.acknowledged", texts("connection", g.connection()))
	}
	return g.operationOf(account, "runaway.acknowledged", texts("connection", oneOf(g, g.engine.Probe(account).Stopped...)))
}

// runAway is usage that brings a job to where the breaker stops its connection, or just not.
func (g *generator) runAway() event {
	account, found := g.accountWhere(func(account string) bool {
		p := g.engine.Probe(account)
		for _, jobs := range p.Jobs {
			if p.Factor > 0 && len(jobs) > 3 {
				return true
			}
		}
		return false
	})
	if !found {
		return g.usage()
	}
	p := g.engine.Probe(account)
	for _, connection := range g.connections {
		jobs := p.Jobs[connection]
		if len(jobs) <= 3 {
			continue
		}
		job := jobs[len(jobs)-1]
		if g.chance(40) {
			job = oneOf(g, jobs...)
		}
		if least := p.Least; least.Cmp(job.Credits) > 0 && g.chance(45) { // what the breaker lets pass, exactly
			return g.promptly(g.usageOf(account, connection, job.Job, 0, new(big.Int).Sub(least, job.Credits)))
		}
		return g.promptly(g.usageOf(account, connection, job.Job, 0, g.toLimit(p, job)))
	}
	return g.usage()
}

// toLimit is the charge that brings a job to its limit exactly, or past it; nil where it has none.
func (g *generator) toLimit(p reference.Probe, job reference.Job) *big.Int {
	if job.Usual == nil || p.Factor == 0 {
		return nil
	}
	limit := new(big.Int).Mul(job.Usual, big.NewInt(p.Factor))
	if limit.Cmp(p.Least) < 0 {
		limit = p.Least
	}
	charge := new(big.Int).Sub(limit, job.Credits)
	return charge.Add(charge, big.NewInt(oneOf[int64](g, 0, 0, 1, 1, 1_000_000_000, 5_000_000_000)))
}

// chargeOfJob is a charge at an edge of a sync: of what its hold has left, or of what the breaker allows.
func (g *generator) chargeOfJob(p reference.Probe, connection string, job int64) *big.Int {
	for _, h := range p.Holds {
		if h.Connection == connection && h.Job == job && g.chance(70) {
			return new(big.Int).Add(part(h.Remaining, 1+g.Int64N(3)), big.NewInt(oneOf[int64](g, 0, 0, 1, 1_000_000_000)))
		}
	}
	for _, j := range p.Jobs[connection] {
		if j.Job == job && g.chance(30) {
			return g.toLimit(p, j)
		}
	}
	return nil
}

// nextJob is the number of a sync that is to begin: one after the last that its connection remembers.
func (g *generator) nextJob(account, connection string) int64 {
	jobs := g.engine.Probe(account).Jobs[connection]
	if len(jobs) == 0 {
		return int64(g.IntN(3))
	}
	next := int64(0)
	for _, j := range jobs {
		next = max(next, j.Job+1)
	}
	return min(next, integerMax)
}
