package producer

import (
	"errors"
	"fmt"
	"strings"

	"github.com/segmentio/kafka-go"
)

var (
	// ErrClosed is what Report returns after Close.
	ErrClosed = errors.New("producer: closed")
	// ErrUncollected is what Report returns when the buffer is full of events that could not be
	// delivered: call Flush, which hands them back.
	ErrUncollected = errors.New("producer: the buffer is full of undelivered events; call Flush to take them back")
)

// Fault is one member of a usage event that breaks a rule of the contract.
type Fault struct {
	Member string // as the contract names it, such as "connection"
	Rule   string // such as "1 to 128 bytes (it has 300)"
}

// UsageError says why an event was not accepted: it would have been rejected as malformed. Nothing
// of it was sent.
type UsageError struct{ Faults []Fault }

func (e *UsageError) Error() string {
	texts := make([]string, len(e.Faults))
	for i, fault := range e.Faults {
		texts[i] = fault.Member + ": " + fault.Rule
	}
	return "producer: usage event: " + strings.Join(texts, "; ")
}

// DeliveryError hands back what was accepted and not acknowledged. An event in it may have been
// written all the same (an answer may be lost): reporting it again is harmless, since it keeps
// its seq and its id.
type DeliveryError struct {
	Undelivered []Usage
	Err         error // why, of the first of them
}

func (e *DeliveryError) Error() string {
	return fmt.Sprintf("producer: %d usage events not delivered: %v", len(e.Undelivered), e.Err)
}

func (e *DeliveryError) Unwrap() error { return e.Err }

// AppendError says that a record was not acknowledged.
type AppendError struct {
	Topic     string
	Partition int32 // −1 when not even the partitions were learned
	// Written counts the leading records of the call that were acknowledged.
	Written int
	// MaybeWritten: a try ended without an answer, so that the rest may be in the log. Append it
	// again under the same id; the copy is then a duplicate.
	MaybeWritten bool
	Err          error
}

func (e *AppendError) Error() string {
	at := e.Topic
	if e.Partition >= 0 {
		at = fmt.Sprintf("%s/%d", e.Topic, e.Partition)
	}
	doubt := ""
	if e.MaybeWritten {
		doubt = " (it may have been written: repeat it under the same id)"
	}
	return fmt.Sprintf("producer: append to %s: %v%s", at, e.Err, doubt)
}

func (e *AppendError) Unwrap() error { return e.Err }

// retryable: what a later try may cure. Kafka's own answers say so themselves; anything that is
// no answer of Kafka's is the network, which comes back.
func retryable(err error) bool {
	var answer kafka.Error
	if errors.As(err, &answer) {
		return answer.Temporary()
	}
	return true
}

// answered: Kafka refused, so that nothing was written. NotEnoughReplicasAfterAppend and
// RequestTimedOut are answers after the write, and whatever is no answer is unknown.
func answered(err error) bool {
	var answer kafka.Error
	return errors.As(err, &answer) &&
		answer != kafka.NotEnoughReplicasAfterAppend && answer != kafka.RequestTimedOut
}
