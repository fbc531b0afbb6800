package notify

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
}

// Operations appends signed operations to the log.
type Operations interface {
	// Append writes an operation to the account's partition and returns its offset once all in-sync replicas have it. An
	// error means that it may stand there or not: appending the same again is harmless.
	Append(ctx context.Context, o *Operation) (drawdown.Offset, error)
}

// Operation is an operation on an account (contract, section 9).
type Operation struct {
	Type    drawdown.Type
	Account string
	ID      string // with Source it identifies the operation
	Source  string
	Time    time.Time
	Data    map[string]any
}

// Outbox keeps the delivery log: a topic with as many partitions as the ledger.
type Outbox interface {
	// Append writes records to a partition, in their order, and returns once all in-sync replicas have them. An error means
	// that each of them may stand there or not; appending all of them again is harmless.
	Append(ctx context.Context, partition int32, records []OutboxRecord) error
	// Last tells when the newest record of a partition was appended; the zero time where there is none.
	Last(ctx context.Context, partition int32) (time.Time, error)
	// Read hands over what a partition holds at the time of the call, in order, from the first record that was appended at
	// or after an instant. A record's value is valid during the call of take only, whose error ends the reading.
	Read(ctx context.Context, partition int32, since time.Time, take func(*OutboxRecord) error) error
	// Partitions is how many partitions the topic has.
	Partitions(ctx context.Context) (int32, error)
}

// OutboxRecord is one record of the delivery log.
type OutboxRecord struct {
	Key   string // the delivery's id
	Value []byte // see [DeliveryRecord]
	// Appended is when the broker appended it, by its clock; only of what was read.
	Appended time.Time
}

// Schedule is how long to wait after a try that failed, the first being attempt 1, and whether there is another try at
// all.
type Schedule func(noticeID string, attempt int) (wait time.Duration, more bool)
