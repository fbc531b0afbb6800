package balance

import (
	"slices"

	"drawdown"
)

// leavingNotice is how long before an enrolled account's connection stops being free the customer is told.
const leavingNotice = 14 * drawdown.Day

// leaving calls found with each instant T at which a known connection of an enrolled account stops being free and
// that was not told yet, T ascending, and with the instant at which it is due: two weeks before T, or when the account
// could first know. What it could not know before T is not told.
func (p *Partition) leaving(a *account, c *connection, found func(due, t drawdown.Time)) {
	if !c.known {
		return
	}
	instants, lastSet := p.rating.Connectors.Leaving(c.source, c.destination)
	learned := max(a.enrolled, c.linkedAt, lastSet)
	for _, t := range instants {
		if learned < t && !slices.Contains(c.toldGA, t) {
			found(max(t-leavingNotice, learned), t)
		}
	}
}

// nextLeavingNotice returns when the next leaving_free_program notice is due.
func (p *Partition) nextLeavingNotice(a *account) drawdown.Time {
	next := drawdown.Never
	if !a.isEnrolled() {
		return next
	}
	for _, c := range a.connections {
		p.leaving(a, c, func(due, _ drawdown.Time) { next = min(next, due) })
	}
	return next
}

// tellLeaving gives the leaving_free_program notices that are due at the instant, by name of the connection and T.
func (p *Partition) tellLeaving(a *account) {
	if !a.isEnrolled() {
		return
	}
	for _, name := range a.connectionNames() {
		c := a.connections[name]
		p.leaving(a, c, func(due, t drawdown.Time) {
			if due <= p.at {
				p.touchConnection(a, c)
				c.toldGA = append(c.toldGA, t)
				p.ledger(a, &drawdown.LeavingFreeProgramNotice{Connection: c.name, GAAt: t})
			}
		})
	}
}
