package balance

import (
	"strconv"
	"strings"

	"drawdown"
)

// account is the state of one account. Everything in it follows from the records of the log.
type account struct {
	id            string
	email         string
	emailVerified bool
	plan          *drawdown.Plan
	waitingPlan   string // taken up when the current period ends; "" for none

	advanced drawdown.Time // the instant to which time has been applied
	nextDue  drawdown.Time // nothing happens by time alone before it, unless dueStale
	dueStale bool
	dueSeen  uint64 // broadcasts accepted when nextDue was found

	grants    []grant // with something left, in burn order
	remaining drawdown.Credits
	overdraft drawdown.Credits
	granted   drawdown.Total
	used      drawdown.Total
	expired   drawdown.Total
	voided    drawdown.Total
	waived    drawdown.Total
	// fellAt is the instant at which available last fell to 0 or below from above, NoTime if it never did.
	fellAt drawdown.Time

	period       period
	status       drawdown.Status
	lowArmed     bool // available has been above low_balance since the last notice
	subscribedAt drawdown.Time
	subscribedNo int // the number of the last subscription grant made at subscribedAt: 1, 2, …

	paymentMethod string // the primary, "" where none is saved
	purchases     purchases
	contacts      contacts
	holds         holds

	enrolled    drawdown.Time // in the Free Connector Program since, NoTime if not
	connections map[string]*connection
	missing     drawdown.Total // sequence numbers left missing, less those that arrived as missing

	usageIDs     identities // of usage without seq
	operationIDs identities

	// Bookkeeping of the store, not state.
	stored          Mark            // what the store has
	storedStatus    drawdown.Status // what the store's counts have
	touched         bool            // since the last Take
	changedAt       drawdown.Offset
	bookAdded       []byte // what the book of purchases has to learn since the last Take
	contactsTouched bool   // since the last Take
	touchedConns    []*connection
	freshlyLinked   []string // connectors that the index must learn
	linked          map[string]bool
}

// period is the current period of an account: counters, each reset to zero when a period starts.
type period struct {
	anchor   drawdown.Time // the opening, or the last plan change
	index    int           // periods since the anchor
	serial   uint64        // periods ever started: tells whether two events fell in the same one
	from, to drawdown.Time

	used          drawdown.Total // all billed charges
	autoPurchases int64          // settled
	amount        drawdown.Money // of auto-purchases
	usageNotices  int            // how many of the plan's percentages were told
	cappedTold    bool
}

func newAccount(id string) *account {
	return &account{
		id: id, advanced: drawdown.NoTime, fellAt: drawdown.NoTime, enrolled: drawdown.NoTime,
		subscribedAt: drawdown.NoTime, dueStale: true,
		connections: map[string]*connection{}, linked: map[string]bool{},
		usageIDs: identities{window: usageMemory}, operationIDs: identities{window: operationMemory},
	}
}

// available is the account's balance, negative while there is overdraft. Credits that are only held are part of it: all
// but holds and the gate go by it.
func (a *account) available() drawdown.Credits { return a.remaining - a.overdraft }

// noteFall remembers the instant if available, which was before, fell to 0 or below.
func (a *account) noteFall(before drawdown.Credits, at drawdown.Time) {
	if before > 0 && a.available() <= 0 {
		a.fellAt = at
		a.dueStale = true
	}
}

// noteLow arms the low_balance notice if available is above the plan's low_balance. It is called after each grant,
// charge, expiry and void, at the opening, and at a plan change under the new plan.
func (a *account) noteLow() {
	if low := a.plan.LowBalance; low != nil && a.available() > *low {
		a.lowArmed = true
	}
}

// purchaseNumber returns n of a purchase id that has the form `<account>:<digits>`, and whether it has that form.
// n is 0 where the engine can't have made it: leading zeros, or out of range.
func (a *account) purchaseNumber(id string) (n uint64, hasForm bool) {
	digits, found := strings.CutPrefix(id, a.id+":")
	if !found || digits == "" || strings.Trim(digits, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || digits[0] == '0' {
		return 0, true
	}
	return n, true
}

// purchaseID is the id of the account's n-th requested purchase.
func (a *account) purchaseID(n uint64) string { return a.id + ":" + strconv.FormatUint(n, 10) }

func (a *account) isEnrolled() bool { return a.enrolled != drawdown.NoTime }
