package loggen

import (
	"fmt"
	"math/big"
	"slices"

	"drawdown/internal/reference"
)

// holdsMax is how many holds an account may have.
const holdsMax = 256

func (g *generator) placeHold() event {
	account := g.account()
	if waiting, found := g.accountWaiting(); found && g.chance(40) {
		account = waiting
	}
	connection := g.connection()
	if g.chance(4) {
		connection = "never-known"
	}
	if stopped := g.engine.Probe(account).Stopped; len(stopped) > 0 && g.chance(25) {
		connection = oneOf(g, stopped...)
	}
	switch at := g.IntN(100); {
	case at < 8: // a queue, served in one go or not at all
		for range 2 + g.IntN(4) {
			g.queue = append(g.queue, func() event { return g.promptly(g.holdOf(account, g.connection(), true)) })
		}
	case at < 18:
		return g.jam(account)
	}
	return g.holdOf(account, connection, g.chance(50))
}

// jam is a hold that waits for more than there is, with one behind it that there is enough for, and what helps the
// second, or either, or neither.
func (g *generator) jam(account string) event {
	unheld := g.engine.Probe(account).Unheld
	first, second := g.connection(), g.connection()
	waiting := func(id, connection string, amount *big.Int) event {
		e := g.promptly(g.hold(account, id, connection, g.nextJob(account, connection)+int64(g.IntN(50)), written(amount)))
		e.data = append(e.data, boolean("wait", true))
		return e
	}
	prioritized := func(connection, priority string) func() event {
		return func() event {
			return g.operationOf(account, "connection.prioritized", texts("connection", connection), texts("priority", priority))
		}
	}
	g.queue = append(g.queue, func() event {
		return waiting("behind", second, part(g.engine.Probe(account).Unheld, 1+g.Int64N(4)))
	})
	helps := oneOf(g, prioritized(second, "critical"), prioritized(second, "critical"), prioritized(first, "critical"),
		prioritized(first, "low"), g.releaseHold, g.setGate, g.acknowledge,
		func() event { return g.setGateOf(account, true) },
		func() event { return g.operationOf(account, "hold.released", texts("hold", "jam")) },
		func() event { return g.operationOf(account, "connection.removed", texts("connection", first)) })
	g.queue = append(g.queue, func() event { return g.promptly(helps()) })
	return waiting("jam", first, new(big.Int).Add(unheld, big.NewInt(oneOf[int64](g, 0, 1, 1_000_000_000, 30_000_000_000))))
}

// holdOf is a hold of an account for a sync of the connection: mostly the next, seldom one that has a hold.
func (g *generator) holdOf(account, connection string, wait bool) event {
	job := g.nextJob(account, connection)
	if g.chance(35) {
		job = int64(g.IntN(8))
	}
	e := g.hold(account, fmt.Sprintf("h%d", g.IntN(40)), connection, job, g.holdAmount(account))
	switch {
	case wait:
		e.data = append(e.data, boolean("wait", true))
	case g.chance(20):
		e.data = append(e.data, oneOf(g, boolean("wait", false), member{"wait", "null"}))
	}
	if g.chance(2) { // placed and released again
		id := e.data[0]
		g.queue = append(g.queue, func() event { return g.promptly(g.operationOf(account, "hold.released", id)) })
	}
	return e
}

func (g *generator) hold(account, id, connection string, job int64, nanoCredits *big.Int) event {
	e := g.operationOf(account, "hold.placed", texts("hold", id), texts("connection", connection), integer("job", job),
		texts("amount", signed(nanoCredits)))
	now := max(e.logTime, g.now())
	expires := now + oneOf(g, minute, hour, 6*hour, day, day, 3*day, 3*day, 35*day, g.upTo(hour), g.upTo(2*day), g.upTo(10*day))
	switch at := g.IntN(100); {
	case at < 4:
		expires = now + oneOf(g, 0, millisecond, -millisecond, 35*day+millisecond, 40*day)
	case at < 12, at < 60 && g.engine.Probe(account).Waiting: // together with something else that is due
		if due := g.dueOf(account); due > now && due < now+35*day {
			expires = due
		}
	}
	e.data = append(e.data, member{"expires_at", g.instant(max(expires, 0))})
	return e
}

// dueOf is an instant at which something is due for the account: mostly the soonest.
func (g *generator) dueOf(account string) reference.Instant {
	due := slices.Sorted(slices.Values(g.engine.Probe(account).Due))
	if len(due) == 0 {
		return g.now()
	}
	if next := slices.IndexFunc(due, func(at reference.Instant) bool { return at > g.now() }); next >= 0 && g.chance(60) {
		return due[next]
	}
	return oneOf(g, due...)
}

// holdAmount is around what the account can hold, or some part of it; seldom none, or as much as can be written.
func (g *generator) holdAmount(account string) *big.Int {
	p := g.engine.Probe(account)
	beyond := new(big.Int).Sub(p.Unheld, p.Reserve)
	amount := oneOf(g, p.Unheld, beyond, beyond, p.Available,
		part(p.Unheld, 2), part(p.Unheld, 3), part(beyond, 2), part(beyond, 3), part(p.Unheld, 8),
		big.NewInt(1+g.Int64N(20_000_000_000)), big.NewInt(1+g.Int64N(20_000_000_000)), creditsMax)
	amount = written(new(big.Int).Add(amount, big.NewInt(oneOf[int64](g, 0, 0, 0, 1, -1, 1_000_000_000))))
	if g.chance(2) {
		return big.NewInt(oneOf[int64](g, 0, -1, -5_000_000_000))
	}
	return amount
}

func part(whole *big.Int, by int64) *big.Int { return new(big.Int).Div(whole, big.NewInt(by)) }

// signed prints nano-credits of either sign.
func signed(nanoCredits *big.Int) string {
	if nanoCredits.Sign() < 0 {
		return "-" + decimalOf(new(big.Int).Neg(nanoCredits))
	}
	return decimalOf(nanoCredits)
}

// crowd gives an account as many holds as it may have, and then one more.
func (g *generator) crowd() event {
	account := g.accounts[0]
	for i := range holdsMax + 1 {
		g.queue = append(g.queue, func() event {
			e := g.hold(account, fmt.Sprintf("crowd-%d", i), oneOf(g, g.connections...), int64(1000+i), big.NewInt(1+g.Int64N(1000)))
			if !g.options.WithoutLogtime {
				e.logTime, e.time = g.now(), g.now()
			}
			e.data[len(e.data)-1] = member{"expires_at", g.instant(max(e.logTime, g.now()) + 30*day)}
			e.data = append(e.data, boolean("wait", true))
			return e
		})
	}
	return g.tick()
}

func (g *generator) releaseHold() event {
	account, found := g.accountWhere(func(account string) bool { return len(g.engine.Probe(account).Holds) > 0 })
	if !found && g.chance(90) {
		return g.usage()
	}
	if !found || g.chance(3) {
		return g.operation("hold.released", texts("hold", fmt.Sprintf("h%d", g.IntN(40))))
	}
	return g.operationOf(account, "hold.released", texts("hold", oneOf(g, g.engine.Probe(account).Holds...).ID))
}

// jobWithHold is a sync for which an account has a hold, if it has any: mostly one of which something is left.
func (g *generator) jobWithHold(account string) (connection string, job int64, found bool) {
	holds := g.engine.Probe(account).Holds
	if len(holds) == 0 {
		return "", 0, false
	}
	h := oneOf(g, holds...)
	for range 4 {
		if h.Waiting || h.Remaining.Sign() == 0 {
			h = oneOf(g, holds...)
		}
	}
	return h.Connection, h.Job, true
}

// accountQueueing is an account with a hold that waits, and the connection of one, if there is any.
func (g *generator) accountQueueing() (account, connection string, found bool) {
	account, found = g.accountWhere(func(account string) bool {
		return slices.ContainsFunc(g.engine.Probe(account).Holds, func(h reference.Hold) bool { return h.Waiting })
	})
	for _, h := range g.engine.Probe(account).Holds {
		if h.Waiting && (connection == "" || g.chance(40)) {
			connection = h.Connection
		}
	}
	return account, connection, found
}
