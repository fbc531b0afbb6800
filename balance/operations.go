package balance

import (
	"fmt"
	"strings"

	"drawdown"
)

// operation applies an operation on an account, which has advanced.
func (p *Partition) operation(rec *drawdown.Record, a *account) {
	id := identify(rec.Source, rec.ID)
	if a.operationIDs.seen(id, p.clock) || a.settledBefore(rec) {
		p.duplicate(rec, a.id)
		return
	}
	if reason := p.checkOperation(rec, a); reason != "" {
		p.reject(rec, reason)
		return
	}
	a.operationIDs.remember(id, p.clock)
	p.applyOperation(rec, a)
	p.settle(a)
}

// settledBefore reports whether the record settles a purchase that was ever settled.
func (a *account) settledBefore(rec *drawdown.Record) bool {
	o, settles := rec.Operation.(*drawdown.SettlePurchase)
	return settles && a.purchases.book.wasSettled(o.Purchase)
}

// checkOperation makes the type's own checks, in the contract's order.
func (p *Partition) checkOperation(rec *drawdown.Record, a *account) drawdown.Reason {
	switch o := rec.Operation.(type) {
	case *drawdown.ChangePlan:
		return p.checkPlanChange(a, o)
	case *drawdown.SavePaymentMethod:
		if o.Kind != "card" {
			return drawdown.CardRequired
		}
	case *drawdown.RemoveConnection:
		return a.checkKnown(o.Connection)
	case *drawdown.GrantCredits:
		return p.checkGrant(rec, a, o)
	case *drawdown.VoidCredits:
		if !a.hasGrantID(o.Grant) {
			return drawdown.UnknownGrant
		}
	case *drawdown.SettlePurchase:
		return a.checkSettled(o)
	case *drawdown.FailPurchase:
		return a.checkFailed(o)
	case *drawdown.RefundPurchase:
		return a.checkRefund(o)
	case *drawdown.SetWebhook:
		if a.contacts.webhook(o.Endpoint) == nil && len(a.contacts.webhooks) >= drawdown.MaxEndpoints {
			return drawdown.TooManyEndpoints
		}
	case *drawdown.RemoveWebhook:
		return a.checkEndpoint(o.Endpoint)
	case *drawdown.DisableWebhook:
		return a.checkEndpoint(o.Endpoint)
	case *drawdown.PlaceHold:
		return a.checkHold(o, p.clock)
	case *drawdown.ReleaseHold:
		if a.holdOf(o.Hold) == nil {
			return drawdown.UnknownHold
		}
	case *drawdown.PrioritizeConnection:
		return a.checkKnown(o.Connection)
	case *drawdown.AcknowledgeRunaway:
		return a.checkKnown(o.Connection)
	case nil:
		if rec.Type == drawdown.ProgramEnrolled {
			return p.checkEnrolment(a)
		}
	}
	return ""
}

func (a *account) checkKnown(connection string) drawdown.Reason {
	if c := a.connections[connection]; c == nil || !c.known {
		return drawdown.UnknownConnection
	}
	return ""
}

func (a *account) checkEndpoint(endpoint string) drawdown.Reason {
	if a.contacts.webhook(endpoint) == nil {
		return drawdown.UnknownEndpoint
	}
	return ""
}

func (p *Partition) checkPlanChange(a *account, o *drawdown.ChangePlan) drawdown.Reason {
	switch {
	case p.plans[o.Plan] == nil:
		return drawdown.UnknownPlan
	case o.Plan == a.plan.ID && a.waitingPlan == "":
		return drawdown.SamePlan
	default:
		return ""
	}
}

func (p *Partition) checkEnrolment(a *account) drawdown.Reason {
	switch {
	case a.isEnrolled(): // again: accepted without checks, no effect
		return ""
	case !a.emailVerified:
		return drawdown.EmailNotVerified
	case a.paymentMethod == "":
		return drawdown.NoPaymentMethod
	case !p.hasEligibleConnection(a, p.clock):
		return drawdown.NoEligibleConnector
	default:
		return ""
	}
}

func (p *Partition) checkGrant(rec *drawdown.Record, a *account, o *drawdown.GrantCredits) drawdown.Reason {
	id := string(rec.ID)
	_, ownForm := a.purchaseNumber(id)
	switch {
	case o.Amount <= 0 || o.ExpiresAt <= p.clock:
		return drawdown.BadAmount
	case a.hasGrantID(id) || ownForm || strings.HasPrefix(id, a.id+":sub:"):
		return drawdown.GrantExists
	case !a.fits(o.Amount):
		return drawdown.OutOfRange
	default:
		return ""
	}
}

// applyOperation is the operation's effect.
func (p *Partition) applyOperation(rec *drawdown.Record, a *account) {
	switch o := rec.Operation.(type) {
	case *drawdown.ChangePlan:
		p.changePlan(a, o)
	case *drawdown.SavePaymentMethod:
		p.savePaymentMethod(a, o)
	case *drawdown.RemovePaymentMethod:
		a.removePaymentMethod(o.Backup)
	case *drawdown.SetAutoPurchase:
		a.purchases.enabled, a.purchases.maxAmount = o.Enabled, o.MaxAmount
		a.period.cappedTold = false
	case *drawdown.SetConnection:
		c := p.ensureConnection(a, []byte(o.Connection))
		p.link(a, c, []byte(o.SourceConnector), []byte(o.DestinationConnector))
	case *drawdown.RemoveConnection:
		p.ensureConnection(a, []byte(o.Connection)).known = false
		a.dueStale = true
	case *drawdown.GrantCredits:
		p.addGrant(a, grant{
			id: string(rec.ID), category: o.Category, amount: o.Amount, expiresAt: o.ExpiresAt,
		})
	case *drawdown.VoidCredits:
		p.voidFirst(a, o.Grant)
	case *drawdown.SettlePurchase:
		p.settlePurchase(a, o)
	case *drawdown.FailPurchase:
		p.failPurchase(a, o)
	case *drawdown.RefundPurchase:
		p.refundPurchase(a, o)
	case *drawdown.SetContacts:
		a.setContacts(o)
	case *drawdown.SetWebhook:
		a.setWebhook(o, p.clock)
	case *drawdown.RemoveWebhook:
		a.removeWebhook(o.Endpoint)
	case *drawdown.DisableWebhook:
		p.disableWebhook(a, o)
	case nil:
		p.applyPlain(rec.Type, a)
	default:
		p.applyGateOperation(rec, a)
	}
}

// applyGateOperation is the effect of the operations on holds and the gate.
func (p *Partition) applyGateOperation(rec *drawdown.Record, a *account) {
	switch o := rec.Operation.(type) {
	case *drawdown.PlaceHold:
		p.placeHold(a, o)
	case *drawdown.ReleaseHold:
		p.releaseHold(a, o.Hold)
	case *drawdown.PrioritizeConnection:
		p.ensureConnection(a, []byte(o.Connection)).priority = o.Priority
	case *drawdown.SetGate:
		p.setGate(a, o)
	case *drawdown.AcknowledgeRunaway:
		p.ensureConnection(a, []byte(o.Connection)).stopped = false
	default:
		panic(fmt.Sprintf("balance: %T is no operation on an account", o))
	}
}

// applyPlain is the effect of the operations without data.
func (p *Partition) applyPlain(t drawdown.Type, a *account) {
	switch t {
	case drawdown.EmailVerified:
		a.emailVerified = true
	case drawdown.PaymentMethodRemoved:
		a.removePaymentMethod(false)
	case drawdown.ProgramEnrolled:
		p.enrol(a)
	default:
		panic("balance: " + t.String() + " has members")
	}
}

func (p *Partition) enrol(a *account) {
	if a.isEnrolled() {
		return
	}
	a.enrolled = p.clock
	a.dueStale = true
	for _, name := range a.connectionNames() {
		if c := a.connections[name]; c.known {
			a.index(c)
		}
	}
}

func (p *Partition) changePlan(a *account, o *drawdown.ChangePlan) {
	switch {
	case o.Plan == a.plan.ID:
		a.waitingPlan = "" // naming the own plan drops a waiting change and does nothing else
	case o.AtPeriodEnd:
		a.waitingPlan = o.Plan
	default:
		p.changePlanNow(a, p.plans[o.Plan])
	}
}

// voidFirst takes back what remains of the first grant of that id in burn order.
func (p *Partition) voidFirst(a *account, id string) {
	found := false
	p.voidGrants(a, func(g *grant) bool {
		first := !found && g.id == id
		found = found || first
		return first
	})
}
