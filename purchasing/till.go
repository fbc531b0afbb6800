package purchasing

import (
	"context"
	"iter"
	"net/http"
	"time"

	"drawdown"
)

// Till is what a gateway offers while the customer is there, and what it tells by itself. Errors mean the same as those
// of [Gateway]; keys make a repetition the same session.
type Till interface {
	// SaveCard begins the saving of a card: the customer enters it at the returned address.
	SaveCard(ctx context.Context, c *CardSetup) (Session, error)
	// Order begins an order of credits by hand.
	Order(ctx context.Context, o *Order) (Session, error)
	// Subscribe begins a subscription.
	Subscribe(ctx context.Context, s *SubscriptionOrder) (Session, error)
	// Subscription reads what a subscription is now.
	Subscription(ctx context.Context, id string) (Subscription, error)
	// Receive reads what the gateway posted to its webhook. A body that is not the gateway's, or too old, is a
	// [RefusedError]. An event that means nothing here gives no Event.
	Receive(ctx context.Context, header http.Header, body []byte) ([]Event, error)
	// Since lists the events since an instant, the oldest first: what a webhook would have told. Payments without the
	// customer may be left out: the purchaser finds them by itself.
	Since(ctx context.Context, since time.Time) iter.Seq2[Event, error]
}

// Session is where a customer goes on.
type Session struct {
	ID       string
	URL      string
	Customer string // who will pay, as the gateway names them
}

// Visitor is the customer who is sent to the gateway, and where they come back to.
type Visitor struct {
	Account  string
	Email    string
	Customer string // as the gateway names them; "" where it is not known yet
	// SuccessURL and CancelURL are where the gateway sends the customer back.
	SuccessURL, CancelURL string
	Key                   string // identifies the request: the same key, the same session
}

// CardSetup asks for a card to be saved.
type CardSetup struct {
	Visitor
	Backup bool
}

// Order asks for credits to be bought by hand. The customer may change the quantity within the plan's terms.
type Order struct {
	Visitor
	Purchase string // never of the form <account>:<digits>
	Plan     *drawdown.Plan
	Quantity int64 // whole credits, within the plan's terms
}

// SubscriptionOrder asks for the subscription of a plan.
type SubscriptionOrder struct {
	Visitor
	Price string         // the plan's gateway_price
	Plan  *drawdown.Plan // what it buys here; the gateway knows only the price
}

// Subscription is what a subscription is at the gateway.
type Subscription struct {
	ID       string
	Account  string
	Customer string
	State    SubscriptionState
	Price    string // what is billed now
	// NextPrice is what will be billed from the next period on: Price where nothing changes, "" where it ends.
	NextPrice string
	PeriodEnd time.Time
}

// SubscriptionState is whether a subscription is paid for.
type SubscriptionState uint8

// The states of a subscription.
const (
	// SubscriptionIncomplete: the first payment is not made; nothing is granted.
	SubscriptionIncomplete SubscriptionState = iota
	// SubscriptionActive: paid, or in a trial.
	SubscriptionActive
	// SubscriptionPastDue: a renewal is not paid, and the gateway still tries.
	SubscriptionPastDue
	// SubscriptionEnded: cancelled, or unpaid after all tries.
	SubscriptionEnded
)

// RefusedError says why a webhook was not believed.
type RefusedError struct{ Reason RefusalReason }

func (e *RefusedError) Error() string { return "webhook refused: " + string(e.Reason) }

// RefusalReason is why a webhook was refused; it is a metric's label.
type RefusalReason string

// The reasons for which a webhook is refused.
const (
	Unsigned  RefusalReason = "unsigned"  // no signature, or one that can't be read
	Forged    RefusalReason = "forged"    // the signature is not the gateway's
	Stale     RefusalReason = "stale"     // signed too long ago, or in the future
	Malformed RefusalReason = "malformed" // signed, and not to be understood
)
