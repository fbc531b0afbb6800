package demo

import (
	"cmp"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"

	"drawdown"
	"drawdown/purchasing/sandbox"
)

// till counts purchases while the demo runs, from the ledger. Safe for concurrent use.
type till struct {
	mu      sync.Mutex
	open    map[string]bool
	paid    int
	amount  drawdown.Money // in dollars, as everything in the story
	refused int            // attempts
}

// take notes what an entry says of a purchase.
func (t *till) take(e *ledgerEntry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch e.Type {
	case "purchase.requested":
		if t.open == nil {
			t.open = map[string]bool{}
		}
		t.open[e.Purchase] = true
	case "purchase.settled":
		delete(t.open, e.Purchase)
		t.paid++
		if amount, ok := drawdown.ParseMoney([]byte(e.Amount)); ok {
			t.amount = t.amount.Plus(amount)
		}
	case "purchase.declined":
		t.refused++
	case "purchase.failed":
		delete(t.open, e.Purchase)
		t.refused++
	}
}

// takings are what a till has counted.
type takings struct {
	open, paid, refused int
	amount              drawdown.Money
}

func (t *till) takings() takings {
	t.mu.Lock()
	defer t.mu.Unlock()
	return takings{open: len(t.open), paid: t.paid, refused: t.refused, amount: t.amount}
}

// purchase is what the log says of a purchase.
type purchase struct {
	account  string
	quantity drawdown.Credits // asked for, or settled
	amount   drawdown.Money
	currency string
	reason   string // of the last attempt that was refused
	backup   bool   // the last attempt was with the backup card
	settled  int    // how often it was settled
	granted  []drawdown.Credits
}

// ledgerEvidence is what the entries say that follow from replaying the log.
type ledgerEvidence map[string]*purchase

func (l ledgerEvidence) of(head *drawdown.Head, id string) *purchase {
	if l[id] == nil {
		l[id] = &purchase{account: head.Account}
	}
	return l[id]
}

// take notes what an entry says of a purchase.
func (l ledgerEvidence) take(entry drawdown.Entry) {
	switch e := entry.(type) {
	case *drawdown.PurchaseRequested:
		p := l.of(&e.Head, e.Purchase)
		p.quantity, p.amount, p.currency = e.Quantity, e.Amount, e.Currency
	case *drawdown.PurchaseRetried:
		l.of(&e.Head, e.Purchase).backup = e.Backup
	case *drawdown.PurchaseDeclined:
		l.of(&e.Head, e.Purchase).reason = e.Reason
	case *drawdown.PurchaseFailedEntry:
		l.of(&e.Head, e.Purchase).reason = e.Reason
	case *drawdown.PurchaseSettledEntry:
		p := l.of(&e.Head, e.Purchase)
		p.quantity, p.amount, p.currency = e.Quantity, e.Amount, e.Currency
		p.settled++
	case *drawdown.GrantAdded:
		if e.Category == drawdown.PurchasedGrant {
			p := l.of(&e.Head, e.Grant)
			p.granted = append(p.granted, e.Amount)
		}
	}
}

// comparePurchases holds the gateway's books against the log: whatever was charged is settled and granted, once, and
// nothing else is.
func (r *reconciliation) comparePurchases() {
	for _, id := range keysOfBoth(r.log.purchases, r.charges) {
		p, charge := r.log.purchases[id], r.charges[id]
		if p == nil {
			r.differ("purchase %s: the gateway charged %v, the log does not know it", id, charge.Amount)
			continue
		}
		same(r, "purchase "+id+": times settled", p.settled, charge.Count, "the gateway charged it")
		if p.settled > 0 {
			same(r, "purchase "+id+": amount", p.amount, charge.Amount, "the gateway charged")
		}
		granted := drawdown.Total{}
		for _, credits := range p.granted {
			granted = granted.Plus(drawdown.TotalOf(credits))
		}
		bought := drawdown.Total{}
		if p.settled > 0 {
			bought = drawdown.TotalOf(p.quantity)
		}
		same(r, "purchase "+id+": bought", bought, granted, "what was granted is")
		if p.settled > 1 || len(p.granted) > 1 {
			r.differ("purchase %s: settled %d times, granted %d times", id, p.settled, len(p.granted))
		}
	}
}

// paid is how many purchases were charged, for how much, and the credits granted for it.
func (r *reconciliation) paid() (count int, amount drawdown.Money, credits drawdown.Total) {
	for _, charge := range r.charges {
		count++
		amount = amount.Plus(charge.Amount)
	}
	for _, p := range r.log.purchases {
		for _, granted := range p.granted {
			credits = credits.Plus(drawdown.TotalOf(granted))
		}
	}
	return count, amount, credits
}

// printPurchases prints each purchase and how it ended.
func printPurchases(out io.Writer, style style, purchases ledgerEvidence, charges map[string]sandbox.Charge, columns int) {
	ids := slices.SortedFunc(maps.Keys(purchases), func(a, b string) int {
		return cmp.Or(cmp.Compare(purchases[a].account, purchases[b].account), cmp.Compare(a, b))
	})
	table := table{head: []string{"ACCOUNT", "PURCHASE", "CREDITS", "PRICE", "CHARGED", "OUTCOME"}, right: []bool{false, false, true, true, true, false}}
	for _, id := range ids {
		p := purchases[id]
		table.rows = append(table.rows, []string{
			p.account, id, withCommas(p.quantity.String()), dollars(p.amount), dollars(charges[id].Amount), p.outcome(),
		})
	}
	table.print(out, style, columns)
}

// outcome says how a purchase ended.
func (p *purchase) outcome() string {
	switch {
	case p.settled > 0 && p.backup:
		return "paid by backup card"
	case p.settled > 0:
		return "paid"
	default:
		return "failed: " + reasonName(p.reason)
	}
}

func reasonName(reason string) string { return strings.ReplaceAll(reason, "_", " ") }
