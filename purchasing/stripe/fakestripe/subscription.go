package fakestripe

import (
	"fmt"
	"time"
)

// Subscription is what a subscription is, as far as it may be changed.
type Subscription struct {
	Status            string
	Price             string
	NextPrice         string // by a schedule, from the period's end on; "" for none
	CancelAtPeriodEnd bool
	PeriodStart       time.Time
	PeriodEnd         time.Time
}

// subscription is a subscription with who has it.
type subscription struct {
	Subscription
	id, customer string
	metadata     map[string]string
	schedule     *schedule
}

// schedule changes a subscription later.
type schedule struct{ id string }

func (s *Server) newSubscription(customer, price string, metadata map[string]string) *subscription {
	now := s.now().Truncate(time.Second)
	x := &subscription{id: s.name("sub"), customer: customer, metadata: metadata}
	x.Subscription = Subscription{Status: "active", Price: price, PeriodStart: now, PeriodEnd: now.AddDate(0, 1, 0)}
	s.subscriptions[x.id] = x
	s.tell("customer.subscription.created", x.view(nil))
	s.tell("invoice.paid", x.invoice())
	return x
}

// Subscribe makes a subscription without a session, and returns its id.
func (s *Server) Subscribe(customer, price string, metadata map[string]string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.newSubscription(customer, price, metadata).id
}

// ChangeSubscription changes a subscription and tells of it.
func (s *Server) ChangeSubscription(id string, change func(*Subscription)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.subscriptions[id]
	if x == nil {
		return fmt.Errorf("no subscription %s", id)
	}
	change(&x.Subscription)
	if x.NextPrice != "" && x.schedule == nil {
		x.schedule = &schedule{id: s.name("sub_sched")}
	}
	kind := "customer.subscription.updated"
	if x.Status == "canceled" {
		kind = "customer.subscription.deleted"
	}
	s.tell(kind, x.view(nil))
	return nil
}

// Bill tells that an invoice of a subscription was paid, or could not be.
func (s *Server) Bill(id string, paid bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.subscriptions[id]
	if x == nil {
		return fmt.Errorf("no subscription %s", id)
	}
	kind := "invoice.payment_failed"
	if paid {
		kind = "invoice.paid"
	}
	s.tell(kind, x.invoice())
	return nil
}

func (s *Server) subscriptionCall(c *call, id string) reply {
	if s.subscriptions[id] == nil {
		return missing("id", id)
	}
	return ok(s.subscriptions[id].view(c))
}

func (x *subscription) invoice() object {
	return object{
		"id": "in_" + x.id, "object": "invoice", "customer": zero(x.customer),
		"parent": object{"type": "subscription_details", "subscription_details": object{"subscription": x.id, "metadata": x.metadata}},
	}
}

func (x *subscription) view(c *call) object {
	o := object{
		"id": x.id, "object": "subscription", "customer": zero(x.customer), "status": x.Status, "metadata": x.metadata,
		"cancel_at_period_end": x.CancelAtPeriodEnd, "cancel_at": nil, "schedule": nil,
		"items": object{"object": "list", "has_more": false, "data": []object{{
			"id": "si_" + x.id, "object": "subscription_item", "price": object{"id": x.Price, "object": "price"},
			"current_period_start": x.PeriodStart.Unix(), "current_period_end": x.PeriodEnd.Unix(),
		}}},
	}
	if x.CancelAtPeriodEnd {
		o["cancel_at"] = x.PeriodEnd.Unix()
	}
	if x.schedule == nil {
		return o
	}
	o["schedule"] = x.schedule.id
	if c != nil && c.expands("schedule") {
		o["schedule"] = x.plan()
	}
	return o
}

// plan is the schedule as JSON: a phase for the present period, and one for what follows.
func (x *subscription) plan() object {
	phase := func(price string, from, to time.Time) object {
		return object{"start_date": from.Unix(), "end_date": to.Unix(), "items": []object{{"price": price, "quantity": 1}}}
	}
	phases := []object{phase(x.Price, x.PeriodStart, x.PeriodEnd)}
	if x.NextPrice != "" {
		phases = append(phases, phase(x.NextPrice, x.PeriodEnd, x.PeriodEnd.AddDate(0, 1, 0)))
	}
	return object{"id": x.schedule.id, "object": "subscription_schedule", "status": "active", "end_behavior": "release", "phases": phases}
}
