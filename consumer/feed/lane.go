package feed

import (
	"context"
	"time"

	"drawdown/balance/ledgerevent"
)

// Handler acts on the ledger. Each partition has a lane of its own, and each lane a goroutine.
type Handler interface {
	// Open begins a partition. The context ends when the partition is taken away, the lane failed, or the process stops.
	// An error is like one of Lane.Take; then there is no lane to close.
	Open(ctx context.Context, partition int32) (Lane, error)
}

// Lane acts on the events of one partition. Its methods are called from one goroutine. What it does by goroutines of
// its own ends before Close returns.
//
// An error of Take or CaughtUp ends the lane: one that wraps a [StopError] ends the partition too, until the process is
// started again or the group assigns anew; after any other the partition is opened again, after a pause that grows,
// from where Done said last.
type Lane interface {
	// Take handles one event. They come in order. An event that came to an earlier lane may come again, from the
	// committed offset on; to one lane, each comes once. It may be kept. While Take blocks, nothing else of the partition is
	// read: that is how a lane bounds what it has under way.
	Take(ctx context.Context, e *Event) error
	// CaughtUp is called once, when all that stood in the partition at the opening has been taken: also at once, where
	// there is nothing.
	CaughtUp(ctx context.Context) error
	// Done says before which offset of the ledger topic nothing is needed again; at most next, the offset after the last
	// event taken. It is asked at intervals, and a last time after Close. What it answers is committed to the group.
	Done(next int64) int64
	// Close waits until nothing of the partition is under way. The context given to Open has ended by then. A new owner of
	// the partition begins after it returns, if that takes no longer than Config.DrainTimeout.
	Close()
}

// Event is a ledger entry as it was published.
type Event struct {
	ledgerevent.Event
	// Position is the offset in the ledger topic. (Offset is that of the record in the log which caused the entry.)
	Position int64
	// Appended is when the broker appended it, or on a topic with producers' times, when its worker published it. It is
	// for measuring only: what happened when, the entry itself says.
	Appended time.Time
}

// StopError wraps an error at which somebody must act before the partition goes on.
type StopError struct{ Err error }

func (e *StopError) Error() string { return e.Err.Error() }
func (e *StopError) Unwrap() error { return e.Err }
