package balance

import "drawdown"

// ladder is where an open purchase stands on its plan's payment ladder (contract, section 9).
type ladder struct {
	attempt int64         // the last one made: 1, 2, …
	taken   int           // steps of the ladder that are taken, skipped ones included
	retryAt drawdown.Time // when the next attempt is made; NoTime while one is under way
	backup  bool          // the next attempt is with the backup; meaningful while waiting
}

func (l *ladder) waiting() bool { return l.retryAt != drawdown.NoTime }

// checkFailed returns why a refused charge can't be taken, "" where it can.
func (a *account) checkFailed(o *drawdown.FailPurchase) drawdown.Reason {
	open := a.purchases.open
	switch {
	case open == nil || a.purchaseID(open.n) != o.Purchase:
		return drawdown.UnknownPurchase
	case o.Attempt != 0 && (open.ladder.waiting() || o.Attempt != open.ladder.attempt):
		return drawdown.UnknownPurchase
	default:
		return ""
	}
}

// failPurchase takes a refused charge: where it names the attempt, the ladder may have another step.
func (p *Partition) failPurchase(a *account, o *drawdown.FailPurchase) {
	if o.Attempt == 0 || !p.declineAttempt(a, o.Reason) {
		p.failOpenPurchase(a, o.Reason, o.Attempt)
	}
}

// declineAttempt takes the next step of the plan's ladder, and reports whether there is one.
func (p *Partition) declineAttempt(a *account, reason string) bool {
	open := a.purchases.open
	l := &open.ladder
	step, found := a.nextStep(l)
	if !found {
		return false
	}
	due := open.requestedAt + drawdown.Time(step.AfterMinutes)*drawdown.Minute
	l.retryAt, l.backup = max(due, p.at), step.Backup
	a.dueStale = true
	p.ledger(a, &drawdown.PurchaseDeclined{
		Purchase: a.purchaseID(open.n), Attempt: l.attempt, Reason: reason, RetryAt: l.retryAt, Backup: l.backup,
	})
	if l.retryAt == p.at {
		p.retryPurchase(a, l.backup)
	}
	return true
}

// nextStep takes the first step that is not taken and whose method is saved; those before it count as taken.
func (a *account) nextStep(l *ladder) (drawdown.LadderStep, bool) {
	steps := a.plan.PaymentLadder
	for l.taken < len(steps) {
		step := steps[l.taken]
		l.taken++
		if step.Backup && a.contacts.backup.Method != "" || !step.Backup && a.paymentMethod != "" {
			return step, true
		}
	}
	return drawdown.LadderStep{}, false
}

// retryPurchase makes the next attempt at the open purchase.
func (p *Partition) retryPurchase(a *account, backup bool) {
	open := a.purchases.open
	l := &open.ladder
	l.attempt++
	l.retryAt, l.backup = drawdown.NoTime, false
	a.dueStale = true
	p.ledger(a, &drawdown.PurchaseRetried{
		Purchase: a.purchaseID(open.n), Attempt: l.attempt, Backup: backup,
		Quantity: open.quantity, Amount: open.amount, Currency: open.currency, Payer: a.payer(backup),
	})
}

func (l *ladder) pack(w *packer) {
	w.uint(uint64(l.attempt))
	w.uint(uint64(l.taken))
	w.time(l.retryAt)
	w.bool(l.backup)
}

func (l *ladder) unpack(r *unpacker) {
	*l = ladder{attempt: int64(r.uint()), taken: int(r.uint()), retryAt: r.time(), backup: r.bool()}
}
