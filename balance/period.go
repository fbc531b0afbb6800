package balance

import (
	"strconv"

	"drawdown"
)

// startPeriod starts the index-th period since the anchor at the instant.
func (p *Partition) startPeriod(a *account, anchor drawdown.Time, index int) {
	months := 1
	if a.plan.Subscription != nil && a.plan.Subscription.Yearly {
		months = 12
	}
	a.period = period{
		anchor: anchor, index: index, serial: a.period.serial + 1,
		from: anchor.AddMonths(index * months), to: anchor.AddMonths((index + 1) * months),
	}
	a.dueStale = true
	if a.plan.Subscription == nil {
		return
	}
	p.ledger(a, &drawdown.PeriodStarted{From: a.period.from, To: a.period.to})
	p.addGrant(a, grant{
		id: a.subscriptionGrantID(), category: drawdown.SubscriptionGrant,
		amount: a.plan.Subscription.Credits, expiresAt: a.period.to,
	})
}

// subscriptionGrantID returns the id of the subscription grant of the period that starts: `<account>:sub:<start>`, and
// with #2, #3, … where a grant of the account ever had that id. No granted credits can have such an id, but an
// earlier subscription grant of that instant can, and a purchase.
func (a *account) subscriptionGrantID() string {
	if a.subscribedAt != a.period.from {
		a.subscribedAt, a.subscribedNo = a.period.from, 0
	}
	base := a.id + ":sub:" + a.period.from.String()
	for {
		a.subscribedNo++
		id := base
		if a.subscribedNo > 1 {
			id += "#" + strconv.Itoa(a.subscribedNo)
		}
		if !a.purchases.book.wasSettled(id) {
			return id
		}
	}
}

// endPeriod starts the next period when one ends: of the plan that waited for it, if one did.
func (p *Partition) endPeriod(a *account) {
	if a.waitingPlan != "" {
		p.takeUpPlan(a, p.plans[a.waitingPlan])
		return
	}
	p.startPeriod(a, a.period.anchor, a.period.index+1)
}

// takeUpPlan moves the account to a plan at the instant, which is the new anchor.
func (p *Partition) takeUpPlan(a *account, plan *drawdown.Plan) {
	a.plan, a.waitingPlan = plan, ""
	p.startPeriod(a, p.at, 0)
	a.noteLow()
}

// changePlanNow voids what remains of subscription grants and moves the account to a plan.
func (p *Partition) changePlanNow(a *account, plan *drawdown.Plan) {
	p.voidGrants(a, func(g *grant) bool { return g.category == drawdown.SubscriptionGrant })
	p.takeUpPlan(a, plan)
}
