package office

import (
	"fmt"
	"time"

	"drawdown"
	"drawdown/balance"
	"drawdown/sinks/clickhouse/report"
)

// Overview is all that an account's page shows.
type Overview struct {
	balance.Overview
	Plan *drawdown.Plan
	// Now is the instant that it was read at: stages of connectors are those of this instant.
	Now time.Time
	// ETag names this answer but for Now: it stays while nothing that it shows has changed. In quotes, as HTTP has it.
	ETag string
}

// Forecast is when credits run out if usage goes on as it did.
type Forecast struct {
	AsOf      time.Time      // everything charged before it is in
	PerDay    drawdown.Total // nano-credits a day
	Available drawdown.Credits
	RunsOutAt time.Time // zero: not within a year
	Basis     string    // what PerDay is computed from, for people
}

// Estimate is what a sync would cost and whether the account can carry it.
type Estimate struct {
	report.Estimate
	Available drawdown.Credits // the balance less what is held
	// Carries is whether a hold of P90 would fit now: it is not more than is available, less the reserve for a
	// connection that is not critical.
	Carries bool
}

// Order is an order of credits that was begun: the customer pays at URL. Purchase is the id that the grant will have.
type Order struct{ Purchase, URL string }

// Session is where the customer goes on at the gateway.
type Session struct{ URL string }

// EventResult is what became of one usage event that was handed in.
type EventResult struct {
	ID       string // the event's id; "" where it can't be read
	State    EventState
	Reason   drawdown.Reason // of a rejection
	Detail   string          // of a rejection, for people
	Position Position        // of an accepted one
}

// EventState is whether a usage event stands in the log.
type EventState string

// The states of a usage event. One that is accepted can still be rejected when it is applied, for what only the
// account's state tells, such as an unknown connector.
const (
	EventAccepted EventState = "accepted"
	EventRejected EventState = "rejected"
)

// Write says how a write is made.
type Write struct {
	// Key makes a repetition of the request the same write; "" for none. 1 to 64 bytes.
	Key string
	// Wait is for how long to wait until the write is applied; 0 for not at all.
	Wait time.Duration
}

// Position is where a record landed in the log.
type Position struct {
	Partition int32           `json:"partition"`
	Offset    drawdown.Offset `json:"offset"`
}

// Written is what became of a write.
type Written struct {
	Operation string // the record's id
	Position  Position
	// State is what is known: appended, applied, rejected. The last two only after a wait. A repetition of an operation
	// that was applied before counts as applied.
	State  State
	Reason drawdown.Reason // of a rejection
}

// State is how far a write has come.
type State string

// The states of a write.
const (
	Appended State = "appended" // it stands in the log and will be applied or rejected
	Applied  State = "applied"
	Rejected State = "rejected"
)

// Error is a refusal that the caller can do something about.
type Error struct {
	Kind   ErrorKind
	Reason string // a word for programs: no_such_account, insufficient_credits, …
	Detail string // a sentence for people, with the next step
	// Missing are the preconditions that are not met, each a word: email_verified, payment_method, eligible_connector.
	Missing []string
	// Key is the API key that was made or rotated already; "" where it is not about that.
	Key string
	// cause is for the log of the process, never for the caller.
	cause error
}

func (e *Error) Error() string { return fmt.Sprintf("%s: %s", e.Reason, e.Detail) }

// Unwrap returns what went wrong inside, nil where nothing did. It may name servers: it is not for the caller.
func (e *Error) Unwrap() error { return e.cause }

// ErrorKind is the kind of an [Error]; HTTP has a status for each.
type ErrorKind uint8

// The kinds of errors.
const (
	Invalid     ErrorKind = iota + 1 // 422: the request can never succeed as it is
	NotFound                         // 404: there is no such thing, or it is not the principal's to see
	Forbidden                        // 403: the principal may not do that to an account that it sees
	Conflict                         // 409: not in the state that things are in
	Unavailable                      // 503: a server is away; repeating the request with its key is harmless
)
