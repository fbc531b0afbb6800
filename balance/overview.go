package balance

import (
	"fmt"

	"drawdown"
)

// Overview is all that an account's page shows: what its state says, and nothing recomputed.
type Overview struct {
	Version int64            // of the stored state: 1 + the offset of the last record that changed the account
	Balance drawdown.Balance // with Held and Holds
	Profile drawdown.Profile

	// MaxAmount is the customer's own limit of auto-purchases in a period; nil where there is none.
	MaxAmount *drawdown.Money

	Reserve       drawdown.Credits // the last credits, on which only critical connections may start
	RunawayFactor int64            // so many times its usual cost stops a connection; 0 while the breaker is off
	RunawayMin    drawdown.Credits // up to it no job is a runaway

	EnrolledAt  drawdown.Time // in the Free Connector Program since; NoTime if not
	Enrolment   Enrolment
	Connections []ConnectionOverview // all that the account ever had, by name
}

// Enrolment is which preconditions of the Free Connector Program are met (contract, sections 3 and 7).
type Enrolment struct {
	EmailVerified      bool
	PaymentMethod      bool
	EligibleConnection bool // a connector of a known connection is alpha or beta at the instant
}

// ConnectionOverview is one connection of an account.
type ConnectionOverview struct {
	Connection           string
	SourceConnector      string // the connectors as last named
	DestinationConnector string
	Known                bool // not removed
	Free                 bool // its usage costs nothing at the instant
	HadUsage             bool
	Used, Waived         drawdown.Total // over its lifetime
	Priority             drawdown.Priority
	Stopped              bool // by the breaker, until it is acknowledged
}

// ReadOverview returns all of an account that its page shows, from the account as [Store.Load] returns it, and whether
// there is one. at is the instant for which stages of connectors are looked up; all else is the state as it is. The
// partition must have the catalogue. It may be called by many goroutines as [Partition.ReadGate] says.
func (p *Partition) ReadOverview(s Stored, at drawdown.Time) (overview Overview, exists bool, err error) {
	if s.Mark == (Mark{}) && s.Core == nil {
		return Overview{}, false, nil
	}
	a, err := readAccount(s, p.plans)
	if err != nil {
		return Overview{}, false, fmt.Errorf("read account %s: %w", s.Account, err)
	}
	overview = Overview{
		Version: s.Mark.Version, Balance: a.balance(), Profile: a.profile(), MaxAmount: a.purchases.maxAmount,
		Reserve: a.holds.gate.reserve, RunawayFactor: int64(a.holds.gate.runawayFactor), RunawayMin: a.holds.gate.runawayMin,
		EnrolledAt: a.enrolled,
		Enrolment: Enrolment{
			EmailVerified: a.emailVerified, PaymentMethod: a.paymentMethod != "", EligibleConnection: p.hasEligibleConnection(a, at),
		},
	}
	for _, name := range a.connectionNames() {
		overview.Connections = append(overview.Connections, p.connectionOverview(a, a.connections[name], at))
	}
	return overview, true, nil
}

func (p *Partition) connectionOverview(a *account, c *connection, at drawdown.Time) ConnectionOverview {
	eligible := p.rating.Connectors.IsEligible(c.source, at) || p.rating.Connectors.IsEligible(c.destination, at)
	return ConnectionOverview{
		Connection: c.name, SourceConnector: c.source, DestinationConnector: c.destination, Known: c.known,
		Free:     c.known && eligible && a.isEnrolled() && a.enrolled <= at,
		HadUsage: c.hadUsage, Used: c.used, Waived: c.waived, Priority: c.priority, Stopped: c.stopped,
	}
}

// readAccount unpacks an account but for what it merely remembers, and compares it with its mark.
func readAccount(s Stored, plans map[string]*drawdown.Plan) (*account, error) {
	a := newAccount(s.Account)
	if err := a.unpackParts(s, plans); err != nil {
		return nil, err
	}
	return a, a.restoreConnections(s.Fields, func(name []byte) string { return string(name) })
}
