package purchasing

import (
	"time"

	"drawdown"
)

// Event is something that a gateway tells by itself, by webhook or when asked what happened since. It may come late,
// twice, out of order, and before the reply to the call that caused it.
type Event struct {
	ID      string // the gateway's, unique
	Created time.Time
	Account string
	What    Happening
}

// Happening is what an event says. The types that implement it are a closed set.
type Happening interface{ happening() }

// PaymentPaid says that the money for a requested purchase was taken.
type PaymentPaid struct {
	Purchase string
	Attempt  int
	Quantity drawdown.Credits
	Amount   drawdown.Money
	Currency string
	Tax      *drawdown.Money
	Receipt  string
}

// OrderPaid says that a customer paid for credits ordered by hand.
type OrderPaid struct {
	Purchase string
	Quantity drawdown.Credits
	Amount   drawdown.Money // without tax
	Currency string
	Tax      *drawdown.Money
	Receipt  string
}

// OrderFailed says that an order by hand was not paid after all (a bank debit that was refused days later).
type OrderFailed struct{ Purchase, Reason string }

// CardSaved says that a customer saved a card.
type CardSaved struct {
	Payer  drawdown.PaymentMethod
	Backup bool
}

// MoneyReturned says that money of a purchase went back: a refund, or a dispute that withdrew it.
type MoneyReturned struct {
	ID       string // of the refund or dispute: the same for every event about it
	Purchase string
	Quantity drawdown.Credits // bought × returned / charged, rounded up to a whole nano-credit
	Reason   string
	// Disputed is the payment method that the customer's bank disputes the charge of; zero for a refund.
	Disputed drawdown.PaymentMethod
}

// SubscriptionChanged says that a subscription is not what it was. What it is now, is asked for.
type SubscriptionChanged struct{ Subscription string }

// Noticed is worth an operator's attention and changes nothing by itself: a dispute opened or won, a payout failed.
type Noticed struct{ Text string }

func (*PaymentPaid) happening()         {}
func (*OrderPaid) happening()           {}
func (*OrderFailed) happening()         {}
func (*CardSaved) happening()           {}
func (*MoneyReturned) happening()       {}
func (*SubscriptionChanged) happening() {}
func (*Noticed) happening()             {}
