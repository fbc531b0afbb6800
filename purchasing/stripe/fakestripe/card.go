package fakestripe

// Card is how a saved card behaves. The zero value pays.
type Card struct {
	// Code and Decline are the error's code and the bank's, where the card is refused.
	Code, Decline string
	// Action leaves the payment waiting for the customer (requires_action) instead of refusing it.
	Action bool
	// Process leaves the payment undecided until [Server.Decide].
	Process bool
	// Hang gives no answer while the client waits. What the card does, is done after that.
	Hang bool
	// Customer owns the card; "" lets any customer pay with it.
	Customer string
	// Kind is the type of payment method; card where it is "".
	Kind string
}

// Pays is a card that pays.
func Pays() Card { return Card{} }

// Declines is a card that the bank refuses with a decline code.
func Declines(code string) Card { return Card{Code: "card_declined", Decline: code} }

// Expired is a card that is past its date.
func Expired() Card { return Card{Code: "expired_card", Decline: "expired_card"} }

// NeedsAuthentication is a card whose bank wants the customer to be there.
func NeedsAuthentication() Card {
	return Card{Code: "authentication_required", Decline: "authentication_required"}
}

// NeedsAction is a card whose payment waits for the customer.
func NeedsAction() Card { return Card{Action: true} }

// Processes is a card whose payment is decided later.
func Processes() Card { return Card{Process: true} }

// Hangs is a card whose payment gives no answer, and is made nevertheless.
func Hangs() Card { return Card{Hang: true} }

// SetCard says how a payment method behaves from now on.
func (s *Server) SetCard(method string, c Card) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cards[method] = c
}

// cardOf is the payment method that a call is about to charge.
func (s *Server) cardOf(c *call) string {
	collection, id, _ := c.parts()
	if collection != "payment_intents" {
		return ""
	}
	if i := s.intents[id]; i != nil && c.form.Get("payment_method") == "" {
		return i.card
	}
	return c.form.Get("payment_method")
}

// card looks a payment method up.
func (s *Server) card(method string) (Card, bool) {
	c, known := s.cards[method]
	return c, known || !s.options.Strict && len(method) > 3 && method[:3] == "pm_"
}

func (s *Server) methodCall(c *call, id string) reply {
	card, known := s.card(id)
	if !known {
		return missing("id", id)
	}
	kind := card.Kind
	if kind == "" {
		kind = "card"
	}
	return ok(object{"id": id, "object": "payment_method", "type": kind, "customer": zero(card.Customer), "metadata": object{}})
}
