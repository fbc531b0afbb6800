package office

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"drawdown"
	"drawdown/api/access"
	"drawdown/balance"
	"drawdown/sinks/clickhouse/report"
)

// StartOrder is in which order syncs should start: after credits have arrived, or when there are few.
type StartOrder struct {
	Available drawdown.Credits // the balance less what is held
	Reserve   drawdown.Credits // the last credits, on which only critical connections may start
	// Starts are the connections that the gate allows now: critical before normal before low, then by name.
	Starts []Start
	// More is whether there are more of them than were asked for.
	More bool
}

// Start is a connection that may start now.
type Start struct {
	Connection string
	Priority   drawdown.Priority
	Reason     balance.GateReason
	// Estimate is what a sync of it would cost; nil where it costs nothing now, since the connection is free.
	Estimate *report.Estimate
	// Carries is whether the credits suffice for a sync at p90 beside those of the connections before it and the holds that
	// wait in line before it. What those need is set aside also where it is not there: a large sync of high priority is
	// not starved by small ones (contract, section 10).
	Carries bool
}

const (
	// startsMax bounds how many connections are answered for: each asks the reports.
	startsMax = 100
	// estimatesAtOnce bounds what one request asks of the reports at a time.
	estimatesAtOnce = 4
)

// StartOrder tells in which order the account's syncs should start, the first limit of them.
func (o *Office) StartOrder(ctx context.Context, p *access.Principal, account string, limit int) (*StartOrder, error) {
	if err := may(p, account, access.AskGate); err != nil {
		return nil, err
	}
	if limit < 1 || limit > startsMax {
		return nil, &Error{Kind: Invalid, Reason: string(drawdown.Malformed), Detail: fmt.Sprintf("limit: is %d, allowed are 1 to %d.", limit, startsMax)}
	}
	v, err := o.overview(ctx, account)
	if err != nil {
		return nil, err
	}
	order := &StartOrder{Available: v.Balance.Available, Reserve: v.Reserve}
	if err := o.allowed(ctx, v, order, limit); err != nil {
		return nil, err
	}
	if err := o.estimateAll(ctx, v, order.Starts); err != nil {
		return nil, err
	}
	order.carry(v)
	return order, nil
}

// allowed puts down the first connections that the gate allows.
func (o *Office) allowed(ctx context.Context, v *Overview, order *StartOrder, limit int) error {
	for _, c := range inOrder(v.Connections) {
		if !c.Known || c.Stopped {
			continue
		}
		gate, err := o.deps.Accounts.Gate(ctx, v.Profile.Account, c.Connection, nil, drawdown.TimeOf(v.Now))
		if err != nil {
			return unavailable(ctx, "balances", err)
		}
		if gate == nil || !gate.Allowed {
			continue
		}
		if len(order.Starts) == limit {
			order.More = true
			return nil
		}
		order.Starts = append(order.Starts, Start{Connection: c.Connection, Priority: c.Priority, Reason: gate.Reason})
	}
	return nil
}

func inOrder(connections []balance.ConnectionOverview) []balance.ConnectionOverview {
	return slices.SortedFunc(slices.Values(connections), func(a, b balance.ConnectionOverview) int {
		switch {
		case a.Priority.Before(b.Priority):
			return -1
		case b.Priority.Before(a.Priority):
			return 1
		default:
			return cmp.Compare(a.Connection, b.Connection)
		}
	})
}

// estimateAll asks for the estimates of all that is not free.
func (o *Office) estimateAll(ctx context.Context, v *Overview, starts []Start) error {
	asking, together := errgroup.WithContext(ctx)
	asking.SetLimit(estimatesAtOnce)
	for i := range starts {
		s := &starts[i]
		if s.Reason == balance.GateFree {
			continue
		}
		q := report.EstimateQuery{Account: v.Profile.Account, Connection: s.Connection, Now: v.Now}
		q.Source, q.Destination = connectorsOf(v, s.Connection)
		asking.Go(func() (err error) {
			s.Estimate, err = o.deps.Reports.Estimate(together, q)
			return err
		})
	}
	if err := asking.Wait(); err != nil {
		return past(ctx, err)
	}
	return nil
}

// connectorsOf are the connectors that a connection has now, "" where it never had any.
func connectorsOf(v *Overview, connection string) (source, destination string) {
	for i := range v.Connections {
		if c := &v.Connections[i]; c.Connection == connection {
			return c.SourceConnector, c.DestinationConnector
		}
	}
	return "", ""
}

// carry finds out how far the credits go.
func (s *StartOrder) carry(v *Overview) {
	line := lineOf(v)
	var before drawdown.Total // what those before need
	for i := range s.Starts {
		one := &s.Starts[i]
		if one.Estimate == nil {
			one.Carries = true
			continue
		}
		need := before.Plus(line.ahead(one)).Plus(one.Estimate.P90)
		one.Carries = carries(s.Available, s.Reserve, one.Priority, need)
		if !line.has(one.Connection) { // else its holds stand for it
			before = before.Plus(one.Estimate.P90)
		}
	}
}

// carries is whether what is available, less the reserve for a connection that is not critical, suffices.
func carries(available, reserve drawdown.Credits, priority drawdown.Priority, need drawdown.Total) bool {
	if priority != drawdown.PriorityCritical {
		available -= reserve
	}
	return available >= 0 && need.Compare(drawdown.TotalOf(available)) <= 0
}

// inLine is a hold that waits, with its connection's priority.
type inLine struct {
	connection string
	priority   drawdown.Priority
	amount     drawdown.Total
}

// waitingLine is all holds that wait and can be opened: those of stopped connections can't.
type waitingLine []inLine

func lineOf(v *Overview) (line waitingLine) {
	for _, h := range v.Balance.Holds {
		if !h.Waiting {
			continue
		}
		priority, stopped := drawdown.PriorityNormal, false
		for i := range v.Connections {
			if c := &v.Connections[i]; c.Connection == h.Connection {
				priority, stopped = c.Priority, c.Stopped
			}
		}
		if !stopped {
			line = append(line, inLine{h.Connection, priority, drawdown.TotalOf(h.Amount)})
		}
	}
	return line
}

// ahead is what holds of other connections wait for that come before a sync without one.
func (l waitingLine) ahead(s *Start) (need drawdown.Total) {
	for i := range l {
		if l[i].connection != s.Connection && !s.Priority.Before(l[i].priority) {
			need = need.Plus(l[i].amount)
		}
	}
	return need
}

func (l waitingLine) has(connection string) bool {
	return slices.ContainsFunc(l, func(h inLine) bool { return h.connection == connection })
}
