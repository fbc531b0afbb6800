package office

import (
	"fmt"
	"time"

	"drawdown"
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
	Partition int32
	Offset    drawdown.Offset
}

// Written is what became of a write.
type Written struct {
	Operation string // the record's id
	Position  Position
	// State is what is known: appended, applied, rejected, duplicate. The last three only after a wait.
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
}

func (e *Error) Error() string { return fmt.Sprintf("%s: %s", e.Reason, e.Detail) }

// ErrorKind is the kind of an [Error]; HTTP has a status for each.
type ErrorKind uint8

// The kinds of errors.
const (
	Invalid     ErrorKind = iota + 1 // 422: the request can never succeed as it is
	NotFound                         // 404: there is no such thing, or it is not the principal's to see
	Forbidden                        // 403: the principal may not do that to an account that it sees
	Conflict                         // 409: not in the state that things are in
	Unavailable                      // 503: a server is away; nothing is known to have happened
)
