package bench

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"drawdown"
	"drawdown/consumer/murmur"
	"drawdown/producer"
)

// gateKind is what becomes of an account while it is asked about.
type gateKind int

const (
	gateFunded    gateKind = iota // always has credits
	gateSpent                     // has used everything before the run
	gateRunsOut                   // uses everything within the run
	gateReserving                 // falls to its reserve within the run
	gateHolding                   // falls to what is held within the run
)

const gateKinds = int(gateHolding) + 1

// gateConnections are how many connections an account has. The last but one is critical, and the last has the hold.
const gateConnections = 5

const (
	gateCritical = gateConnections - 2
	gateHolder   = gateConnections - 1
)

const (
	gatePlenty  = 1_000_000 // credits of a funded account
	gateReserve = 100       // credits
	gateHeld    = 100       // credits
	// gateHeldJob is the job that the hold is for. It never runs, so that nothing is taken of the hold.
	gateHeldJob = 7
	gateUsedJob = 1
)

// gateAccount is an account and what is known of it at any moment. Each usage event costs it one credit.
type gateAccount struct {
	name                   string
	granted, reserve, held int64 // credits
	appended               atomic.Int64
	seen                   atomic.Int64 // the most events that any answer had in it
}

// gateAccounts are all accounts of a run.
type gateAccounts struct {
	all        []gateAccount
	partitions [][]*gateAccount
	source     string
}

// newGateAccounts makes accounts that get so many usage events together, as evenly as it goes.
func newGateAccounts(accounts, partitions, events int) *gateAccounts {
	g := &gateAccounts{all: make([]gateAccount, accounts), partitions: make([][]*gateAccount, partitions), source: "tap/bench"}
	half := int64(max(1, events/accounts/2))
	for i := range g.all {
		a := &g.all[i]
		a.name = fmt.Sprintf("g-%06d", i)
		switch gateKind(i % gateKinds) {
		case gateFunded:
			a.granted = gatePlenty
		case gateSpent:
			a.granted = 1
		case gateRunsOut:
			a.granted = half
		case gateReserving:
			a.granted, a.reserve = gateReserve+half, gateReserve
		case gateHolding:
			a.granted, a.held = gateHeld+half, gateHeld
		}
		home := murmur.Partition([]byte(a.name), partitions)
		g.partitions[home] = append(g.partitions[home], a)
	}
	return g
}

func gateConnection(n int) string { return fmt.Sprintf("c-%d", n) }

// setup publishes plan and rates, opens the accounts, and lets those use everything that begin with nothing.
func (g *gateAccounts) setup(l *loader) error {
	now := time.Now().UTC()
	operation := l.operations(now)
	if err := g.catalogue(operation); err != nil {
		return err
	}
	for i := range g.all {
		if err := g.open(&g.all[i], operation, now); err != nil {
			return err
		}
	}
	for i := range g.all {
		if a := &g.all[i]; a.granted == 1 {
			l.usage(a.name, g.use(a))
		}
	}
	return nil
}

func (g *gateAccounts) catalogue(operation operator) error {
	return errors.Join(
		operation(drawdown.PlanPublished, "plan", "", map[string]any{
			"id": "gate", "currency": "USD", "purchase": map[string]any{
				"unit": 1, "min": 1, "max": 1000, "default": 10, "unit_price": "1.00", "validity": map[string]any{"months": 12},
			},
		}),
		operation(drawdown.RatesPublished, "rates", "", map[string]any{
			"version": "bench-1", "effective_from": "2025-01-01T00:00:00Z",
			"rates": []any{map[string]any{"kind": "module", "meter": "operations", "credits": "1", "per": 1}},
		}),
		operation(drawdown.ConnectorSet, "module", "", map[string]any{"connector": "module", "kind": "module", "stage": "ga"}),
	)
}

// open opens an account, with its credits and connections, and its reserve and hold where it has them.
func (g *gateAccounts) open(a *gateAccount, operation operator, now time.Time) error {
	faults := []error{
		operation(drawdown.AccountOpened, "open", a.name, map[string]any{"plan": "gate", "email": "owner@example.com", "email_verified": true}),
		operation(drawdown.CreditsGranted, "grant", a.name, map[string]any{"amount": fmt.Sprint(a.granted), "category": "promotional"}),
	}
	for n := range gateConnections {
		name := gateConnection(n)
		faults = append(faults, operation(drawdown.ConnectionSet, name, a.name, map[string]any{
			"connection": name, "source_connector": "module", "destination_connector": "module",
		}))
	}
	if a.reserve > 0 {
		faults = append(faults,
			operation(drawdown.ConnectionPrioritized, "critical", a.name, map[string]any{"connection": gateConnection(gateCritical), "priority": "critical"}),
			operation(drawdown.GateSet, "reserve", a.name, map[string]any{"reserve": fmt.Sprint(a.reserve)}))
	}
	if a.held > 0 {
		faults = append(faults, operation(drawdown.HoldPlaced, "hold", a.name, map[string]any{
			"hold": "hold", "connection": gateConnection(gateHolder), "job": gateHeldJob, "amount": fmt.Sprint(a.held),
			"expires_at": now.Add(24 * time.Hour).Format(time.RFC3339),
		}))
	}
	return errors.Join(faults...)
}

// use is the account's next usage event. From now on an answer may have it in it. The connections take turns. One
// goroutine at a time may call it for an account.
func (g *gateAccounts) use(a *gateAccount) []byte {
	n := a.appended.Add(1) - 1
	u := producer.Usage{
		Account: a.name, Connection: gateConnection(int(n % gateConnections)), SourceConnector: "module", DestinationConnector: "module",
		Job: gateUsedJob, Attempt: 1, Seq: n/gateConnections + 1, Operations: 1, Time: time.Now(),
	}
	return u.Event(g.source)
}
