package consumer

import (
	"errors"
	"fmt"
	"time"

	kafka "github.com/segmentio/kafka-go"

	"drawdown"
	"drawdown/balance"
	"drawdown/consumer/fetch"
)

// Class is what the worker does about an error. A bad record is no error here: it is rejected with its reason.
type Class uint8

// The classes.
const (
	// Retry: a server is away or slow. Try again, with pauses, for as long as the partition is owned.
	Retry Class = iota
	// Stop: an invariant is broken, or a person must act. The partition stops, loudly; the others go on.
	Stop
	// Yield: another owner has the partition. It is let go without noise.
	Yield
	// Restart: the store went back. All that is held in memory is dropped and the partition begins again from there.
	Restart
)

// Classify says what to do about an error. What it does not know is retried: an unknown trouble of a server passes or
// is seen by readiness and alerts, and stopping would not cure it.
func Classify(err error) Class {
	var fenced *FencedError
	var rewound *RewoundError
	var stops interface{ stops() }
	switch {
	case errors.As(err, &fenced):
		return Yield
	case errors.As(err, &rewound):
		return Restart
	case errors.As(err, &stops), errors.Is(err, balance.ErrInvalidCommit), isFetchStop(err), isRefusedByBroker(err):
		return Stop
	default:
		return Retry
	}
}

// isFetchStop reports whether the log can't be read on without a person.
func isFetchStop(err error) bool {
	var (
		outOfRange *fetch.OutOfRangeError
		corrupt    *fetch.CorruptBatchError
		format     *fetch.UnsupportedFormatError
		createTime *fetch.CreateTimeError
		tooLarge   *fetch.BatchTooLargeError
		gap        *fetch.GapError
	)
	return errors.As(err, &outOfRange) || errors.As(err, &corrupt) || errors.As(err, &format) ||
		errors.As(err, &createTime) || errors.As(err, &tooLarge) || errors.As(err, &gap)
}

// isRefusedByBroker reports whether a broker refuses a request for what it holds: sent again it is refused again.
// Missing rights are not among them: they are granted while the worker waits.
func isRefusedByBroker(err error) bool {
	for _, code := range []kafka.Error{
		kafka.MessageSizeTooLarge, kafka.RecordListTooLarge, kafka.InvalidTimestamp, kafka.InvalidRecord,
		kafka.InvalidRequiredAcks, kafka.UnsupportedForMessageFormat,
	} {
		if errors.Is(err, code) {
			return true
		}
	}
	return false
}

// FencedError says that another worker has claimed the partition since.
type FencedError struct {
	Partition int32
	Epoch     balance.Epoch // ours
	Found     balance.Epoch // the store's
}

func (e *FencedError) Error() string {
	return fmt.Sprintf("partition %d is owned by another worker: our epoch is %d, the store has %d", e.Partition, e.Epoch.Number, e.Found.Number)
}

// RewoundError says that the store is behind what this worker has committed.
type RewoundError struct {
	Partition int32
	Expected  drawdown.Offset
	Found     balance.Position
}

func (e *RewoundError) Error() string {
	if !e.Found.Exists {
		return fmt.Sprintf("the store has lost partition %d, which stood at offset %d", e.Partition, e.Expected)
	}
	return fmt.Sprintf("the store went back on partition %d, from offset %d to %d: a restore, or a failover that lost writes", e.Partition, e.Expected, e.Found.Next)
}

// DivergedError says that the store holds something that this worker can't explain.
type DivergedError struct {
	Partition     int32
	Expected      drawdown.Offset
	Found         drawdown.Offset
	Account       string // "" where it is the position that differs
	Before, Other balance.Mark
}

func (e *DivergedError) Error() string {
	const act = "; somebody else writes to the store: find out who, then run `drawdown partitions rebuild --partition %d --drop`"
	if e.Account == "" {
		return fmt.Sprintf("the store has diverged on partition %d: it stands at offset %d, expected was %d"+act, e.Partition, e.Found, e.Expected, e.Partition)
	}
	return fmt.Sprintf("the store has diverged on partition %d at offset %d: account %s has version %d and balance %s, expected were %d and %s"+act,
		e.Partition, e.Found, e.Account, e.Other.Version, e.Other.Balance, e.Before.Version, e.Before.Balance, e.Partition)
}

// MissingPositionError says that the store knows nothing of a partition that was worked on before.
type MissingPositionError struct {
	Partition int32
	Progress  string // what shows that there was progress
}

func (e *MissingPositionError) Error() string {
	return fmt.Sprintf("the store has no position for partition %d although %s: it has lost the partition, and to begin at offset 0 would repeat purchases; restore it from a backup, or run `drawdown partitions rebuild --partition %d`",
		e.Partition, e.Progress, e.Partition)
}

// PartitionCountError says that topics do not have the number of partitions that was recorded, or that they differ.
type PartitionCountError struct {
	Topic    string
	Recorded int    // or what Other has
	Found    int    // what Topic has
	Other    string // the topic that it differs from; "" where it differs from the recorded number
}

func (e *PartitionCountError) Error() string {
	const why = "the number is fixed for ever, since it decides to which partition an account belongs"
	if e.Other != "" {
		return fmt.Sprintf("topic %s has %d partitions, topic %s has %d: %s; find out which of them was changed or made wrong (`drawdown partitions show` lists those that are worked on), and create that one anew (and copy its records by key)",
			e.Topic, e.Found, e.Other, e.Recorded, why)
	}
	return fmt.Sprintf("topic %s has %d partitions, recorded are %d: %s; create the topic anew with %d partitions (and copy its records by key), or point the worker to the topic that it belongs to",
		e.Topic, e.Found, e.Recorded, why, e.Recorded)
}

// TimestampTypeError says that a topic does not stamp records with the broker's time.
type TimestampTypeError struct {
	Topic string
	Found string
}

func (e *TimestampTypeError) Error() string {
	return fmt.Sprintf("topic %s has message.timestamp.type=%s, needed is LogAppendTime: with it a producer could set the clock that expires credits; run `kafka-configs --alter --entity-type topics --entity-name %s --add-config message.timestamp.type=LogAppendTime`, before the first record is written",
		e.Topic, e.Found, e.Topic)
}

// ClockError says that a record's log time is too far ahead of the worker's clock.
type ClockError struct {
	Partition int32
	Offset    drawdown.Offset
	LogTime   drawdown.Time
	Now       drawdown.Time
	AheadMax  time.Duration
}

func (e *ClockError) Error() string {
	return fmt.Sprintf("the record at offset %d of partition %d has log time %s, more than %v ahead of this worker's clock (%s): a broker's clock or this one is wrong; nothing of it was applied. Set the clocks right; if the record is right, start again when its time has come or with a greater clock_ahead_max",
		e.Offset, e.Partition, e.LogTime, e.AheadMax, e.Now)
}

// StateError says that what the store holds of an account or of the catalogue can't be used.
type StateError struct {
	Partition int32
	Account   string // "" for the catalogue
	Err       error
}

func (e *StateError) Error() string {
	what := "the catalogue"
	if e.Account != "" {
		what = "account " + e.Account
	}
	return fmt.Sprintf("restore %s of partition %d: %v", what, e.Partition, e.Err)
}

// Unwrap returns the reason.
func (e *StateError) Unwrap() error { return e.Err }

// PublishError says that a broker refuses what has to be published.
type PublishError struct {
	Topic     string
	Partition int32
	Bytes     int
	Err       error
}

func (e *PublishError) Error() string {
	text := fmt.Sprintf("publish %d bytes to partition %d of topic %s: %v", e.Bytes, e.Partition, e.Topic, e.Err)
	if errors.Is(e.Err, kafka.MessageSizeTooLarge) {
		text += "; raise max.message.bytes of the topic: nothing may be left out"
	}
	return text
}

// Unwrap returns the broker's answer.
func (e *PublishError) Unwrap() error { return e.Err }

func (*DivergedError) stops()        {}
func (*MissingPositionError) stops() {}
func (*PartitionCountError) stops()  {}
func (*TimestampTypeError) stops()   {}
func (*ClockError) stops()           {}
func (*StateError) stops()           {}
