package drawdown

// Balance is what an account holds, as it stood after its last advance.
type Balance struct {
	Account       string
	At            Time // the instant to which the account was advanced
	Plan          string
	Status        Status
	Available     Credits // what remains of all grants, less overdraft, less what is held
	Overdraft     Credits
	Granted       Total
	Used          Total
	Expired       Total
	Voided        Total
	Waived        Total
	PeriodFrom    Time
	PeriodTo      Time
	Grants        []GrantBalance // with something left, in burn order
	AutoPurchase  AutoPurchaseBalance
	Connections   []ConnectionBalance // those that had usage, by name
	MissingEvents Count               // sequence numbers that never arrived
	Held          Credits             // what is left of all open holds
	Holds         []HoldBalance       // open and waiting, in the order in which they were placed
}

// HoldBalance is one hold, open or waiting.
type HoldBalance struct {
	HeldFor
	Amount    Credits
	Remaining Credits // what is left of it; of one that waits, all
	ExpiresAt Time
	Waiting   bool // until it can be held
}

// GrantBalance is one grant with something left.
type GrantBalance struct {
	Grant     string
	Category  Category
	Amount    Credits
	Remaining Credits
	ExpiresAt Time // Never where it does not expire
}

// AutoPurchaseBalance is the state of an account's auto-purchases.
type AutoPurchaseBalance struct {
	Enabled       bool
	AutoPurchases int64  // those settled in the period and the open one
	Amount        Money  // the period's amount
	Open          string // id of the open purchase, "" where there is none
	PaymentFailed bool
}

// ConnectionBalance is what one connection used over its lifetime.
type ConnectionBalance struct {
	Connection string
	Used       Total
	Waived     Total
}

// AppendBalance appends the JSON line of a balance, without a newline (contract, sections 8 and 10).
func AppendBalance(dst []byte, b *Balance) []byte {
	m := members{append(dst, '{')}
	m.text("type", "balance")
	m.text("account", b.Account)
	m.time("at", b.At)
	m.text("plan", b.Plan)
	m.text("status", b.Status.String())
	m.credits("available", b.Available)
	m.credits("overdraft", b.Overdraft)
	m.total("granted", b.Granted)
	m.total("used", b.Used)
	m.total("expired", b.Expired)
	m.total("voided", b.Voided)
	m.total("waived", b.Waived)
	m.open("period", '{')
	m.time("from", b.PeriodFrom)
	m.time("to", b.PeriodTo)
	m.close('}')
	m.open("grants", '[')
	for i := range b.Grants {
		m.grant(&b.Grants[i])
	}
	m.close(']')
	m.open("auto_purchase", '{')
	m.autoPurchase(&b.AutoPurchase)
	m.close('}')
	m.open("connections", '[')
	for i := range b.Connections {
		m.item()
		m.text("connection", b.Connections[i].Connection)
		m.total("used", b.Connections[i].Used)
		m.total("waived", b.Connections[i].Waived)
		m.close('}')
	}
	m.close(']')
	m.key("missing")
	m.buf = b.MissingEvents.appendInteger(m.buf)
	if len(b.Holds) > 0 {
		m.holds(b)
	}
	m.close('}')
	return m.buf
}

// holds writes the members that only an account with holds has.
func (m *members) holds(b *Balance) {
	m.credits("held", b.Held)
	m.open("holds", '[')
	for i := range b.Holds {
		h := &b.Holds[i]
		m.item()
		h.HeldFor.appendMembers(m)
		m.credits("amount", h.Amount)
		m.credits("remaining", h.Remaining)
		m.time("expires_at", h.ExpiresAt)
		m.boolean("waiting", h.Waiting)
		m.close('}')
	}
	m.close(']')
}

func (m *members) grant(g *GrantBalance) {
	m.item()
	m.text("grant", g.Grant)
	m.text("category", g.Category.String())
	m.credits("amount", g.Amount)
	m.credits("remaining", g.Remaining)
	m.time("expires_at", g.ExpiresAt)
	m.close('}')
}

func (m *members) autoPurchase(a *AutoPurchaseBalance) {
	m.boolean("enabled", a.Enabled)
	m.integer("auto_purchases", a.AutoPurchases)
	m.money("amount", a.Amount)
	if a.Open == "" {
		m.null("open")
	} else {
		m.text("open", a.Open)
	}
	m.boolean("payment_failed", a.PaymentFailed)
}
