package sandbox

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"drawdown/purchasing"
)

// sessionValid is how long a visitor may take.
const sessionValid = time.Hour

// session is where a customer goes on, as its address has it: who serves the page knows no more. One of the three parts at
// the end is set.
type session struct {
	ID         string `json:"id"`
	Account    string `json:"account"`
	Customer   string `json:"customer"`
	SuccessURL string `json:"success,omitempty"`
	CancelURL  string `json:"cancel,omitempty"`
	Until      int64  `json:"until"` // Unix seconds

	Card         *cardPart         `json:"card,omitempty"`
	Order        *orderPart        `json:"order,omitempty"`
	Subscription *subscriptionPart `json:"subscription,omitempty"`
}

// cardPart is a card to be saved.
type cardPart struct {
	Backup bool `json:"backup,omitempty"`
}

// subscriptionPart is a subscription to be begun. What it grants and costs is "" where the order did not name the plan.
type subscriptionPart struct {
	Price  string `json:"price"`
	Plan   string `json:"plan,omitempty"`
	Grants string `json:"grants,omitempty"` // credits a period
	Costs  string `json:"costs,omitempty"`  // money with its currency, a period
	Tax    string `json:"tax,omitempty"`
	Period string `json:"period,omitempty"`
}

// The periods of subscriptions, as visitors read them.
const (
	monthly = "month"
	yearly  = "year"
)

// staleError is the error of a session whose time is over.
type staleError struct{ session *session }

func (e *staleError) Error() string {
	return fmt.Sprintf("sandbox: session %s was valid for %v", e.session.ID, sessionValid)
}

// open is a session that this gateway began.
type open struct {
	session
	purchasing.Session
}

// begin makes a session, or finds that of the same key. Elsewhere the same key makes a session of the same id, which does
// the same once.
func (g *Gateway) begin(v *purchasing.Visitor, s session) purchasing.Session {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.forget()
	s.ID = sessionID(v)
	if old := g.sessions[s.ID]; old != nil {
		return old.Session
	}
	s.Account, s.SuccessURL, s.CancelURL = v.Account, v.SuccessURL, v.CancelURL
	s.Customer = cmp.Or(v.Customer, "sandbox_customer_"+v.Account)
	s.Until = g.now().Add(sessionValid).Unix()
	begun := &open{s, purchasing.Session{ID: s.ID, URL: g.config.BaseURL + sessionsPath + g.seal(sealedSession, &s), Customer: s.Customer}}
	g.sessions[s.ID] = begun
	g.begun = append(g.begun, begun)
	return begun.Session
}

// sessionID is what the visitor's key gives; without a key, one that was never there.
func sessionID(v *purchasing.Visitor) string {
	key := cmp.Or(v.Key, rand.Text())
	sum := sha256.Sum256([]byte(v.Account + "\n" + key))
	return "sandbox_session_" + hex.EncodeToString(sum[:12])
}

// forget drops what is known of sessions whose time is over. It is called with the lock held.
func (g *Gateway) forget() {
	now := g.now().Unix()
	for len(g.begun) > 0 && g.begun[0].Until < now {
		delete(g.sessions, g.begun[0].session.ID)
		g.begun = g.begun[1:]
	}
	for len(g.done) > 0 && g.done[0].Until < now {
		delete(g.isDone, g.done[0].ID)
		g.done = g.done[1:]
	}
}

// readSession reads an address. Of one that is a session's no more, the error has the session: see [staleError].
func (g *Gateway) readSession(sealed string) (*session, error) {
	var s session
	if err := g.unseal(sealedSession, sealed, &s); err != nil {
		return nil, err
	}
	if g.now().Unix() > s.Until {
		return nil, &staleError{&s}
	}
	return &s, nil
}

// Completion is what a customer does at a session.
type Completion struct {
	Method   string // one of the names of methods
	Quantity int64  // of an order, in credits; 0 leaves it as it was
	// Confirmed: the customer has confirmed the payment to the bank. Only [Authentication] asks for it.
	Confirmed bool
}

var (
	// ErrRefused is what a customer sees whose card is refused. The session stays open.
	ErrRefused = errors.New("the card is refused")

	errDone = errors.New("sandbox: the session is done")
)

// Complete goes through a session that this gateway began, as the customer would.
func (g *Gateway) Complete(id string, done Completion) error {
	g.mu.Lock()
	s := g.sessions[id]
	g.mu.Unlock()
	if s == nil {
		return fmt.Errorf("sandbox: no session %s is open", id)
	}
	return g.finish(&s.session, done)
}

// finish does what the customer decided, once: a second time is errDone.
func (g *Gateway) finish(s *session, done Completion) error {
	g.mu.Lock()
	err := g.complete(s, done)
	tell := g.untold()
	g.mu.Unlock()
	tell()
	return err
}

func (g *Gateway) complete(s *session, done Completion) error {
	if g.isDone[s.ID] {
		return errDone
	}
	// A card can be saved that will be refused when it is charged; only what is charged at once is refused at once.
	reason := refusal(done.Method)
	if done.Confirmed && behaviour(done.Method) == Authentication {
		reason = ""
	}
	if reason == "no_payment_method" || reason != "" && s.Card == nil {
		return fmt.Errorf("%w: %s", ErrRefused, reason)
	}
	switch {
	case s.Card != nil:
		g.saved(s, done.Method)
	case s.Order != nil:
		if err := g.buy(s, done.Quantity); err != nil {
			return err
		}
	default:
		g.subscribed(s)
	}
	g.forget()
	g.isDone[s.ID] = true
	g.done = append(g.done, s)
	return nil
}
