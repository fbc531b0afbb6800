package consumer

import (
	"drawdown"
	"drawdown/balance"
	"drawdown/consumer/fetch"
)

// tally counts what is in a batch, for bounds and metrics: metrics are told once a batch, not once an event.
type tally struct {
	events     int
	bytes      int
	charges    int
	duplicates int
	ledger     int
	rejected   map[drawdown.Reason]int
	requested  int // purchases
	settled    int
	declined   int // attempts after which the payment ladder has another
	failed     int
	refunded   int
	capped     int
	exhausted  int // accounts that became unusable
	notices    int
	gaps       balance.Gaps
	appended   drawdown.Time // append time of the first record
	logTime    drawdown.Time // append time of the last record
}

func newTally() tally { return tally{rejected: make(map[drawdown.Reason]int)} }

func (t *tally) reset() {
	clear(t.rejected)
	*t = tally{rejected: t.rejected}
}

func (t *tally) record(source *fetch.Record) {
	if t.events == 0 {
		t.appended = drawdown.Time(source.AppendTime)
	}
	t.events++
	t.bytes += len(source.Key) + len(source.Value)
	t.logTime = drawdown.Time(source.AppendTime)
}

// entry counts a ledger entry by what operators look at. What is not named here is counted as an entry only.
func (t *tally) entry(e drawdown.Entry) {
	t.ledger++
	switch e := e.(type) {
	case *drawdown.PurchaseRequested:
		t.requested++
	case *drawdown.PurchaseSettledEntry:
		t.settled++
	case *drawdown.PurchaseDeclined:
		t.declined++
	case *drawdown.PurchaseFailedEntry:
		t.failed++
	case *drawdown.GrantRefunded:
		t.refunded++
	case *drawdown.StatusChanged:
		if e.To == drawdown.Exhausted || e.To == drawdown.PaymentFailed {
			t.exhausted++
		}
	case *drawdown.AutoPurchaseCappedNotice:
		t.capped++
		t.notices++
	case *drawdown.LowBalanceNotice, *drawdown.UsagePercentNotice, *drawdown.CreditsExpiringNotice,
		*drawdown.LeavingFreeProgramNotice, *drawdown.WebhookDisabledNotice, *drawdown.RunawayNotice:
		t.notices++
	}
}
