package page

import (
	"drawdown"
	"drawdown/api/office"
	"drawdown/balance"
)

// facts are an account as the page shows it.
type facts struct {
	*office.Overview
	plan *drawdown.Plan
	now  drawdown.Time
}

// facts asks for the account.
func (v *visit) facts() (*facts, error) {
	overview, err := v.Office.Overview(v.ctx(), v.principal, v.account)
	if err != nil {
		return nil, err
	}
	return &facts{Overview: overview, plan: overview.Plan, now: drawdown.TimeOf(overview.Now)}, nil
}

// balance is what statuses and auto-purchases go by: also what is held (contract, section 10).
func (f *facts) balance() drawdown.Credits { return f.Balance.Available + f.Balance.Held }

// paymentFailed reports whether nothing is bought until a card is saved.
func (f *facts) paymentFailed() bool { return f.Balance.AutoPurchase.PaymentFailed }

// capped reports whether an auto-purchase is due and a limit forbids it. The engine requests whatever it may as soon as it
// is due, so if nothing else stands in the way, a limit does.
func (f *facts) capped() bool {
	rule, auto := f.plan.AutoPurchase, &f.Balance.AutoPurchase
	if rule == nil || !auto.Enabled || auto.PaymentFailed || auto.Open != "" || f.Profile.Primary.Method == "" {
		return false
	}
	if rule.IsPack() {
		return f.balance() <= rule.Threshold
	}
	return f.balance() < rule.Threshold
}

// isLow reports whether little is left. Who has nothing left is told that instead.
func (f *facts) isLow() bool {
	return f.plan.LowBalance != nil && f.balance() <= *f.plan.LowBalance && f.balance() > 0
}

// stopped are the connections that the breaker stopped.
func (f *facts) stopped() []string {
	var names []string
	for i := range f.Connections {
		if f.Connections[i].Stopped {
			names = append(names, f.Connections[i].Connection)
		}
	}
	return names
}

// connection finds a connection by name, nil where the account never had it.
func (f *facts) connection(name string) *balance.ConnectionOverview {
	for i := range f.Connections {
		if f.Connections[i].Connection == name {
			return &f.Connections[i]
		}
	}
	return nil
}
