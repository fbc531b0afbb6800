package loggen

import (
	"math/big"

	"drawdown/internal/reference"
)

const integerMax = 1<<53 - 1

// rangeEnd is how far an account's overdraft may go, in nano-credits.
var rangeEnd = big.NewInt(9_000_000_000_000_000_000)

type attemptKey struct {
	account, connection string
	job, attempt        int64
}

// attemptState is what a worker would know of its own sequence numbers.
type attemptState struct {
	next int64
	// striped attempts leave a gap between any two numbers, to reach the limit of ranges.
	striped bool
}

// usage is a usage event: mostly the next of its attempt, of a quantity that an edge needs.
func (g *generator) usage() event {
	account := g.account()
	connection := g.connection()
	job, attempt := int64(g.IntN(2)), int64(0)
	if g.chance(10) {
		attempt = oneOf[int64](g, 1, 2, integerMax)
	}
	switch {
	case g.striped && g.chance(95):
		account, connection, job, attempt = g.accounts[0], g.connections[0], 0, 0
	case g.guarded || g.chance(12):
		connection, job = g.sync(account, connection, job)
	}
	return g.usageOf(account, connection, job, attempt, nil)
}

// sync is one of a connection: one for which something is held, the last, the next, or one of long ago.
func (g *generator) sync(account, connection string, usual int64) (name string, job int64) {
	if held, job, found := g.jobWithHold(account); found && g.chance(35) {
		return held, job
	}
	next := g.nextJob(account, connection)
	switch at := g.IntN(100); {
	case at < 45:
		return connection, max(0, next-1)
	case at < 85:
		return connection, next
	case at < 95:
		return connection, max(0, next-g.Int64N(14))
	}
	return connection, usual
}

// usageOf is usage of one attempt. Where no charge is given, it is of a quantity that an edge of the account needs.
func (g *generator) usageOf(account, connection string, job, attempt int64, charge *big.Int) event {
	source, destination := g.connectorsOf(connection)
	e := g.operationOf(account, "sync.usage",
		texts("connection", connection), texts("source_connector", source), texts("destination_connector", destination),
		integer("job", job), integer("attempt", attempt))
	e.source = oneOf(g, "worker-1", "worker-2")
	if g.chance(30) {
		e.data = append(e.data, member{"stream", oneOf(g, `"orders"`, `"a b"`, "null")})
	}
	if g.chance(85) {
		seq := g.sequence(attemptKey{account, connection, job, attempt})
		e.data = append(e.data, integer("seq", seq))
	} else if g.chance(20) {
		e.id = oneOf(g, "u1", "u2", "u3") // unsequenced, by source and id: likely a duplicate
	}
	if charge == nil {
		charge = g.chargeOfJob(g.engine.Probe(account), connection, job)
	}
	e.data = append(e.data, g.quantities(account, source, e.time, charge)...)
	return e
}

// connectorsOf is mostly the same pair for a connection, so that its rate and its remainder stay the same.
func (g *generator) connectorsOf(connection string) (source, destination string) {
	known := g.engine.Connectors()
	if len(known) < 2 || g.chance(10) {
		return g.connector(), g.connector()
	}
	at := len(connection) % len(known)
	return known[at], known[(at+1)%len(known)]
}

// sequence is mostly the next number of the attempt, else a repetition, a gap, or one that was left out.
func (g *generator) sequence(key attemptKey) int64 {
	state := g.attempts[key]
	if state == nil {
		state = &attemptState{next: 1, striped: g.striped || g.chance(12)}
		g.attempts[key] = state
	}
	seq := state.next
	switch at := g.IntN(100); {
	case state.striped && at < 94:
		seq += oneOf[int64](g, 1, 3, 4)
	case at < 72:
	case at < 80:
		seq = 1 + g.Int64N(seq)
	case at < 88:
		seq = max(1, seq-1-g.Int64N(8))
	case at < 97:
		seq += 1 + g.Int64N(9)
	case at < 98:
		seq += g.Int64N(1_000_000)
	default:
		if g.chance(10) {
			return oneOf[int64](g, integerMax, integerMax-1, 1<<40) // the end of an attempt
		}
	}
	state.next = max(state.next, min(seq, integerMax-1)+1)
	return seq
}

// quantities are the meters of an event: the one that is charged aims at the charge given, or at an edge of the account.
func (g *generator) quantities(account, source string, at reference.Instant, charge *big.Int) []member {
	meter, credits, per, ok := g.engine.RateOf(source, at)
	if !ok {
		meter, credits, per = "records", big.NewInt(1_000_000_000), 1
	}
	quantity := g.quantityOf(charge, credits, per)
	if charge == nil {
		quantity = g.quantity(account, credits, per)
	}
	var list []member
	for _, name := range []string{"records", "bytes", "operations"} {
		switch {
		case name == meter && (quantity != 0 || g.chance(50)):
			list = append(list, integer(name, quantity))
		case name != meter && g.chance(20):
			list = append(list, integer(name, g.Int64N(1000)))
		}
	}
	return list
}

// quantity is one whose charge is small, or brings available to a mark, or is as large as can be written.
func (g *generator) quantity(account string, credits *big.Int, per int64) int64 {
	p := g.engine.Probe(account)
	charge := big.NewInt(g.Int64N(oneOf[int64](g, 100, 1_000_000_000, 20_000_000_000))) // up to 20 credits
	switch at := g.IntN(100); {
	case at < 3:
		return 0
	case at < 8:
		return g.Int64N(10)
	case at < 9:
		return oneOf[int64](g, integerMax, 1<<44, 1<<40)
	case at < 26 && !g.rich:
		if len(p.Marks) > 0 { // to a mark exactly, or just past it
			charge = new(big.Int).Sub(p.Available, oneOf(g, p.Marks...))
		}
	case at < 70 && g.indebted: // to the end of the range, or to where a refund reaches it
		charge = new(big.Int).Add(p.Available, rangeEnd)
		if len(p.Paid) > 0 && g.chance(60) {
			room := new(big.Int).Div(oneOf(g, p.Paid...).Used, big.NewInt(1+g.Int64N(3)))
			charge.Sub(charge, room)
		}
	case at < 70 && g.laddered: // all that there is, so that more is bought
		charge = p.Available
	case at < 70 && g.guarded: // small, so that many syncs follow each other
		charge = big.NewInt(g.Int64N(3_000_000_000))
	case at < 45:
		charge = new(big.Int).Div(p.Available, big.NewInt(1+g.Int64N(3)))
	}
	return g.quantityOf(charge, credits, per)
}

// quantityOf is one whose charge is as near as can be to the one given.
func (g *generator) quantityOf(charge, credits *big.Int, per int64) int64 {
	if charge == nil || credits.Sign() == 0 || charge.Sign() <= 0 {
		return g.Int64N(100_000)
	}
	quantity := new(big.Int).Mul(charge, big.NewInt(per))
	quantity.Div(quantity, credits)
	quantity.Add(quantity, big.NewInt(oneOf[int64](g, 0, 0, 1)))
	if !quantity.IsInt64() || quantity.Int64() > integerMax {
		return g.Int64N(100_000)
	}
	return quantity.Int64()
}
