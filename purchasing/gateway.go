package purchasing

import (
	"context"
	"strconv"
	"time"

	"drawdown"
)

// Gateway takes money while the customer is not there. Implementations are safe for concurrent use and pass one
// conformance suite (gatewaytest).
//
// An error of any method means that the outcome is unknown or that nothing happened: the same call may be made again,
// and must be before anything else of the account is charged. What the customer or the bank did wrong is no error but
// a [Declined] result.
type Gateway interface {
	// Pay makes an attempt, once, however often it is called with the same payment: the same call after a lost reply, a
	// crash or an error answers what became of it. It is only called within [RepeatWithin] of its first call.
	Pay(ctx context.Context, p *Payment) (Result, error)
	// Find says what the gateway has of all attempts of the payment's purchase up to its own: Paid if any of them is,
	// otherwise the state of the last one. It sees every attempt whose Pay ended before it was called.
	Find(ctx context.Context, p *Payment) (Result, error)
	// Cancel makes sure that no attempt of the purchase will be charged from now on. It answers Cancelled, or Absent
	// where there is none, or Paid where one is paid already: that money counts.
	Cancel(ctx context.Context, p *Payment) (Result, error)
}

// RepeatWithin is how long after its first try a payment may be tried under the same key. Gateways keep keys for 24
// hours; the hour between is for clocks that differ and calls that hang.
const RepeatWithin = 23 * time.Hour

// Payment is one attempt to take the money for a purchase. Two payments with the same key have the same members.
type Payment struct {
	Account  string
	Purchase string
	Attempt  int // 1, 2, … (contract, section 9)
	Payer    drawdown.PaymentMethod
	Quantity drawdown.Credits
	Amount   drawdown.Money
	Currency string // ISO 4217, capitals
	// RequestedAt is when the purchase was requested, by the log's clock.
	RequestedAt time.Time
}

// Key identifies the attempt at the gateway.
func (p *Payment) Key() string {
	return "drawdown/" + p.Purchase + "/" + attemptText(p.Attempt)
}

func attemptText(attempt int) string { return strconv.Itoa(attempt) }

// Result is what the gateway says of a payment.
type Result struct {
	State State
	// Attempt is the attempt that the result is of; 0 where there is none.
	Attempt int
	// Reason is why it was declined, in the words of [purchase.failed]: card_declined, expired_card,
	// insufficient_funds, authentication_required, no_payment_method …; at most 128 bytes.
	Reason string
	// Reference is the gateway's own id of the payment.
	Reference string
	// Receipt is a link to the receipt, or the reference where there is none; at most 512 bytes.
	Receipt string
	// Tax is the part of the charge that came on top of the amount; nil where none was computed.
	Tax *drawdown.Money
}

// State is where a payment stands.
type State uint8

// The states of a payment.
const (
	// Absent: the gateway knows of no such payment.
	Absent State = iota
	// Pending: the gateway has not decided. It will take time; ask with Find.
	Pending
	// Paid: the money has been taken.
	Paid
	// Declined: it was not, and this attempt will never be.
	Declined
	// Cancelled: it was not, and no attempt made so far will ever be.
	Cancelled
)

var stateNames = [...]string{"absent", "pending", "paid", "declined", "cancelled"}

// String names the state for logs and metrics.
func (s State) String() string { return stateNames[s] }

// ThrottledError says that the gateway wants to be left alone for a while.
type ThrottledError struct {
	After time.Duration
	Err   error
}

func (e *ThrottledError) Error() string { return e.Err.Error() }

// Unwrap returns what the gateway said.
func (e *ThrottledError) Unwrap() error { return e.Err }
