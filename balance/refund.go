package balance

import "drawdown"

// refund is what a refund takes back of a purchase.
type refund struct {
	left drawdown.Credits // of what remains of its grant
	used drawdown.Credits // of what has been used of it
}

// refundOf returns what a refund of quantity takes back: first what is left, then what was used; never what is gone.
func (a *account) refundOf(id string, quantity drawdown.Credits) (refund, bool) {
	line, settled := a.purchases.book.line(id)
	if !settled {
		return refund{}, false
	}
	left := drawdown.Credits(0)
	if g := a.boughtGrant(id); g != nil {
		left = g.remaining
	}
	used := line.bought - line.gone - left
	taken := refund{left: min(quantity, left)}
	taken.used = min(quantity-taken.left, used)
	return taken, true
}

// boughtGrant returns the grant that the settlement of a purchase made, nil where nothing of it is left.
func (a *account) boughtGrant(id string) *grant {
	for i := range a.grants {
		if g := &a.grants[i]; g.bought && g.id == id {
			return g
		}
	}
	return nil
}

// checkRefund returns why a refund can't be taken, "" where it can.
func (a *account) checkRefund(o *drawdown.RefundPurchase) drawdown.Reason {
	taken, settled := a.refundOf(o.Purchase, o.Quantity)
	switch {
	case !settled:
		return drawdown.UnknownPurchase
	case taken.used > 0 && a.overdraft+taken.used > drawdown.MaxHeld:
		return drawdown.OutOfRange
	default:
		return ""
	}
}

// refundPurchase takes credits back because money went back. What had been used becomes overdraft, whatever other
// grants the account has: the next grant repays it.
func (p *Partition) refundPurchase(a *account, o *drawdown.RefundPurchase) {
	taken, _ := a.refundOf(o.Purchase, o.Quantity)
	before := a.available()
	a.shrinkBought(o.Purchase, taken.left)
	a.overdraft += taken.used
	amount := taken.left + taken.used
	a.voided = a.voided.Plus(drawdown.TotalOf(amount))
	if amount > 0 {
		a.bookGone(o.Purchase, amount)
	}
	p.ledger(a, &drawdown.GrantRefunded{Grant: o.Purchase, Amount: amount, Overdraft: taken.used})
	a.noteFall(before, p.at)
	a.noteLow()
	a.dueStale = true
}

// shrinkBought takes credits from the grant that a purchase made; with nothing left it ends.
func (a *account) shrinkBought(id string, by drawdown.Credits) {
	for i := range a.grants {
		g := &a.grants[i]
		if !g.bought || g.id != id {
			continue
		}
		g.remaining -= by
		a.remaining -= by
		if g.remaining == 0 {
			a.grants = append(a.grants[:i], a.grants[i+1:]...)
		}
		return
	}
}
