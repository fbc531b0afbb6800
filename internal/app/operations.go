package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	kafka "github.com/segmentio/kafka-go"

	"drawdown"
	"drawdown/consumer/decode"
	"drawdown/consumer/signature"
	"drawdown/producer"
)

// Operations appends signed operations to the log.
type Operations struct {
	log  *producer.Log
	keys *signature.Keys
}

// OpenOperations connects nothing yet. It refuses to work without a key. Close it.
func (c *Config) OpenOperations(source string) (*Operations, error) {
	keys, err := c.Keys()
	if err != nil {
		return nil, err
	}
	if _, err := keys.Sign(nil); err != nil {
		return nil, fmt.Errorf("%w (signing_keys_file, or %sSIGNING_KEYS)", err, EnvPrefix)
	}
	log, err := c.OpenLog(source)
	if err != nil {
		return nil, err
	}
	return &Operations{log: log, keys: keys}, nil
}

// Close closes idle connections.
func (o *Operations) Close() error { return o.log.Close() }

// Operation is one operation to append. Members that are zero get a new id, this program as source, and the present.
type Operation struct {
	Type    drawdown.Type
	Account string // "" for broadcasts
	ID      string
	Source  string
	Time    time.Time
	Data    any // nil where the type has no members
	// Actor is who asked for it, as audit entries name them; "" where nobody is named. To the contract it is an unknown
	// attribute: it is signed with the rest and means nothing to the engine.
	Actor string
}

// Position is where a record landed.
type Position struct {
	Partition int32
	Offset    int64
}

// UnwrittenError says that an operation is not known to stand in the log everywhere. Appending it again with the same
// id and time is harmless where it already does.
type UnwrittenError struct {
	ID   string
	Time time.Time
	Err  error
}

func (e *UnwrittenError) Error() string {
	return fmt.Sprintf("not written everywhere: %v; to finish, repeat the command with --id %s --time %s",
		e.Err, e.ID, e.Time.Format(time.RFC3339Nano))
}

func (e *UnwrittenError) Unwrap() error { return e.Err }

// UnfitError says that an operation would be rejected, whatever the account is. Nothing was written.
type UnfitError struct {
	Type   drawdown.Type
	Reason drawdown.Reason
	Value  []byte
}

func (e *UnfitError) Error() string {
	return fmt.Sprintf("%v is %s: compare it with the contract's section on the type: %s", e.Type, e.Reason, e.Value)
}

// Append writes an operation: one of an account to its partition, a broadcast to every partition. It first decodes it
// as a worker would, so that what is malformed is refused here.
func (o *Operations) Append(ctx context.Context, op Operation) ([]Position, error) {
	value, err := op.encode()
	if err != nil {
		return nil, err
	}
	header, err := o.keys.Sign(value)
	if err != nil {
		return nil, err
	}
	headers := []kafka.Header{{Key: signature.Header, Value: header}}
	var positions []Position
	if op.Type.IsBroadcast() {
		positions, err = o.broadcast(ctx, value, headers)
	} else {
		var at Position
		at.Partition, at.Offset, err = o.log.Append(ctx, op.Account, value, headers...)
		positions = append(positions, at)
	}
	if err != nil {
		return nil, &UnwrittenError{ID: op.ID, Time: op.Time, Err: err}
	}
	return positions, nil
}

func (o *Operations) broadcast(ctx context.Context, value []byte, headers []kafka.Header) ([]Position, error) {
	count, err := o.log.Partitions(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask for the partitions: %w", err)
	}
	positions := make([]Position, count)
	var faults []error
	for partition := range count {
		offset, err := o.log.AppendTo(ctx, partition, "", value, headers...)
		if err != nil {
			faults = append(faults, fmt.Errorf("partition %d: %w", partition, err))
		}
		positions[partition] = Position{partition, offset}
	}
	return positions, errors.Join(faults...)
}

// encode writes the operation as a record and fills in what was left out.
func (op *Operation) encode() ([]byte, error) {
	if op.ID == "" {
		op.ID = uuid.NewString()
	}
	if op.Source == "" {
		op.Source = "drawdown/cli"
	}
	if op.Time.IsZero() {
		op.Time = time.Now()
	}
	record := map[string]any{
		"specversion": "1.0", "id": op.ID, "source": op.Source, "type": op.Type.String(),
		"time": op.Time.UTC().Format("2006-01-02T15:04:05.999Z07:00"),
	}
	if op.Account != "" {
		record["subject"] = op.Account
	}
	if op.Data != nil {
		record["data"] = op.Data
	}
	if op.Actor != "" {
		record["actor"] = op.Actor
	}
	value, err := json.Marshal(record)
	if err != nil {
		return nil, fmt.Errorf("encode %v: %w", op.Type, err)
	}
	var decoder decode.Decoder
	var rec drawdown.Record
	decoder.Decode(value, drawdown.NoTime, &rec)
	if rec.Reject != "" {
		return nil, &UnfitError{Type: op.Type, Reason: rec.Reject, Value: value}
	}
	return value, nil
}
