package reference

import "math/big"

// paidFor is a purchase that settled, whose id is then remembered for ever.
type paidFor struct {
	purchase string
	// grant is the one that the settlement made; it stays here when nothing is left of it.
	grant *grant
}

// settledPurchase is the settled purchase of an id, or nil; an id settles once at most.
func (a *account) settledPurchase(id string) *paidFor {
	for _, p := range a.settled {
		if p.purchase == id {
			return p
		}
	}
	return nil
}

// used is what was bought, less what is gone and what is left; it includes what repaid overdraft.
func (p *paidFor) used() *big.Int {
	return minus(minus(p.grant.amount, p.grant.gone), p.grant.remaining)
}

type refundedData struct {
	purchase, reason string
	quantity         *big.Int
}

func decodeRefunded(f fields) any {
	d := refundedData{
		purchase: f.text("purchase", purchaseMax),
		quantity: f.credits("quantity"),
		reason:   f.text("reason", nameMax),
	}
	f.require(d.quantity.Sign() > 0)
	return d
}

// refund takes back a purchase, up to a quantity: what is left of its grant, then what was used of it, which becomes
// overdraft (contract, section 9).
func (e *Engine) refund(a *account, data refundedData) (reason string) {
	p := a.settledPurchase(data.purchase)
	if p == nil {
		return "unknown_purchase"
	}
	fromLeft := smaller(data.quantity, p.grant.remaining)
	fromUsed := smaller(minus(data.quantity, fromLeft), p.used())
	if fromUsed.Sign() > 0 && plus(a.overdraft, fromUsed).Cmp(wholeCredits(rangeMax)) > 0 {
		return "out_of_range"
	}
	taken := plus(fromLeft, fromUsed)
	before := a.available()
	p.grant.remaining = minus(p.grant.remaining, fromLeft)
	p.grant.gone = plus(p.grant.gone, taken)
	a.overdraft = plus(a.overdraft, fromUsed)
	a.voided = plus(a.voided, taken)
	a.dropEmpty()
	a.moved(before, *e.now)
	e.line(a, *e.now, "grant.refunded", Line{
		"grant": data.purchase, "amount": formatCredits(taken), "overdraft": formatCredits(fromUsed),
	})
	return ""
}
