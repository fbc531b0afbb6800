package balance

import (
	"sort"

	"drawdown"
	"drawdown/rating"
)

// connection is what an account knows of one connection. It stays when the connection is removed: nothing but that it
// is known is forgotten.
type connection struct {
	field               string // of the store: connectionField and the name
	name                string // a part of field
	known               bool
	source, destination string        // the connectors, as last named
	linkedAt            drawdown.Time // the partition's clock when it got these connectors
	hadUsage            bool
	used, waived        drawdown.Total
	remainders          []remainder
	toldGA              []drawdown.Time // instants of leaving the free program that were told
	priority            drawdown.Priority
	stopped             bool      // by the breaker, until it is acknowledged
	jobs                []jobCost // the last ones, in the order of their first events; none while there is no breaker

	attempts attempts

	// quote is how events of these connectors are rated, kept while nothing was published since.
	quote      rating.Quote
	quoteValid bool
	quoteSeen  uint64
	touched    bool // since the last Take
}

func newConnection(name string) *connection {
	field := connectionField + name
	return &connection{field: field, name: field[len(connectionField):], linkedAt: drawdown.NoTime}
}

// remainder is what is left of a division by a rate's `per`, so that however a sync is cut into events its bill is
// the same. It is kept for each rate: card version and kind.
type remainder struct {
	version, kind string
	left          uint64
}

// remainderAt returns the connection's remainder at a rate, nil while it has none, which stands for 0.
func (c *connection) remainderAt(version, kind string) *remainder {
	for i := len(c.remainders) - 1; i >= 0; i-- {
		if r := &c.remainders[i]; r.version == version && r.kind == kind {
			return r
		}
	}
	return nil
}

// keepRemainder sets the connection's remainder at a rate.
func (c *connection) keepRemainder(version, kind string, left uint64) {
	if r := c.remainderAt(version, kind); r != nil {
		r.left = left
		return
	}
	c.remainders = append(c.remainders, remainder{version: version, kind: kind, left: left})
}

// link makes the connection known between two connectors.
func (p *Partition) link(a *account, c *connection, source, destination []byte) {
	if c.known && c.source == string(source) && c.destination == string(destination) {
		return
	}
	p.touchConnection(a, c)
	c.known, c.linkedAt = true, p.at
	c.source, c.destination = p.name(source), p.name(destination)
	c.quoteValid = false
	a.dueStale = true
	if a.isEnrolled() {
		a.index(c)
	}
}

// index has the store's index learn that the account must be woken when a connector of c changes.
func (a *account) index(c *connection) {
	for _, name := range [...]string{c.source, c.destination} {
		if !a.linked[name] {
			a.linked[name] = true
			a.freshlyLinked = append(a.freshlyLinked, name)
		}
	}
}

// connection returns the account's connection of that name, nil where it never had one.
func (a *account) connection(name []byte) *connection { return a.connections[string(name)] }

// ensureConnection returns the account's connection of that name, which it makes where there is none.
func (p *Partition) ensureConnection(a *account, name []byte) *connection {
	c := a.connection(name)
	if c == nil {
		c = newConnection(string(name))
		a.connections[c.name] = c
	}
	p.touchConnection(a, c)
	return c
}

// connectionNames returns the names of the account's connections in order of bytes.
func (a *account) connectionNames() []string {
	names := make([]string, 0, len(a.connections))
	for name := range a.connections {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// hasEligibleConnection reports whether a known connection has an alpha or beta connector at an instant.
func (p *Partition) hasEligibleConnection(a *account, at drawdown.Time) bool {
	for _, c := range a.connections {
		if c.known && (p.rating.Connectors.IsEligible(c.source, at) || p.rating.Connectors.IsEligible(c.destination, at)) {
			return true
		}
	}
	return false
}
