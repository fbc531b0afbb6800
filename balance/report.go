package balance

import (
	"sort"

	"drawdown"
)

// Balances returns the balance of every account in memory, in order of id, each as it stood after its last advance.
func (p *Partition) Balances() []drawdown.Balance {
	balances := make([]drawdown.Balance, 0, len(p.accounts))
	for _, a := range p.accounts {
		if a != nil {
			balances = append(balances, a.balance())
		}
	}
	sort.Slice(balances, func(i, j int) bool { return balances[i].Account < balances[j].Account })
	return balances
}

// Balance returns the balance of an account in memory, and whether there is one.
func (p *Partition) Balance(account string) (drawdown.Balance, bool) {
	if a := p.accounts[account]; a != nil {
		return a.balance(), true
	}
	return drawdown.Balance{}, false
}

func (a *account) balance() drawdown.Balance {
	b := drawdown.Balance{
		Account: a.id, At: a.advanced, Plan: a.plan.ID, Status: a.status,
		Available: a.unheld(), Overdraft: a.overdraft, Held: a.holds.held,
		Granted: a.granted, Used: a.used, Expired: a.expired, Voided: a.voided, Waived: a.waived,
		PeriodFrom: a.period.from, PeriodTo: a.period.to,
		AutoPurchase: drawdown.AutoPurchaseBalance{
			Enabled: a.purchases.enabled, AutoPurchases: a.autoPurchases(), Amount: a.period.amount,
			PaymentFailed: a.purchases.failedBy != 0,
		},
		MissingEvents: drawdown.Count{Total: a.missing},
	}
	if open := a.purchases.open; open != nil {
		b.AutoPurchase.Open = a.purchaseID(open.n)
	}
	for i := range a.grants {
		g := &a.grants[i]
		b.Grants = append(b.Grants, drawdown.GrantBalance{
			Grant: g.id, Category: g.category, Amount: g.amount, Remaining: g.remaining, ExpiresAt: g.expiresAt,
		})
	}
	for i := range a.holds.list {
		b.Holds = append(b.Holds, a.holds.list[i].balance())
	}
	for _, name := range a.connectionNames() {
		if c := a.connections[name]; c.hadUsage {
			b.Connections = append(b.Connections, drawdown.ConnectionBalance{Connection: name, Used: c.used, Waived: c.waived})
		}
	}
	return b
}

func (h *hold) balance() drawdown.HoldBalance {
	return drawdown.HoldBalance{
		HeldFor: h.HeldFor, Amount: h.amount, Remaining: h.remaining, ExpiresAt: h.expiresAt, Waiting: h.waiting,
	}
}

// Known returns how many of the accounts in memory there really are.
func (p *Partition) Known() int {
	known := 0
	for _, a := range p.accounts {
		if a != nil {
			known++
		}
	}
	return known
}

// Plans returns the plans that were published, by id. The map is the partition's own.
func (p *Partition) Plans() map[string]*drawdown.Plan { return p.plans }
