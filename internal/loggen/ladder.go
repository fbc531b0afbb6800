package loggen

import "strings"

// ladder is a payment ladder of a plan: of any length, with steps at one instant, at once and at the last minute.
func (g *generator) ladder() member {
	if g.chance(5) {
		return member{"payment_ladder", "null"}
	}
	steps := [][]member{}
	after := oneOf[int64](g, 0, 0, 0, 1, 30, 240, 1439)
	for range oneOf(g, 1, 1, 2, 3, 3, 4, 12) {
		steps = append(steps, []member{integer("after_minutes", after), texts("method", oneOf(g, "primary", "backup"))})
		after = min(after+oneOf[int64](g, 0, 0, 1, 30, 240, 600, 1439), 1439)
	}
	return member{"payment_ladder", steps}
}

func (g *generator) saveMethod() event {
	account := g.account()
	waiting, found := g.accountWaiting()
	if found && g.chance(50) {
		account = waiting
	}
	e := g.saveMethodOf(account)
	if g.chance(40) {
		e = g.saveBackupOf(account)
	}
	if account == waiting {
		return g.promptly(e)
	}
	return e
}

// saveMethodOf saves the primary.
func (g *generator) saveMethodOf(account string) event {
	e := g.savedMethod(account)
	if g.chance(15) {
		e.data = append(e.data, oneOf(g, boolean("backup", false), member{"backup", "null"}))
	}
	return e
}

func (g *generator) saveBackupOf(account string) event {
	e := g.savedMethod(account)
	e.data = append(e.data, boolean("backup", true))
	return e
}

// savedMethod is what the saving of either method says.
func (g *generator) savedMethod(account string) event {
	kind := "card"
	if g.chance(6) {
		kind = oneOf(g, "bank_account", "Card")
	}
	e := g.operationOf(account, "payment_method.saved", texts("method", oneOf(g, "pm", "pm_2", "pm<&>")), texts("kind", kind))
	if g.chance(50) {
		e.data = append(e.data, oneOf(g, texts("customer", "cus_1"), texts("customer", "cus_2"), member{"customer", "null"}))
	}
	return e
}

func (g *generator) removeMethod() event {
	account := g.account()
	if waiting, found := g.accountWaiting(); found && g.chance(30) {
		account = waiting
	}
	e := g.operationOf(account, "payment_method.removed")
	backup := g.chance(40)
	switch {
	case backup:
		e.data = []member{boolean("backup", true)}
	case g.chance(30):
		e.data = []member{boolean("backup", false)}
	case g.chance(20):
		e.data = []member{}
	}
	if g.chance(60) {
		g.queue = append(g.queue, func() event {
			if backup {
				return g.saveBackupOf(account)
			}
			return g.saveMethodOf(account)
		})
	}
	return e
}

func (g *generator) accountWaiting() (account string, found bool) {
	return g.accountWhere(func(account string) bool { return g.engine.Probe(account).Waiting })
}

func (g *generator) failRequested() event {
	account, found := g.accountWithOpenPurchase()
	if !found {
		if g.chance(92) {
			return g.usage()
		}
		return g.failed(g.account(), "none_open")
	}
	return g.failOf(account)
}

// failOf refuses the attempt under way, or fails the open purchase whatever it waits for; seldom it misses.
func (g *generator) failOf(account string) event {
	p := g.engine.Probe(account)
	if p.Open == "" {
		return g.failed(account, "none_open")
	}
	g.queueAfterRefusal(account)
	e := g.promptly(g.failed(account, oneOf(g, "card_declined", "expired_card", "authentication_required")))
	if !g.chance(4) {
		e.data[0] = texts("purchase", p.Open)
	}
	switch {
	case p.Waiting && g.chance(60), g.chance(15): // none is under way, or none is named
	case g.chance(8):
		e.data = append(e.data, integer("attempt", oneOf(g, 1, 2, p.Attempt+1, integerMax)))
	default:
		e.data = append(e.data, integer("attempt", p.Attempt))
	}
	return e
}

// failed is a failure of some purchase of the account, without an attempt.
func (g *generator) failed(account, reason string) event {
	return g.operationOf(account, "purchase.failed", texts("purchase", g.requestID(account)), texts("reason", reason))
}

// queueAfterRefusal is what customers and gateways do next: save a card, remove one, move to another plan, decline again.
func (g *generator) queueAfterRefusal(account string) {
	switch at := g.IntN(100); {
	case at < 20:
		g.queue = append(g.queue, func() event { return g.promptly(g.saveMethodOf(account)) })
	case at < 32:
		g.queue = append(g.queue, func() event { return g.promptly(g.saveBackupOf(account)) })
	case at < 40:
		g.queue = append(g.queue, func() event {
			return g.promptly(g.operationOf(account, "payment_method.removed", boolean("backup", g.chance(50))))
		})
	case at < 48:
		g.queue = append(g.queue, func() event {
			return g.promptly(g.operationOf(account, "account.plan_changed", texts("plan", g.plan()), texts("when", "now")))
		}, func() event { return g.failOf(account) })
	case at < 54:
		g.queue = append(g.queue, func() event { return g.promptly(g.settleOf(account)) })
	case at < 68:
		g.queue = append(g.queue, func() event { return g.retryOf(account) }, func() event { return g.failOf(account) })
	case at < 80:
		g.queue = append(g.queue, func() event { return g.failOf(account) })
	case at < 90:
		g.queue = append(g.queue, func() event { return g.promptly(g.holdOf(account, g.connection(), true)) },
			func() event { return g.retryOf(account) })
	}
}

// retryRequested moves the clock to the retry that an account waits for.
func (g *generator) retryRequested() event {
	account, found := g.accountWaiting()
	if !found {
		return g.usage()
	}
	return g.retryOf(account)
}

// retryOf is a tick at the retry that is waited for, or at whatever else is due for the account first.
func (g *generator) retryOf(account string) event {
	e := g.operationOf(account, "tick")
	due := g.engine.Probe(account).Due
	at := g.now()
	for _, instant := range due {
		if instant > g.now() && (at == g.now() || instant < at) {
			at = instant
		}
	}
	e.logTime = g.soon(g.nearly(at))
	e.time = e.logTime
	return e
}

// isReserved tells whether a purchase's id may not be a granted grant's.
func isReserved(account, id string) bool { return strings.HasPrefix(id, account+":") }
