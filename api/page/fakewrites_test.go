package page_test

import (
	"context"
	"fmt"

	"drawdown"
	"drawdown/api/access"
	"drawdown/api/office"
	"drawdown/balance"
)

func (o *fakeOffice) Do(_ context.Context, p *access.Principal, account string, action office.Action, _ office.Write) (*office.Written, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.ask(p, account, "do"); err != nil {
		return nil, err
	}
	if _, enrols := action.(office.Enrol); enrols {
		if err := o.mayEnrol(); err != nil {
			return nil, err
		}
	}
	o.done = append(o.done, action)
	written := &office.Written{Operation: "op", State: office.Applied}
	if o.state != "" {
		written.State, written.Reason = o.state, o.reason
		return written, nil
	}
	o.apply(action)
	return written, nil
}

func (o *fakeOffice) mayEnrol() error {
	refused := &office.Error{Kind: office.Conflict, Reason: "no_payment_method", Detail: "Preconditions are not met."}
	e := o.overview.Enrolment
	for _, precondition := range []struct {
		met  bool
		name string
	}{{e.EmailVerified, "email_verified"}, {e.PaymentMethod, "payment_method"}, {e.EligibleConnection, "eligible_connector"}} {
		if !precondition.met {
			refused.Missing = append(refused.Missing, precondition.name)
		}
	}
	if refused.Missing == nil {
		return nil
	}
	return refused
}

// apply makes an action show.
func (o *fakeOffice) apply(action office.Action) {
	v := &o.overview
	switch a := action.(type) {
	case office.Enrol:
		v.EnrolledAt = at(0)
	case office.SetAutoPurchase:
		v.Balance.AutoPurchase.Enabled, v.MaxAmount = a.Enabled, a.MaxAmount
	case office.RemovePaymentMethod:
		if a.Backup {
			v.Profile.Backup = drawdown.PaymentMethod{}
		} else {
			v.Profile.Primary = drawdown.PaymentMethod{}
		}
	case office.SetContacts:
		if a.Email != nil {
			v.Profile.Email, v.Profile.EmailVerified = *a.Email, false
		}
		v.Profile.Recipients, v.Profile.OptOuts = *a.Recipients, *a.OptOuts
	case office.SetGate:
		v.Reserve, v.RunawayFactor, v.RunawayMin = a.Reserve, a.RunawayFactor, a.RunawayMin
	case office.Prioritize:
		priority, _ := drawdown.ParsePriority([]byte(a.Priority))
		o.each(a.Connection, func(c *balance.ConnectionOverview) { c.Priority = priority })
	case office.AcknowledgeRunaway:
		o.each(a.Connection, func(c *balance.ConnectionOverview) { c.Stopped = false })
	default:
		panic(fmt.Sprintf("the page does %T", action))
	}
	o.settle()
}

func (o *fakeOffice) each(name string, change func(*balance.ConnectionOverview)) {
	for i := range o.overview.Connections {
		if o.overview.Connections[i].Connection == name {
			change(&o.overview.Connections[i])
		}
	}
}

func (o *fakeOffice) Order(_ context.Context, p *access.Principal, account string, quantity int64, w office.Write) (*office.Order, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.ask(p, account, "order"); err != nil {
		return nil, err
	}
	if !o.overview.Plan.Purchase.Orders {
		return nil, &office.Error{Kind: office.Conflict, Reason: "orders_not_offered", Detail: "Your plan does not sell credits."}
	}
	o.keys = append(o.keys, w.Key)
	return &office.Order{Purchase: "order-new", URL: fmt.Sprintf("%s/pay?purchase=order-new&quantity=%d", o.checkout, quantity)}, nil
}

func (o *fakeOffice) SaveCard(_ context.Context, p *access.Principal, account string, backup bool, _ office.Write) (*office.Session, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.ask(p, account, "card"); err != nil {
		return nil, err
	}
	return &office.Session{URL: fmt.Sprintf("%s/card?backup=%t", o.checkout, backup)}, nil
}
