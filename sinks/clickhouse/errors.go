package clickhouse

import (
	"errors"
	"fmt"

	"drawdown"
)

// MissingError says that charges are missing from the topic. The sink stops that partition rather than skip them.
type MissingError struct {
	Stream    Stream
	Partition int32
	Expected  drawdown.Offset // the input offset that should come next
	Found     drawdown.Offset // the one that comes
}

func (e *MissingError) Error() string {
	return fmt.Sprintf("%s, partition %d: the topic goes on at input offset %d, but ClickHouse has the charges before %d only; "+
		"what lies between was removed from the topic (retention?) or never published: nothing is skipped; "+
		"put the records back, or rebuild the tables from the log", e.Stream, e.Partition, e.Found, e.Expected)
}

// LostError says that records were removed from the topic before the sink had read them.
type LostError struct {
	Stream    Stream
	Partition int32
	Next      int64 // the record to go on with
	Earliest  int64 // the first that the topic still has
}

func (e *LostError) Error() string {
	return fmt.Sprintf("%s, partition %d: the topic begins at record %d, but record %d was to be read next; "+
		"retention removed what lies between before it was read: nothing is skipped; put the records back, or rebuild the table from the log",
		e.Stream, e.Partition, e.Earliest, e.Next)
}

// DivergedError says that ClickHouse does not hold what the sink's own notes say it wrote.
type DivergedError struct {
	Intent Intent
	Reason string
}

func (e *DivergedError) Error() string {
	return fmt.Sprintf("%s, partition %d, block %d (after %v up to %v, %d rows): %s; "+
		"the tables were changed by hand, restored in part, or written by something else: compare them with the log before the sink goes on",
		e.Intent.Stream, e.Intent.Partition, e.Intent.Block, e.Intent.From, e.Intent.To, e.Intent.Rows, e.Reason)
}

// RecordError says that a record of a topic can't be read.
type RecordError struct {
	Stream    Stream
	Partition int32
	Kafka     int64
	Err       error
}

func (e *RecordError) Error() string {
	return fmt.Sprintf("%s, partition %d: record %d of the topic: %v; nothing is skipped", e.Stream, e.Partition, e.Kafka, e.Err)
}

func (e *RecordError) Unwrap() error { return e.Err }

// errSuperseded says that another sink has written a block of this partition. Not a fault: what it wrote is read, and
// the work goes on from there.
var errSuperseded = errors.New("another sink has written to this partition")

// stops reports whether the error ends the work on a partition until somebody acts. All others pass: ClickHouse or
// Kafka is away, refuses (a right that was not granted may be tomorrow), or is too slow.
func stops(err error) bool {
	var missing *MissingError
	var lost *LostError
	var diverged *DivergedError
	var record *RecordError
	var source *sourceStopError
	return errors.As(err, &missing) || errors.As(err, &lost) || errors.As(err, &diverged) || errors.As(err, &record) ||
		errors.As(err, &source)
}

// sourceStopError wraps an error of the topic that does not pass by itself.
type sourceStopError struct{ error }

func (e *sourceStopError) Unwrap() error { return e.error }

// errIntentLost says that an intent was acknowledged and is not there. ClickHouse notes a token before the part that came
// with it: killed in between, it has spent the token and lost the row, and takes every repetition for known. So the
// next try has another token. Found by a test that kills the engine: two sinks went on for ever without writing.
var errIntentLost = errors.New("ClickHouse acknowledged the intent of a block and does not have it (it was killed at the wrong moment); it is proposed again under another token")
