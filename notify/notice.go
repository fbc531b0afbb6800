package notify

import (
	"context"
	"encoding/json"
	"time"

	"drawdown"
)

// Kind is what a notice is about. Customers name kinds in their opt-outs and webhook endpoints.
type Kind string

// The kinds of notices.
const (
	LowBalance         Kind = "low_balance"
	UsagePercent       Kind = "usage_percent"
	Exhausted          Kind = "exhausted" // no credits left and none on order (or the payment failed): syncs stop
	Resumed            Kind = "resumed"   // syncs may run again
	PurchaseSettled    Kind = "purchase_settled"
	PaymentDeclined    Kind = "payment_declined" // a retry is coming
	PaymentFailed      Kind = "payment_failed"   // no retry is coming: a new card is needed
	PurchaseRefunded   Kind = "purchase_refunded"
	CreditsExpiring    Kind = "credits_expiring"
	CreditsExpired     Kind = "credits_expired"
	LeavingFreeProgram Kind = "leaving_free_program"
	AutoPurchaseCapped Kind = "auto_purchase_capped"
	WebhookDisabled    Kind = "webhook_disabled"
	Runaway            Kind = "runaway" // a sync passed many times its usual cost: further ones of its connection are denied
)

// Kinds are all kinds, in the order of their documentation.
var Kinds = []Kind{
	LowBalance, UsagePercent, Exhausted, Resumed, PurchaseSettled, PaymentDeclined, PaymentFailed, PurchaseRefunded,
	CreditsExpiring, CreditsExpired, LeavingFreeProgram, AutoPurchaseCapped, WebhookDisabled, Runaway,
}

// Notice is one thing to tell an account. Its id, kind, time and data never change, so it can be told again.
type Notice struct {
	// ID is that of the ledger entry: `<partition>-<offset>-<n>`.
	ID      string
	Kind    Kind
	Account string
	At      time.Time // the instant at which it happened
	// Data are the members of the ledger entry's line (contract, sections 8 to 10), without offset, n, type, at, account.
	Data json.RawMessage
}

// Channel is a way to tell: "email" or "webhook".
type Channel string

// The channels.
const (
	Email   Channel = "email"
	Webhook Channel = "webhook"
)

// Delivery is one notice on its way to one target.
type Delivery struct {
	Notice  *Notice
	Channel Channel
	// Target is an e-mail address, or the name of a webhook endpoint.
	Target string
	// Attempt is the number of this try: 1, 2, …
	Attempt int
	// Profile is the account as it is now.
	Profile *drawdown.Profile
}

// Sender tells a notice over one channel. Implementations are safe for concurrent use and bound the time of a try by
// themselves and by ctx.
type Sender interface {
	Send(ctx context.Context, d *Delivery) Outcome
}

// Outcome is what became of one try.
type Outcome struct {
	Verdict Verdict
	// Detail says why, for the delivery log, without secrets: "250 accepted", "HTTP 503", "connection refused".
	Detail string
	// RetryAfter is how long the other side asks to wait; 0 where it does not.
	RetryAfter time.Duration
}

// Verdict decides what happens next to a delivery.
type Verdict uint8

// The verdicts.
const (
	// Delivered: the other side has taken it.
	Delivered Verdict = iota + 1
	// Retry: not now; try again later.
	Retry
	// Refused: never; trying again would not help. The delivery ends.
	Refused
	// Gone: the target itself is dead, for this notice and all others.
	Gone
)
