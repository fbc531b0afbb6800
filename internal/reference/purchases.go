package reference

import (
	"fmt"
	"math/big"
	"slices"
)

type purchaseState int

const (
	purchaseOpen purchaseState = iota
	purchaseFailed
	purchaseSettled
)

// purchase is one that the engine requested.
type purchase struct {
	id string
	// quantity in nano-credits and amount in hundredths, as they were requested.
	quantity, amount *big.Int
	currency         string
	requestedAt      Instant
	// period is the number of the period in which it was requested.
	period int
	state  purchaseState
	// hasFailed stays true when a late settlement follows.
	hasFailed bool

	// attempt is the number of the latest attempt: it is under way while the purchase is open and waits for no retry.
	attempt int64
	// waiting is the retry that an open purchase waits for, or nil.
	waiting *retry
	// stepsTaken counts the steps of the payment ladder that were taken or passed over, the one waited for included.
	stepsTaken int
}

// requested is the purchase of an id that the engine requested, or nil.
func (a *account) requested(id string) *purchase {
	for _, p := range a.purchases {
		if p.id == id {
			return p
		}
	}
	return nil
}

// openPurchase is the one requested and neither settled nor failed, or nil; there is one at most.
func (a *account) openPurchase() *purchase {
	for _, p := range a.purchases {
		if p.state == purchaseOpen {
			return p
		}
	}
	return nil
}

// request opens a purchase with the next id.
func (e *Engine) request(a *account, quantity, amount *big.Int, at Instant) {
	p := &purchase{
		id:       fmt.Sprintf("%s:%d", a.id, len(a.purchases)+1),
		quantity: quantity, amount: amount, currency: a.plan.currency, requestedAt: at, period: a.period.number,
		attempt: 1,
	}
	a.purchases = append(a.purchases, p)
	a.period.amount = plus(a.period.amount, amount)
	members := Line{
		"purchase": p.id, "quantity": formatCredits(quantity), "amount": formatMoney(amount), "currency": p.currency,
	}
	if a.primary.customer != nil { // contract, section 9, who pays
		members["customer"], members["payment_method"] = *a.primary.customer, a.primary.name
	}
	e.line(a, at, "purchase.requested", members)
}

// settlePurchase grants what was paid for: manual or auto, wanted or late.
func (e *Engine) settlePurchase(a *account, data settledData) (reason string) {
	request := a.requested(data.purchase)
	if request == nil && (data.kind == "auto" || a.hasRequestForm(data.purchase)) {
		return "unknown_purchase"
	}
	if !a.mayGrant(data.quantity) {
		return "out_of_range"
	}
	if data.kind == "auto" {
		a.period.autoPurchases++
	}
	if request != nil {
		a.closeSettled(request)
	}
	var tax any
	if data.tax != nil {
		tax = formatMoney(data.tax)
	}
	e.line(a, *e.now, "purchase.settled", Line{
		"purchase": data.purchase, "kind": data.kind, "quantity": formatCredits(data.quantity),
		"amount": formatMoney(data.amount), "currency": data.currency, "tax": tax, "receipt": optionalText(data.receipt),
	})
	g := &grant{id: data.purchase, category: purchased, amount: data.quantity, expiresAt: a.purchaseExpiry(*e.now)}
	e.addGrant(a, *e.now, g)
	a.settled = append(a.settled, &paidFor{purchase: data.purchase, grant: g})
	return ""
}

// closeSettled closes a requested purchase. One that had failed ends the failure that it set, and its requested
// amount counts in the current period.
func (a *account) closeSettled(p *purchase) {
	if p.state == purchaseFailed {
		a.period.amount = plus(a.period.amount, p.amount)
		if a.failedBy == p {
			a.failedBy = nil
		}
	}
	p.state, p.waiting = purchaseSettled, nil
}

// purchaseExpiry is when a purchase settled at an instant expires, by the plan's validity.
func (a *account) purchaseExpiry(at Instant) *Instant {
	end := a.period.to
	if a.plan.validityMonths > 0 {
		end = at.plusMonths(a.plan.validityMonths)
	}
	return &end
}

func (e *Engine) failPurchase(a *account, data failedData) (reason string) {
	open := a.openPurchase()
	if open == nil || open.id != data.purchase {
		return "unknown_purchase"
	}
	if data.attempt == nil {
		e.closeFailed(a, open, Line{"reason": data.reason}, *e.now)
		return ""
	}
	if open.waiting != nil || open.attempt != *data.attempt {
		return "unknown_purchase"
	}
	e.refuse(a, open, data.reason)
	return ""
}

// closeFailed closes the open purchase and sets the payment failure. why are the members of the line that say so.
func (e *Engine) closeFailed(a *account, p *purchase, why Line, at Instant) {
	p.state, p.hasFailed, p.waiting = purchaseFailed, true, nil
	a.failedBy = p
	if p.period == a.period.number {
		a.period.amount = minus(a.period.amount, p.amount)
	}
	why["purchase"] = p.id
	e.line(a, at, "purchase.failed", why)
}

// autoPurchases counts the auto-purchases settled in the period and the open one.
func (a *account) autoPurchases() int64 {
	count := a.period.autoPurchases
	if slices.ContainsFunc(a.purchases, func(p *purchase) bool { return p.state == purchaseOpen }) {
		count++
	}
	return count
}
