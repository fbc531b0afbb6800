package fakestripe

import "fmt"

// charge is a card's charge, made or refused.
type charge struct {
	id       string
	intent   *intent
	paid     bool
	failure  string // the code
	decline  string // the bank's
	created  int64
	refunded int64
	dispute  *dispute
}

// refund is money that went back.
type refund struct {
	id, status, reason string
	amount, created    int64
	charge             *charge
}

// dispute is a charge that the customer's bank contests.
type dispute struct {
	id, status, reason string
	amount             int64
}

// Charged is what was really taken for a purchase: how many charges, and their sum in the currency's smallest unit.
type Charged struct {
	Count    int
	Amount   int64
	Currency string
}

// Charges counts what was charged, by purchase. Refunds change nothing in it.
func (s *Server) Charges() map[string]Charged {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string]Charged{}
	for _, i := range s.intentOrder {
		purchase := i.metadata[s.options.PurchaseKey]
		if i.status != "succeeded" || purchase == "" {
			continue
		}
		c := all[purchase]
		all[purchase] = Charged{Count: c.Count + 1, Amount: c.Amount + i.amount, Currency: i.currency}
	}
	return all
}

func (s *Server) newCharge(i *intent, paid bool) {
	i.charge = &charge{id: s.name("ch"), intent: i, paid: paid, created: s.now().Unix()}
	s.charges[i.charge.id] = i.charge
}

// Refund gives money of a purchase back, in the currency's smallest unit, and returns the refund's id.
func (s *Server) Refund(purchase string, amount int64) (string, error) {
	return s.StartRefund(purchase, amount, "succeeded")
}

// StartRefund makes a refund with a status: succeeded, pending or failed. [Server.FinishRefund] changes it.
func (s *Server) StartRefund(purchase string, amount int64, status string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.paidCharge(purchase)
	if err != nil {
		return "", err
	}
	if amount < 1 || c.refunded+amount > c.intent.amount {
		return "", fmt.Errorf("refund %d of %d, of which %d is refunded", amount, c.intent.amount, c.refunded)
	}
	r := &refund{id: s.name("re"), status: status, reason: "requested_by_customer", amount: amount, created: s.now().Unix(), charge: c}
	s.refunds = append(s.refunds, r)
	c.refunded += amount
	s.tell("charge.refunded", s.chargeView(c))
	s.tell("refund.created", r.view())
	return r.id, nil
}

// FinishRefund sets the status of a refund.
func (s *Server) FinishRefund(id, status string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.refunds {
		if r.id != id {
			continue
		}
		r.status = status
		if status == "failed" {
			r.charge.refunded -= r.amount
			s.tell("refund.failed", r.view())
		}
		s.tell("refund.updated", r.view())
		return nil
	}
	return fmt.Errorf("no refund %s", id)
}

// Dispute contests a purchase's charge, and withdraws an amount where it is above 0. It returns the dispute's id.
func (s *Server) Dispute(purchase, reason string, amount int64) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.paidCharge(purchase)
	if err != nil {
		return "", err
	}
	c.dispute = &dispute{id: s.name("du"), status: "needs_response", reason: reason, amount: amount}
	s.tell("charge.dispute.created", c.disputeView())
	if amount > 0 {
		s.tell("charge.dispute.funds_withdrawn", c.disputeView())
	}
	return c.dispute.id, nil
}

// CloseDispute ends the dispute of a purchase. What was withdrawn comes back where it is won.
func (s *Server) CloseDispute(purchase string, won bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.paidCharge(purchase)
	if err != nil {
		return err
	}
	if c.dispute == nil {
		return fmt.Errorf("no dispute of %s", purchase)
	}
	c.dispute.status = "lost"
	if won {
		c.dispute.status = "won"
		s.tell("charge.dispute.funds_reinstated", c.disputeView())
	}
	s.tell("charge.dispute.closed", c.disputeView())
	return nil
}

func (s *Server) paidCharge(purchase string) (*charge, error) {
	for _, i := range s.intentOrder {
		if i.status == "succeeded" && i.metadata[s.options.PurchaseKey] == purchase {
			return i.charge, nil
		}
	}
	return nil, fmt.Errorf("no charge of %s", purchase)
}

func (s *Server) chargeCall(c *call, id string) reply {
	found := s.charges[id]
	if found == nil {
		return missing("id", id)
	}
	view := s.chargeView(found)
	if c.expands("payment_intent") {
		view["payment_intent"] = s.intentView(nil, found.intent, "")
	}
	return ok(view)
}

func (s *Server) refundCall(c *call) reply {
	wanted := c.form.Get("charge")
	matching := func(r *refund) bool { return wanted == "" || r.charge.id == wanted }
	return page(c, s.refunds, func(r *refund) string { return r.id }, matching, (*refund).view)
}

func (s *Server) chargeView(c *charge) object {
	view := object{
		"id": c.id, "object": "charge", "amount": c.intent.amount, "amount_captured": int64(0), "amount_refunded": c.refunded,
		"currency": c.intent.currency, "created": c.created, "customer": zero(c.intent.customer), "paid": c.paid,
		"payment_intent": c.intent.id, "payment_method": zero(c.intent.card), "refunded": c.refunded == c.intent.amount,
		"status": "failed", "failure_code": zero(c.failure), "receipt_url": nil, "metadata": c.intent.metadata,
	}
	if c.failure != "" {
		view["outcome"] = object{"type": "issuer_declined", "reason": c.decline}
	}
	if c.paid {
		view["status"], view["amount_captured"] = "succeeded", c.intent.amount
		view["receipt_url"] = "https://pay.stripe.example/receipts/" + c.id
	}
	return view
}

func (r *refund) view() object {
	return object{
		"id": r.id, "object": "refund", "amount": r.amount, "charge": r.charge.id, "payment_intent": r.charge.intent.id,
		"currency": r.charge.intent.currency, "status": r.status, "reason": r.reason, "created": r.created, "metadata": object{},
	}
}

func (c *charge) disputeView() object {
	return object{
		"id": c.dispute.id, "object": "dispute", "amount": c.dispute.amount, "charge": c.id, "payment_intent": c.intent.id,
		"currency": c.intent.currency, "status": c.dispute.status, "reason": c.dispute.reason, "metadata": object{},
	}
}
