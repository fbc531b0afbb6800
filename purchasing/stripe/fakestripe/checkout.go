package fakestripe

import (
	"fmt"
	"math/big"
	"net/http"
	"strconv"
)

// session is a checkout session.
type session struct {
	id, mode, customer, status, payment string // payment is the payment_status
	metadata, inner                     map[string]string
	currency, unitAmount, price         string
	quantity, min, max                  int64
	subtotal, tax                       int64
	taxed                               bool
	intent                              *intent
	setup                               *setup
	subscription                        *subscription
	email                               string
}

// setup is the saving of a card.
type setup struct {
	id, customer, card string
	metadata           map[string]string
}

// Completion is what a customer does at a session.
type Completion struct {
	Card     string // the method that is used, and saved in mode setup
	Quantity int64  // of the line item; 0 leaves it as it was
	Tax      int64  // what comes on top, in the currency's smallest unit
}

func (s *Server) sessionCall(c *call, id, verb string) reply {
	switch {
	case id == "" && c.method == http.MethodPost:
		return s.createSession(c)
	case id == "":
		wanted := c.form.Get("payment_intent")
		matching := func(x *session) bool { return wanted == "" || x.intent != nil && x.intent.id == wanted }
		return page(c, s.sessionOrder, func(x *session) string { return x.id }, matching, func(x *session) object { return s.sessionView(c, x, "data.") })
	case s.sessions[id] == nil:
		return missing("id", id)
	case verb == "line_items":
		return list(c.path, []object{s.sessions[id].item()}, false)
	}
	return ok(s.sessionView(c, s.sessions[id], ""))
}

func (s *Server) createSession(c *call) reply {
	x := &session{
		mode: c.form.Get("mode"), customer: c.form.Get("customer"), status: "open", payment: "unpaid", metadata: c.nested("metadata"),
		taxed: c.form.Get("automatic_tax[enabled]") == "true", price: c.form.Get("line_items[0][price]"),
		unitAmount: c.form.Get("line_items[0][price_data][unit_amount_decimal]"), currency: c.form.Get("line_items[0][price_data][currency]"),
		quantity: c.integer("line_items[0][quantity]"), email: c.form.Get("payment_intent_data[receipt_email]"),
		min: c.integer("line_items[0][adjustable_quantity][minimum]"), max: c.integer("line_items[0][adjustable_quantity][maximum]"),
	}
	if !s.knowsCustomer(x.customer) {
		return missing("customer", x.customer)
	}
	switch x.mode {
	case "payment":
		x.inner = c.nested("payment_intent_data[metadata]")
		if _, ok := new(big.Rat).SetString(x.unitAmount); !ok {
			return invalid("", "line_items", "Invalid decimal: "+x.unitAmount)
		}
	case "setup":
		x.payment, x.inner = "no_payment_required", c.nested("setup_intent_data[metadata]")
	case "subscription":
		x.inner = c.nested("subscription_data[metadata]")
	default:
		return invalid("", "mode", "Invalid mode: "+x.mode)
	}
	x.id = s.name("cs_test")
	s.sessions[x.id] = x
	s.sessionOrder = append(s.sessionOrder, x)
	return ok(s.sessionView(c, x, ""))
}

// Complete goes through a session as the customer would. A card that the bank refuses is an error, and leaves the
// session open.
func (s *Server) Complete(id string, done Completion) error {
	s.mu.Lock()
	x := s.sessions[id]
	if x == nil || x.status != "open" {
		s.mu.Unlock()
		return fmt.Errorf("session %s is not open", id)
	}
	err := s.complete(x, done)
	s.mu.Unlock()
	s.hooks.early()
	return err
}

func (s *Server) complete(x *session, done Completion) error {
	card, known := s.card(done.Card)
	if !known || card.Code != "" {
		return fmt.Errorf("card %q is refused: %s", done.Card, card.Code)
	}
	switch x.mode {
	case "setup":
		x.setup = &setup{id: s.name("seti"), customer: x.customer, card: done.Card, metadata: x.inner}
		s.setups[x.setup.id] = x.setup
		s.tell("setup_intent.succeeded", x.setup.view())
	case "subscription":
		x.payment = "paid"
		x.subscription = s.newSubscription(x.customer, x.price, x.inner)
	default:
		if err := s.pay(x, done, card); err != nil {
			return err
		}
	}
	x.status = "complete"
	s.tell("checkout.session.completed", s.sessionView(nil, x, ""))
	return nil
}

// pay makes the payment of a session's line item.
func (s *Server) pay(x *session, done Completion, card Card) error {
	if done.Quantity != 0 {
		x.quantity = done.Quantity
	}
	if x.max != 0 && (x.quantity < x.min || x.quantity > x.max) {
		return fmt.Errorf("quantity %d is not within %d to %d", x.quantity, x.min, x.max)
	}
	unit, _ := new(big.Rat).SetString(x.unitAmount)
	exact := unit.Mul(unit, new(big.Rat).SetInt64(x.quantity))
	subtotal, err := strconv.ParseInt(exact.FloatString(0), 10, 64)
	if err != nil {
		return fmt.Errorf("amount of session: %w", err)
	}
	x.subtotal, x.tax = subtotal, done.Tax
	i := s.newIntent(subtotal+done.Tax, x.currency, x.customer)
	i.card, i.metadata, i.session, i.receipt = done.Card, x.inner, x.id, x.email
	x.intent = i
	if card.Process {
		i.status = "processing"
		return nil
	}
	s.succeed(i)
	x.payment = "paid"
	return nil
}

// decided tells what became of the payment of a session that was left undecided.
func (s *Server) decided(x *session, paid bool) {
	if !paid {
		s.tell("checkout.session.async_payment_failed", s.sessionView(nil, x, ""))
		return
	}
	x.payment = "paid"
	s.tell("checkout.session.async_payment_succeeded", s.sessionView(nil, x, ""))
}

// SaveCard saves a card without a session, as a form of one's own would, and returns the setup intent's id.
func (s *Server) SaveCard(customer, card string, metadata map[string]string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	made := &setup{id: s.name("seti"), customer: customer, card: card, metadata: metadata}
	s.setups[made.id] = made
	s.tell("setup_intent.succeeded", made.view())
	return made.id
}

func (s *Server) setupCall(_ *call, id string) reply {
	if s.setups[id] == nil {
		return missing("id", id)
	}
	return ok(s.setups[id].view())
}

func (x *setup) view() object {
	return object{
		"id": x.id, "object": "setup_intent", "customer": zero(x.customer), "payment_method": x.card, "status": "succeeded",
		"usage": "off_session", "metadata": x.metadata, "payment_method_types": []string{"card"},
	}
}

func (x *session) item() object {
	return object{
		"id": "li_" + x.id, "object": "item", "quantity": x.quantity, "currency": x.currency,
		"amount_subtotal": x.subtotal, "amount_tax": x.tax, "amount_total": x.subtotal + x.tax,
	}
}

func (s *Server) sessionView(c *call, x *session, prefix string) object {
	o := object{
		"id": x.id, "object": "checkout.session", "mode": x.mode, "customer": zero(x.customer), "status": x.status,
		"payment_status": x.payment, "metadata": x.metadata, "url": "https://checkout.stripe.example/" + x.id,
		"currency": zero(x.currency), "amount_subtotal": x.subtotal, "amount_total": x.subtotal + x.tax,
		"total_details": object{"amount_discount": 0, "amount_shipping": 0, "amount_tax": x.tax}, "automatic_tax": object{"enabled": x.taxed},
		"payment_intent": nil, "setup_intent": nil, "subscription": nil,
	}
	if x.intent != nil {
		o["payment_intent"] = x.intent.id
		if c != nil && c.expands(prefix+"payment_intent") {
			view := s.intentView(nil, x.intent, "")
			if x.intent.charge != nil && c.expands(prefix+"payment_intent.latest_charge") {
				view["latest_charge"] = s.chargeView(x.intent.charge)
			}
			o["payment_intent"] = view
		}
	}
	if x.setup != nil {
		o["setup_intent"] = x.setup.id
		if c != nil && c.expands(prefix+"setup_intent") {
			o["setup_intent"] = x.setup.view()
		}
	}
	if x.subscription != nil {
		o["subscription"] = x.subscription.id
	}
	if c != nil && c.expands(prefix+"line_items") {
		o["line_items"] = object{"object": "list", "has_more": false, "data": []object{x.item()}}
	}
	return o
}
