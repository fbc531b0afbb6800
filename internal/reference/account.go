package reference

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
)

type category string

const (
	subscribed  category = "subscription"
	promotional category = "promotional"
	purchased   category = "purchased"
)

// burnRank is the order in which categories burn.
var burnRank = map[category]int{subscribed: 0, promotional: 1, purchased: 2}

// grant is credits given; order counts the grants of the account as they were made.
type grant struct {
	id                string
	category          category
	amount, remaining *big.Int
	expiresAt         *Instant
	madeAt            Instant
	order             int
	// gone is what expired, was voided or was refunded of it, also what had been used when it was refunded.
	gone *big.Int
}

// period is the current period. Its counters begin at zero when it starts.
type period struct {
	// number tells the periods of an account apart, also those that start at one instant.
	number   int
	from, to Instant
	// used is all billed charges of the period.
	used *big.Int
	// autoPurchases counts the auto-purchases settled in the period.
	autoPurchases int64
	// amount is what auto-purchases cost in the period, in hundredths.
	amount *big.Int
	// percentsGiven and cappedGiven are the notices given; auto_purchase.set clears cappedGiven too.
	percentsGiven map[int64]bool
	cappedGiven   bool
}

// connection is what a known connection joins; since is the now at which it got these connectors.
type connection struct {
	source, destination string
	since               Instant
}

// usageOfConnection is kept for every connection that had usage, known or not.
type usageOfConnection struct{ used, waived *big.Int }

// remainderKey names a connection and rate: card version and kind.
type remainderKey struct{ connection, version, kind string }

type leavingKey struct {
	connection string
	at         Instant
}

type account struct {
	id      string
	plan    *plan
	waiting *plan // the plan from the next period on, or nil
	anchor  Instant
	// periodIndex counts the periods since the anchor.
	periodIndex int
	period      period
	// reached is the instant that the account has advanced to.
	reached Instant
	status  string

	// grants are those with something left; grantIDs are all that ever were.
	grants                                            []*grant
	grantIDs                                          []string
	overdraft, granted, used, expired, voided, waived *big.Int
	// fellAt is the last instant at which available fell to ≤ 0 from above; nil if it never was above.
	fellAt *Instant
	// lowBalanceFlag: a low_balance notice may be given.
	lowBalanceFlag bool

	emailVerified, autoPurchase bool
	// primary and backup are the payment methods saved, or nil.
	primary, backup *method
	// maxAmount is the customer's own limit a period in hundredths, or nil.
	maxAmount *big.Int
	purchases []*purchase // every one requested, in order of n
	// failedBy is the purchase that set the payment failure, or nil where there is none.
	failedBy *purchase
	settled  []*paidFor // all purchases ever settled
	// endpoints are the webhooks', in the order in which they were first set.
	endpoints []string

	enrolledAt   *Instant
	connections  map[string]*connection
	usage        map[string]*usageOfConnection
	remainders   map[remainderKey]*big.Int
	leavingGiven map[leavingKey]bool
	memory       memory

	// holds are the open and the waiting ones, in the order in which they were placed.
	holds []*hold
	// reserve is what only critical connections may hold or start on; breaker is nil where it is off.
	reserve *big.Int
	breaker *breaker
	// priorities, jobs and stopped are by connection, known or not. The jobs are in the order of their first events.
	priorities map[string]priority
	jobs       map[string][]*jobCost
	stopped    map[string]bool
}

func newAccount(id string, p *plan, now Instant) *account {
	return &account{
		id: id, plan: p, anchor: now, reached: now,
		overdraft: zero(), granted: zero(), used: zero(), expired: zero(), voided: zero(), waived: zero(),
		connections:  map[string]*connection{},
		usage:        map[string]*usageOfConnection{},
		remainders:   map[remainderKey]*big.Int{},
		leavingGiven: map[leavingKey]bool{},
		memory:       newMemory(),
		reserve:      zero(),
		priorities:   map[string]priority{},
		jobs:         map[string][]*jobCost{},
		stopped:      map[string]bool{},
	}
}

// remaining is what is left of all grants together.
func (a *account) remaining() *big.Int {
	sum := zero()
	for _, g := range a.grants {
		sum = plus(sum, g.remaining)
	}
	return sum
}

// available is what sections 5 to 8 call so, and section 10 the balance: whatever is held.
func (a *account) available() *big.Int { return minus(a.remaining(), a.overdraft) }

// check verifies available = granted − used − expired − voided, that no purchase gave back more than was bought, and
// that each hold is where it must be.
func (a *account) check() error {
	counted := minus(minus(minus(a.granted, a.used), a.expired), a.voided)
	if a.available().Cmp(counted) != 0 {
		return fmt.Errorf("account %s: available %s, but granted − used − expired − voided is %s",
			a.id, formatCredits(a.available()), formatCredits(counted))
	}
	for _, p := range a.settled {
		if p.used().Sign() < 0 {
			return fmt.Errorf("account %s: of purchase %s, %s more is gone or left than was bought",
				a.id, p.purchase, formatCredits(p.used()))
		}
	}
	return a.checkHolds()
}

// inBurnOrder is the grants with something left, by category, then soonest expiry (never last), then age.
func (a *account) inBurnOrder() []*grant {
	ordered := slices.Clone(a.grants)
	slices.SortFunc(ordered, func(x, y *grant) int {
		if d := burnRank[x.category] - burnRank[y.category]; d != 0 {
			return d
		}
		switch {
		case x.expiresAt == nil && y.expiresAt == nil:
		case x.expiresAt == nil:
			return 1
		case y.expiresAt == nil:
			return -1
		case *x.expiresAt != *y.expiresAt:
			if *x.expiresAt < *y.expiresAt {
				return -1
			}
			return 1
		}
		return x.order - y.order
	})
	return ordered
}

// withRemaining is the first grant of an id, in burn order, that has something left, or nil.
func (a *account) withRemaining(id string) *grant {
	for _, g := range a.inBurnOrder() {
		if g.id == id {
			return g
		}
	}
	return nil
}

// dropEmpty forgets grants with nothing left: they end silently.
func (a *account) dropEmpty() {
	a.grants = slices.DeleteFunc(a.grants, func(g *grant) bool { return g.remaining.Sign() == 0 })
}

// add makes a grant, which first repays the overdraft, and returns what it repaid.
func (a *account) add(g *grant, at Instant) (repaid *big.Int) {
	before := a.available()
	repaid = smaller(a.overdraft, g.amount)
	a.overdraft = minus(a.overdraft, repaid)
	g.remaining = minus(g.amount, repaid)
	g.gone = zero()
	g.madeAt = at
	g.order = len(a.grantIDs)
	a.grantIDs = append(a.grantIDs, g.id)
	a.grants = append(a.grants, g)
	a.granted = plus(a.granted, g.amount)
	a.dropEmpty()
	a.moved(before, at)
	return repaid
}

// burnt is one grant's part of a charge.
type burnt struct {
	grant   string
	credits *big.Int
}

// charge takes a charge from the grants in burn order; the rest is overdraft.
func (a *account) charge(amount *big.Int, at Instant) (burned []burnt, overdraft *big.Int) {
	before := a.available()
	rest := amount
	for _, g := range a.inBurnOrder() {
		part := smaller(rest, g.remaining)
		if part.Sign() == 0 {
			break
		}
		g.remaining = minus(g.remaining, part)
		rest = minus(rest, part)
		burned = append(burned, burnt{g.id, part})
	}
	a.overdraft = plus(a.overdraft, rest)
	a.used = plus(a.used, amount)
	a.period.used = plus(a.period.used, amount)
	a.dropEmpty()
	a.moved(before, at)
	return burned, rest
}

// take removes what remains of a grant and adds it to the total it belongs to: expired or voided.
func (a *account) take(g *grant, total **big.Int, at Instant) (amount *big.Int) {
	before := a.available()
	amount = g.remaining
	g.remaining = zero()
	g.gone = plus(g.gone, amount)
	*total = plus(*total, amount)
	a.dropEmpty()
	a.moved(before, at)
	return amount
}

// moved is called after each grant, charge, expiry and void.
func (a *account) moved(before *big.Int, at Instant) {
	if before.Sign() > 0 && a.available().Sign() <= 0 {
		a.fellAt = &at
	}
	a.lookAtLowBalance()
}

// lookAtLowBalance sets the flag where available is above the plan's low_balance.
func (a *account) lookAtLowBalance() {
	if a.plan.lowBalance != nil && a.available().Cmp(a.plan.lowBalance) > 0 {
		a.lowBalanceFlag = true
	}
}

// hasRequestForm tells whether an id has the form <account>:<digits>, that of the engine's own requests.
func (a *account) hasRequestForm(id string) bool {
	digits, found := strings.CutPrefix(id, a.id+":")
	if !found || digits == "" {
		return false
	}
	return strings.Trim(digits, "0123456789") == ""
}

// subscriptionGrantID is <account>:sub:<start>, with #2, #3 … where a grant ever had that id.
func (a *account) subscriptionGrantID(start Instant) string {
	base := a.id + ":sub:" + start.String()
	id := base
	for n := 2; slices.Contains(a.grantIDs, id); n++ {
		id = fmt.Sprintf("%s#%d", base, n)
	}
	return id
}

// sortedNames are the keys of a map in order of their bytes.
func sortedNames[V any](byName map[string]V) []string { return slices.Sorted(maps.Keys(byName)) }
