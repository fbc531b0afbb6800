package purchasing

import (
	"context"
	"time"

	"drawdown"
)

// Directory knows accounts.
type Directory interface {
	// Profile reads an account as it is after the record at the offset of the partition's log was applied, or later;
	// it waits for that. An account that does not exist is an error.
	Profile(ctx context.Context, account string, after drawdown.Offset) (drawdown.Profile, error)
	// Plans are the plans published so far, by id.
	Plans(ctx context.Context) (map[string]*drawdown.Plan, error)
}

// Whenever asks [Directory.Profile] for an account as it is, without waiting.
const Whenever drawdown.Offset = -1

// Log appends signed operations.
type Log interface {
	// Append writes an operation to the account's partition and returns its offset once all in-sync replicas have it.
	// An error means that it may stand there or not: appending the same again is harmless.
	Append(ctx context.Context, o *Operation) (drawdown.Offset, error)
}

// Operation is an operation on an account (contract, sections 3 and 9).
type Operation struct {
	Type    drawdown.Type
	Account string
	ID      string // with Source it identifies the operation: the same happening always gets the same
	Source  string
	Time    time.Time      // when it happened
	Data    map[string]any // nil where the type has no members
}
