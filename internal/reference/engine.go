package reference

import "fmt"

// Limits on a record's own time (contract, section 3).
const (
	futureMax         = hour
	lateMax           = 34 * day
	lateUnsequenced   = 72 * hour
	typeTick          = "tick"
	typeOpened        = "account.opened"
	typeSettled       = "purchase.settled"
	reasonMalformed   = "malformed"
	reasonUnknownType = "unknown_type"
)

// Line is one line of output, by member.
type Line = map[string]any

// Engine replays one partition's records. The zero value is not ready; use New.
type Engine struct {
	catalogue *catalogue
	accounts  map[string]*account
	offset    int64
	// now is the partition's clock; nil while no record has set it.
	now *Instant
	// lines are those of the record being applied.
	lines []Line
}

// New is an engine before the first record.
func New() *Engine {
	return &Engine{catalogue: newCatalogue(), accounts: map[string]*account{}}
}

// Apply applies the next line of the log and returns its lines of output. An error says that the oracle itself is
// wrong: an account no longer adds up.
func (e *Engine) Apply(line []byte) ([]Line, error) {
	e.lines = nil
	r := decode(line)
	if r.logTime != nil && (e.now == nil || *r.logTime > *e.now) {
		e.now = r.logTime
	}
	e.handle(r)
	e.offset++
	if r.subject != nil {
		if a := e.accounts[*r.subject]; a != nil {
			if err := a.check(); err != nil {
				return nil, fmt.Errorf("offset %d: %w", e.offset-1, err)
			}
		}
	}
	return e.lines, nil
}

// handle is section 2's order: envelope and data · broadcasts apart · time · account · advance · duplicate · checks
// and effect · settle.
func (e *Engine) handle(r record) {
	switch {
	case r.malformed:
		e.reject(r, reasonMalformed)
	case r.unknownType:
		e.reject(r, reasonUnknownType)
	case r.broadcast:
		e.handleBroadcast(r)
	default:
		if reason := e.checkTime(r); reason != "" {
			e.reject(r, reason)
			return
		}
		if r.typ == typeOpened {
			e.handleOpening(r)
			return
		}
		e.handleAccountRecord(r)
	}
}

func (e *Engine) handleBroadcast(r record) {
	key := recordKey{r.source, r.id}
	if e.catalogue.seen[key] {
		e.duplicate(r)
		return
	}
	if reason := e.catalogue.apply(r, *e.now); reason != "" {
		e.reject(r, reason)
		return
	}
	e.catalogue.seen[key] = true
}

// checkTime is check 5: future and late, for all but purchase.settled.
func (e *Engine) checkTime(r record) (reason string) {
	if r.typ == typeSettled {
		return ""
	}
	if r.time > *e.now+futureMax {
		return "future"
	}
	if r.time < *e.now-lateMax {
		return "late"
	}
	if usage, ok := r.data.(usageData); ok && usage.seq == nil && r.time < *e.now-lateUnsequenced {
		return "late"
	}
	return ""
}

// handleOpening advances nothing: where the account is there it ends at "account known?".
func (e *Engine) handleOpening(r record) {
	if a := e.accounts[*r.subject]; a != nil {
		if a.isDuplicate(r, *e.now) {
			e.duplicate(r)
			return
		}
		e.reject(r, "account_exists")
		return
	}
	data := r.data.(openedData)
	opened := e.catalogue.plans[data.plan]
	if opened == nil {
		e.reject(r, "unknown_plan")
		return
	}
	a := newAccount(*r.subject, opened, *e.now)
	a.emailVerified = data.emailVerified
	e.accounts[a.id] = a
	a.lookAtLowBalance()
	e.startPeriod(a, *e.now)
	a.remember(r, *e.now)
	e.settle(a, *e.now)
}

func (e *Engine) handleAccountRecord(r record) {
	a := e.accounts[*r.subject]
	if a == nil {
		e.reject(r, "unknown_account")
		return
	}
	e.advance(a)
	if a.isDuplicate(r, *e.now) {
		e.duplicate(r)
		return
	}
	if reason := e.applyToAccount(a, r); reason != "" {
		e.reject(r, reason)
		return
	}
	a.remember(r, *e.now)
	e.settle(a, *e.now)
}

// applyToAccount makes the type's own checks and, where they hold, its effect.
func (e *Engine) applyToAccount(a *account, r record) (reason string) {
	switch data := r.data.(type) {
	case usageData:
		return e.applyUsage(a, r, data)
	case planChangedData:
		return e.changePlan(a, data)
	case methodSavedData:
		return e.saveMethod(a, data)
	case methodRemovedData:
		return a.removeMethod(data)
	case autoPurchaseData:
		return e.setAutoPurchase(a, data)
	case connectionSetData:
		a.setConnection(data.connection, data.source, data.destination, *e.now)
		return ""
	case connectionRemovedData:
		return a.removeConnection(data.connection)
	case grantedData:
		return e.grantCredits(a, r.id, data)
	case voidedData:
		return e.voidGrant(a, data)
	case settledData:
		return e.settlePurchase(a, data)
	case failedData:
		return e.failPurchase(a, data)
	case refundedData:
		return e.refund(a, data)
	case contactsData:
		return a.setContacts(data)
	case webhookData:
		return a.setWebhook(data)
	case webhookRemovedData:
		return a.removeWebhook(data)
	case webhookDisabledData:
		return e.disableWebhook(a, data)
	case holdPlacedData:
		return e.placeHold(a, data)
	case holdReleasedData:
		return e.releaseHold(a, data)
	case prioritizedData:
		return a.prioritize(data)
	case gateData:
		return a.setGate(data)
	case acknowledgedData:
		return a.acknowledge(data)
	case noData:
		return e.applyWithoutData(a, r.typ)
	}
	panic("reference: a record of an unknown type: " + r.typ)
}

func (e *Engine) applyWithoutData(a *account, typ string) (reason string) {
	switch typ {
	case "email.verified":
		a.emailVerified = true
	case "program.enrolled":
		return e.enrol(a)
	case typeTick:
	default:
		panic("reference: a type with members and without data: " + typ)
	}
	return ""
}
