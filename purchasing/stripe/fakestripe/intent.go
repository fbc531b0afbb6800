package fakestripe

import (
	"net/http"
	"slices"
)

// intent is a payment intent.
type intent struct {
	id, customer, card, currency string
	amount, created              int64
	status, description, receipt string
	cancelled                    string // the reason
	metadata                     map[string]string
	failure                      object
	charge                       *charge
	session                      string // the checkout session that it is of
}

func (s *Server) intentCall(c *call, id, verb string) reply {
	if id == "" {
		if c.method == http.MethodPost {
			return s.createIntent(c)
		}
		return s.listIntents(c)
	}
	i := s.intents[id]
	if i == nil {
		return missing("id", id)
	}
	switch verb {
	case "confirm":
		return s.confirm(c, i)
	case "cancel":
		return s.cancel(c, i)
	}
	return ok(s.intentView(c, i, ""))
}

func (s *Server) createIntent(c *call) reply {
	amount, customer, method := c.integer("amount"), c.form.Get("customer"), c.form.Get("payment_method")
	if bad := s.checkPayer(customer, method); bad != nil {
		return *bad
	}
	switch {
	case len(c.form.Get("currency")) != 3:
		return invalid("", "currency", "Invalid currency: "+c.form.Get("currency"))
	case amount < 50:
		return invalid("amount_too_small", "amount", "Amount must be at least $0.50 usd")
	case amount > 99999999:
		return invalid("amount_too_large", "amount", "Amount must be no more than $999,999.99")
	}
	i := s.newIntent(amount, c.form.Get("currency"), customer)
	i.card, i.description, i.receipt, i.metadata = method, c.form.Get("description"), c.form.Get("receipt_email"), c.nested("metadata")
	i.status = "requires_confirmation"
	if method == "" {
		i.status = "requires_payment_method"
	}
	s.tell("payment_intent.created", s.intentView(nil, i, ""))
	if c.form.Get("confirm") == "true" {
		return s.confirm(c, i)
	}
	return ok(s.intentView(c, i, ""))
}

func (s *Server) newIntent(amount int64, currency, customer string) *intent {
	i := &intent{id: s.name("pi"), amount: amount, currency: currency, customer: customer, created: s.now().Unix()}
	s.intents[i.id] = i
	s.intentOrder = append(s.intentOrder, i)
	s.byCustomer[customer] = append(s.byCustomer[customer], i)
	return i
}

// checkPayer refuses a customer or a method that does not exist, or does not belong together.
func (s *Server) checkPayer(customer, method string) *reply {
	var refused reply
	card, known := s.card(method)
	switch {
	case !s.knowsCustomer(customer):
		refused = missing("customer", customer)
	case method != "" && !known:
		refused = missing("payment_method", method)
	case card.Customer != "" && card.Customer != customer:
		refused = invalid("", "payment_method", "The provided PaymentMethod does not belong to the Customer.")
	default:
		return nil
	}
	return &refused
}

// confirm charges an intent's card, which is done once at most.
func (s *Server) confirm(c *call, i *intent) reply {
	if i.status != "requires_confirmation" && i.status != "requires_payment_method" {
		return s.unexpected(c, i, "confirm")
	}
	if method := c.form.Get("payment_method"); method != "" {
		i.card = method
	}
	if email := c.form.Get("receipt_email"); email != "" {
		i.receipt = email
	}
	card, known := s.card(i.card)
	switch {
	case !known:
		return missing("payment_method", i.card)
	case card.Code != "":
		return s.decline(c, i, card)
	case card.Action:
		i.status = "requires_action"
		s.tell("payment_intent.requires_action", s.intentView(nil, i, ""))
	case card.Process:
		i.status = "processing"
		s.tell("payment_intent.processing", s.intentView(nil, i, ""))
	default:
		s.succeed(i)
	}
	return ok(s.intentView(c, i, ""))
}

func (s *Server) succeed(i *intent) {
	i.status, i.failure = "succeeded", nil
	s.newCharge(i, true)
	s.tell("charge.succeeded", s.chargeView(i.charge))
	s.tell("payment_intent.succeeded", s.intentView(nil, i, ""))
}

func (s *Server) decline(c *call, i *intent, card Card) reply {
	s.fail(i, card.Code, card.Decline)
	e := object{
		"type": "card_error", "code": card.Code, "decline_code": card.Decline, "charge": i.charge.id,
		"message": "Your card was declined.", "payment_intent": s.intentView(nil, i, ""),
	}
	return refusal(e, http.StatusPaymentRequired)
}

func (s *Server) fail(i *intent, code, decline string) {
	i.status = "requires_payment_method"
	s.newCharge(i, false)
	i.charge.failure, i.charge.decline = code, decline
	i.failure = object{"type": "card_error", "code": code, "decline_code": decline, "message": "Your card was declined.", "charge": i.charge.id}
	s.tell("charge.failed", s.chargeView(i.charge))
	s.tell("payment_intent.payment_failed", s.intentView(nil, i, ""))
}

// Decide ends the processing of all payments of a purchase.
func (s *Server) Decide(purchase string, paid bool) {
	s.mu.Lock()
	for _, i := range s.intentOrder {
		if i.status != "processing" || i.metadata[s.options.PurchaseKey] != purchase {
			continue
		}
		if paid {
			s.succeed(i)
		} else {
			s.fail(i, "card_declined", "generic_decline")
		}
		if x := s.sessions[i.session]; x != nil {
			s.decided(x, paid)
		}
	}
	s.mu.Unlock()
	s.hooks.early()
}

func (s *Server) cancel(c *call, i *intent) reply {
	switch i.status {
	case "succeeded", "canceled", "processing":
		return s.unexpected(c, i, "cancel")
	}
	// Whatever changes an intent clears its last error.
	i.status, i.cancelled, i.failure = "canceled", c.form.Get("cancellation_reason"), nil
	s.tell("payment_intent.canceled", s.intentView(nil, i, ""))
	return ok(s.intentView(c, i, ""))
}

func (s *Server) unexpected(c *call, i *intent, verb string) reply {
	return refusal(object{
		"type": "invalid_request_error", "code": "payment_intent_unexpected_state", "payment_intent": s.intentView(c, i, ""),
		"message": "You cannot " + verb + " this PaymentIntent because it has a status of " + i.status + ".",
	}, http.StatusBadRequest)
}

// listIntents is newest first, as all lists of Stripe.
func (s *Server) listIntents(c *call) reply {
	all := s.intentOrder
	if customer := c.form.Get("customer"); customer != "" {
		all = s.byCustomer[customer]
	}
	from, to := c.integer("created[gte]"), c.integer("created[lte]")
	matching := func(i *intent) bool { return i.created >= from && (to == 0 || i.created <= to) }
	return page(c, all, func(i *intent) string { return i.id }, matching, func(i *intent) object { return s.intentView(c, i, "data.") })
}

// page is the part of a list, newest first, that a call asks for.
func page[T any](c *call, oldestFirst []T, id func(T) string, matches func(T) bool, view func(T) object) reply {
	limit := int(c.integer("limit"))
	if limit == 0 {
		limit = 10
	}
	after, begun := c.form.Get("starting_after"), c.form.Get("starting_after") == ""
	var data []object
	for _, o := range slices.Backward(oldestFirst) {
		if !begun {
			begun = id(o) == after
			continue
		}
		if !matches(o) {
			continue
		}
		if len(data) == limit {
			return list(c.path, data, true)
		}
		data = append(data, view(o))
	}
	return list(c.path, data, false)
}

// intentView is the intent as JSON. What the call expands is an object, with a prefix in lists.
func (s *Server) intentView(c *call, i *intent, prefix string) object {
	o := object{
		"id": i.id, "object": "payment_intent", "amount": i.amount, "currency": i.currency, "created": i.created,
		"customer": zero(i.customer), "payment_method": zero(i.card), "status": i.status, "description": zero(i.description),
		"receipt_email": zero(i.receipt), "metadata": i.metadata, "cancellation_reason": zero(i.cancelled),
		"amount_received": int64(0), "latest_charge": nil, "last_payment_error": nil,
	}
	if i.status == "succeeded" {
		o["amount_received"] = i.amount
	}
	if i.failure != nil {
		o["last_payment_error"] = i.failure
	}
	if i.charge != nil {
		o["latest_charge"] = i.charge.id
	}
	if c == nil {
		return o
	}
	if i.charge != nil && c.expands(prefix+"latest_charge") {
		o["latest_charge"] = s.chargeView(i.charge)
	}
	if owner := s.customers[i.customer]; owner != nil && c.expands(prefix+"customer") {
		o["customer"] = owner.view()
	}
	return o
}
