package demo

import (
	"strings"
	"testing"

	"drawdown"
	"drawdown/purchasing/sandbox"
)

func usd(s string) drawdown.Money {
	amount, ok := drawdown.ParseMoney([]byte(s))
	if !ok {
		panic(s)
	}
	return amount
}

func TestTheTillCountsAttemptsAndPayments(t *testing.T) {
	var till till
	for _, e := range []*ledgerEntry{
		entryOf("a", "purchase.requested", 1, 0, members{Purchase: "a:1"}),
		entryOf("a", "purchase.declined", 2, 0, members{Purchase: "a:1"}),
		entryOf("a", "purchase.retried", 2, 1, members{Purchase: "a:1"}),
		entryOf("b", "purchase.requested", 3, 0, members{Purchase: "b:1"}),
		entryOf("b", "purchase.failed", 4, 0, members{Purchase: "b:1"}),
		entryOf("a", "purchase.settled", 5, 0, members{Purchase: "a:1", Amount: "11.70"}),
		entryOf("c", "purchase.settled", 6, 0, members{Purchase: "order", Amount: "1000.00"}),
		entryOf("d", "purchase.requested", 7, 0, members{Purchase: "d:1"}),
	} {
		till.take(e)
	}
	if got, want := till.takings(), (takings{open: 1, paid: 2, refused: 2, amount: usd("1011.70")}); got != want {
		t.Errorf("counted %+v, expected %+v", got, want)
	}
}

// dealt is the log of three purchases: paid, paid with the backup card, and failed.
func dealt() ledgerEvidence {
	l := ledgerEvidence{}
	request := func(account, id string) {
		l.take(&drawdown.PurchaseRequested{Head: drawdown.Head{Account: account}, Purchase: id, Quantity: 10_000 * drawdown.Credit, Amount: usd("11.70"), Currency: "USD"})
	}
	settle := func(id string) {
		l.take(&drawdown.PurchaseSettledEntry{Purchase: id, Quantity: 10_000 * drawdown.Credit, Amount: usd("11.70"), Currency: "USD"})
		l.take(&drawdown.GrantAdded{Grant: id, Category: drawdown.PurchasedGrant, Amount: 10_000 * drawdown.Credit})
	}
	request("dune", "dune:1")
	settle("dune:1")
	request("elm", "elm:1")
	l.take(&drawdown.PurchaseDeclined{Purchase: "elm:1", Attempt: 1, Reason: "insufficient_funds", Backup: true})
	l.take(&drawdown.PurchaseRetried{Purchase: "elm:1", Attempt: 2, Backup: true})
	settle("elm:1")
	request("fjord", "fjord:1")
	l.take(&drawdown.PurchaseFailedEntry{Purchase: "fjord:1", Reason: "card_declined", Attempt: 1})
	l.take(&drawdown.GrantAdded{Grant: "fjord:sub:x", Category: drawdown.SubscriptionGrant, Amount: drawdown.Credit})
	return l
}

func TestPurchasesArePrintedWithTheirOutcome(t *testing.T) {
	var out strings.Builder
	charges := map[string]sandbox.Charge{"dune:1": {Count: 1, Amount: usd("11.70")}, "elm:1": {Count: 1, Amount: usd("11.70")}}
	printPurchases(&out, newStyle(&out, false), dealt(), charges, 80)
	compareFile(t, "purchases.txt", out.String())
}
