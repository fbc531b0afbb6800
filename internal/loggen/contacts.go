package loggen

import "fmt"

func (g *generator) setContacts() event {
	e := g.operation("contacts.set")
	e.data = []member{}
	if g.chance(60) {
		e.data = append(e.data, texts("email", oneOf(g, "a@b.example", "finance@b.example")))
	}
	if g.chance(60) {
		e.data = append(e.data, boolean("email_verified", g.chance(60)))
	}
	if g.chance(40) {
		e.data = append(e.data, member{"recipients", oneOf(g, `["x@b.example"]`, "[]", "null", `["x@b.example","y@b.example"]`, list(20))})
	}
	if g.chance(40) {
		e.data = append(e.data, member{"opt_outs", oneOf(g, `["low_balance"]`, "[]", "null", `["low_balance","no such kind"]`, list(32))})
	}
	return e
}

// setWebhook sets an endpoint; seldom so many follow that the account has more than it may.
func (g *generator) setWebhook() event {
	account := g.account()
	if g.chance(6) {
		for i := range 17 {
			g.queue = append(g.queue, func() event { return g.webhook(account, fmt.Sprintf("hook-%d", i)) })
		}
	}
	return g.webhook(account, g.endpoint(account))
}

func (g *generator) webhook(account, endpoint string) event {
	e := g.operationOf(account, "webhook.set", texts("endpoint", endpoint), texts("url", "https://hooks.b.example/"+endpoint))
	if g.chance(40) {
		e.data = append(e.data, member{"kinds", oneOf(g, `["low_balance"]`, "[]", "null", list(32))})
	}
	if g.chance(40) {
		e.data = append(e.data, integer("secret_version", oneOf[int64](g, 1, 2, 3, 1_000_000)))
	}
	return e
}

func (g *generator) disableWebhook() event {
	account := g.accountWithEndpoint()
	return g.operationOf(account, "webhook.disabled", texts("endpoint", g.endpoint(account)), texts("reason", "gone for five days"))
}

func (g *generator) removeWebhook() event {
	account := g.accountWithEndpoint()
	return g.operationOf(account, "webhook.removed", texts("endpoint", g.endpoint(account)))
}

// accountWithEndpoint is an account that has one, if there is any.
func (g *generator) accountWithEndpoint() string {
	account, found := g.accountWhere(func(account string) bool { return len(g.engine.Probe(account).Endpoints) > 0 })
	if !found || g.chance(5) {
		return g.account()
	}
	return account
}

// endpoint is the name of one that the account has, or of a new one.
func (g *generator) endpoint(account string) string {
	if known := g.engine.Probe(account).Endpoints; len(known) > 0 && g.chance(70) {
		return oneOf(g, known...)
	}
	return fmt.Sprintf("hook-%d", g.IntN(20))
}
