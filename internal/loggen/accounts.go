package loggen

import "drawdown/internal/reference"

// operation is an account operation with its envelope, for one of the accounts.
func (g *generator) operation(typ string, data ...member) event {
	return g.operationOf(g.account(), typ, data...)
}

func (g *generator) operationOf(account, typ string, data ...member) event {
	e := g.broadcast(typ)
	e.subject = account
	e.data = data
	return e
}

// broadcast is an envelope without subject and data.
func (g *generator) broadcast(typ string) event {
	logTime := g.logTime()
	return event{
		typ: typ, id: g.newID(), source: oneOf(g, "control", "control", "purchasing", "s"),
		logTime: logTime, time: g.ownTime(logTime),
	}
}

func (g *generator) tick() event {
	account := g.account()
	e := g.operationOf(account, "tick")
	if g.chance(40) {
		at := g.soon(g.nearly(g.dueInstant()))
		e.logTime, e.time = at, at
	}
	if g.chance(10) {
		e.data = []member{}
	}
	return e
}

func (g *generator) openAccount() event { return g.open(oneOf(g, g.accounts...)) }

// open opens an account, and mostly gives it what auto-purchase and enrolment need.
func (g *generator) open(account string) event {
	e := g.operationOf(account, "account.opened",
		texts("plan", g.plan()), texts("email", "a@b.example"), boolean("email_verified", g.chance(60)))
	if g.laddered || g.chance(70) {
		g.queue = append(g.queue,
			func() event { return g.saveMethodOf(account) },
			func() event { return g.setAutoPurchaseOf(account, true) })
	}
	if g.chance(40) {
		g.queue = append(g.queue, func() event { return g.saveBackupOf(account) })
	}
	if g.chance(40) {
		g.queue = append(g.queue, func() event { return g.setConnectionOf(account) })
	}
	if g.guarded || g.chance(8) {
		g.queue = append(g.queue, func() event { return g.setGateOf(account, true) })
	}
	return e
}

func (g *generator) changePlan() event {
	account := g.account()
	when := oneOf(g, "now", "period_end", "period_end")
	if g.chance(25) { // two in one instant
		g.queue = append(g.queue, func() event {
			e := g.operationOf(account, "account.plan_changed", texts("plan", g.plan()), texts("when", oneOf(g, "now", "period_end")))
			e.logTime = g.now()
			e.time = e.logTime
			return e
		})
	}
	plan, own := g.plan(), g.engine.Probe(account).Plan
	if plan == own && g.chance(70) {
		plan = g.plan()
	}
	return g.operationOf(account, "account.plan_changed", texts("plan", plan), texts("when", when))
}

// plan is the id of a published plan, seldom of none.
func (g *generator) plan() string {
	published := g.engine.Plans()
	if len(published) == 0 || g.chance(2) {
		return "gone"
	}
	return oneOf(g, published...)
}

func (g *generator) verifyEmail() event { return g.operation("email.verified") }

func (g *generator) setAutoPurchase() event { return g.setAutoPurchaseOf(g.account(), g.chance(85)) }

func (g *generator) setAutoPurchaseOf(account string, enabled bool) event {
	data := []member{boolean("enabled", enabled)}
	if g.chance(30) && !g.laddered {
		data = append(data, texts("max_amount", oneOf(g, "0.00", "0.01", "11.70", "25.00", "300.00", "5000.00", "1000000000000000.00")))
	}
	return g.operationOf(account, "auto_purchase.set", data...)
}

func (g *generator) enrol() event { return g.operation("program.enrolled") }

func (g *generator) setConnection() event { return g.setConnectionOf(g.account()) }

func (g *generator) setConnectionOf(account string) event {
	return g.operationOf(account, "connection.set",
		texts("connection", g.connection()), texts("source_connector", g.connector()), texts("destination_connector", g.connector()))
}

func (g *generator) removeConnection() event {
	account := g.account()
	name := g.connection()
	if known := g.engine.Probe(account).Connections; len(known) > 0 && g.chance(80) {
		name = oneOf(g, known...)
	}
	return g.operationOf(account, "connection.removed", texts("connection", name))
}

func (g *generator) connection() string { return oneOf(g, g.connections...) }

// connector is the name of a connector that is known, seldom of one that is not.
func (g *generator) connector() string {
	known := g.engine.Connectors()
	if len(known) == 0 || g.chance(1) {
		return "unheard-of"
	}
	return oneOf(g, known...)
}

// repeat is an earlier record: word for word, or arriving again later, or under its old id with other content.
func (g *generator) repeat() event {
	if len(g.kept) == 0 {
		return g.tick()
	}
	e := oneOf(g, g.kept...)
	if g.chance(60) {
		e = g.kept[len(g.kept)-1-g.IntN(min(len(g.kept), 12))]
	}
	switch g.IntN(4) {
	case 0:
		return e
	case 1:
		e.logTime = g.logTime()
	case 2:
		e.logTime = g.logTime()
		e.time = g.ownTime(e.logTime)
	case 3:
		e.logTime = g.logTime()
		e.time = max(e.time, e.logTime-reference.Instant(g.IntN(3))*day)
		e.source = oneOf(g, e.source, "other")
	}
	if g.options.WithoutLogtime {
		e.time = e.logTime
	}
	return e
}
