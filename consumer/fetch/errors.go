package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"

	kafka "github.com/segmentio/kafka-go"
)

// Unknown stands for an offset that could not be asked for.
const Unknown int64 = -1

// OutOfRangeError says that the log does not hold the offset asked for. It stops the partition: going on elsewhere
// would charge for events twice or never.
type OutOfRangeError struct {
	Topic     string
	Partition int32
	Offset    int64 // the offset asked for
	Earliest  int64 // first offset that the log holds, or Unknown
	Latest    int64 // offset that the next record will get, or Unknown
}

func (e *OutOfRangeError) Error() string {
	where := fmt.Sprintf("partition %d of topic %s: offset %d is out of range", e.Partition, e.Topic, e.Offset)
	const act = "; nothing is skipped: find out what happened before moving the position"
	switch {
	case e.Earliest == Unknown || e.Latest == Unknown:
		return where + " (the range of the log could not be asked for)" + act
	case e.Offset < e.Earliest:
		return fmt.Sprintf("%s: the log was cut, it now begins at %d (retention or a deletion removed %d offsets that were not read)%s",
			where, e.Earliest, e.Earliest-e.Offset, act)
	default:
		return fmt.Sprintf("%s: the log ends at %d, before it (the topic was recreated or restored, or an unclean election lost records)%s",
			where, e.Latest, act)
	}
}

// CorruptBatchError says that bytes in the log, or on the way from it, are not a record batch or fail its checksum.
type CorruptBatchError struct {
	Topic     string
	Partition int32
	Offset    int64 // first offset of the batch as far as it can be told, otherwise the offset wanted next
	Reason    string
}

func (e *CorruptBatchError) Error() string {
	return fmt.Sprintf("partition %d of topic %s: corrupt record batch at offset %d: %s", e.Partition, e.Topic, e.Offset, e.Reason)
}

// UnsupportedFormatError says that a record stands in a message format older than record batches (Kafka 0.11), which
// has no checksum over all of its fields.
type UnsupportedFormatError struct {
	Topic     string
	Partition int32
	Offset    int64
	Magic     int8
}

func (e *UnsupportedFormatError) Error() string {
	return fmt.Sprintf("partition %d of topic %s: offset %d is in message format v%d; only v2 is read: the topic must be written by Kafka 0.11 or later",
		e.Partition, e.Topic, e.Offset, e.Magic)
}

// CreateTimeError says that a batch carries its producer's time and not the broker's. Log time decides when credits
// expire, so a producer must not be able to set it (contract, section 2).
type CreateTimeError struct {
	Topic     string
	Partition int32
	Offset    int64
}

func (e *CreateTimeError) Error() string {
	return fmt.Sprintf("partition %d of topic %s: the batch at offset %d has its producer's time, not the broker's; set message.timestamp.type=LogAppendTime on the topic",
		e.Partition, e.Topic, e.Offset)
}

// BatchTooLargeError says that a compressed batch is larger than the limit when decompressed.
type BatchTooLargeError struct {
	Topic      string
	Partition  int32
	Offset     int64
	BytesLimit int
}

func (e *BatchTooLargeError) Error() string {
	return fmt.Sprintf("partition %d of topic %s: the batch at offset %d has more than %d bytes when decompressed; raise the limit if its producer is to be trusted",
		e.Partition, e.Topic, e.Offset, e.BytesLimit)
}

// GapError says that offsets are missing in a log that must have no gaps (Config.Contiguous).
type GapError struct {
	Topic     string
	Partition int32
	Expected  int64
	Found     int64
}

func (e *GapError) Error() string {
	return fmt.Sprintf("partition %d of topic %s: offsets %d to %d are missing from the log; is its cleanup.policy something else than delete?",
		e.Partition, e.Topic, e.Expected, e.Found-1)
}

// RetriableError wraps what passes by itself: a leader has moved, a broker is away, an answer is late. Asking again
// for the same offset is right, after a pause.
type RetriableError struct {
	Op  string
	Err error
}

func (e *RetriableError) Error() string { return e.Op + ": " + e.Err.Error() }
func (e *RetriableError) Unwrap() error { return e.Err }

// Retriable is always true.
func (e *RetriableError) Retriable() bool { return true }

// Retriable says whether the same request may succeed later without anybody's help.
func Retriable(err error) bool {
	var r interface{ Retriable() bool }
	return errors.As(err, &r) && r.Retriable()
}

// classify wraps an error of a round trip: op says what was tried. An error is final if the broker or TLS refused in
// a way that only configuration changes; everything else on a network passes, a deadline of our own too. Whether the
// caller gave up is told by giveUp.
func classify(op string, err error) error {
	var code kafka.Error
	if errors.As(err, &code) && !passes(code) {
		return fmt.Errorf("%s: %w", op, err)
	}
	var cert *tls.CertificateVerificationError
	if errors.As(err, &cert) {
		return fmt.Errorf("%s: %w", op, err)
	}
	return &RetriableError{Op: op, Err: err}
}

// passes says whether a broker's error code goes away by itself. The library's own list leaves out three that do:
// a broker or a replica that is away, and an error that the broker could not name.
func passes(code kafka.Error) bool {
	switch code {
	case kafka.BrokerNotAvailable, kafka.ReplicaNotAvailable, kafka.Unknown:
		return true
	}
	return code.Temporary()
}

// giveUp returns the caller's reason for giving up instead of an error that follows from it.
func giveUp(caller context.Context, err error) error {
	if caller.Err() != nil {
		return fmt.Errorf("fetch: %w", context.Cause(caller))
	}
	return err
}
