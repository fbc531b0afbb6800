package reference

const (
	ladderMax       = 12
	afterMinutesMax = 1439
	methodPrimary   = "primary"
	methodBackup    = "backup"
)

// step is one of a plan's payment ladder: when a refused charge is tried again, counted from the request, and how.
type step struct {
	after  Instant
	method string
}

// retry is what a purchase waits for after a refusal.
type retry struct {
	at     Instant
	method string
}

func decodeLadder(f fields) []step {
	list, isList := f.members["payment_ladder"].([]any)
	f.require(isList && 1 <= len(list) && len(list) <= ladderMax)
	var ladder []step
	for _, element := range list {
		e := f.element(element)
		s := step{
			after:  Instant(e.integer("after_minutes", 0, afterMinutesMax)) * minute,
			method: e.oneOf("method", methodPrimary, methodBackup),
		}
		if len(ladder) > 0 {
			f.require(ladder[len(ladder)-1].after <= s.after)
		}
		ladder = append(ladder, s)
	}
	return ladder
}

// method is a payment method as the record that saved it names it.
type method struct {
	name string
	// customer is who pays, as the gateway names them, or nil.
	customer *string
}

// saved is the method that a ladder's step names, primary or backup, or nil where it is not saved.
func (a *account) saved(which string) *method {
	if which == methodBackup {
		return a.backup
	}
	return a.primary
}

// nextStep is the index of the first step not yet taken whose method is saved; ok is false where there is none.
func (a *account) nextStep(p *purchase) (index int, ok bool) {
	for i, s := range a.plan.ladder {
		if i >= p.stepsTaken && a.saved(s.method) != nil {
			return i, true
		}
	}
	return 0, false
}

// refuse is the refusal of the attempt under way: the purchase waits for its next step, or fails.
func (e *Engine) refuse(a *account, p *purchase, reason string) {
	index, ok := a.nextStep(p)
	if !ok {
		e.closeFailed(a, p, Line{"reason": reason, "attempt": p.attempt}, *e.now)
		return
	}
	next := a.plan.ladder[index]
	p.stepsTaken = index + 1
	p.waiting = &retry{at: later(p.requestedAt+next.after, *e.now), method: next.method}
	e.line(a, *e.now, "purchase.declined", Line{
		"purchase": p.id, "attempt": p.attempt, "reason": reason,
		"retry_at": p.waiting.at.String(), "method": p.waiting.method,
	})
	e.retryDue(a, *e.now)
}

// retryDue makes the retry that the open purchase waits for, once its instant has come.
func (e *Engine) retryDue(a *account, at Instant) {
	if open := a.openPurchase(); open != nil && open.waiting != nil && open.waiting.at <= at {
		e.retry(a, open, open.waiting.method, at)
	}
}

// retry gives a purchase its next attempt. Who is charged is what is saved now, which may be nothing any more.
func (e *Engine) retry(a *account, p *purchase, which string, at Instant) {
	p.attempt++
	p.waiting = nil
	members := Line{
		"purchase": p.id, "attempt": p.attempt, "method": which, "customer": nil, "payment_method": nil,
		"quantity": formatCredits(p.quantity), "amount": formatMoney(p.amount), "currency": p.currency,
	}
	if m := a.saved(which); m != nil {
		members["payment_method"], members["customer"] = m.name, optionalText(m.customer)
	}
	e.line(a, at, "purchase.retried", members)
}
