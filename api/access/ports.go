package access

import "context"

// Log is where records of keys are kept: one sequence, in order, for ever. Package accesslog keeps it on Kafka.
// Implementations are safe for concurrent use.
type Log interface {
	// Append adds a record and says where it landed. It returns when the record can't be lost any more. After an error
	// the record may stand there all the same, also twice.
	Append(ctx context.Context, r LogRecord) (offset int64, err error)
	// Read hands over the records from an offset on, in order, and returns the offset to go on from. Where there are
	// none yet it waits for some, a second at most. It fails where the log no longer holds the offset.
	Read(ctx context.Context, from int64, take func(LogRecord)) (next int64, err error)
	// End is the offset that the next record will get.
	End(ctx context.Context) (int64, error)
}

// LogRecord is a record of the log. What Read hands over is valid only until take returns.
type LogRecord struct {
	Key       string
	Value     []byte
	Signature []byte // nil where it has none
}

// Signer signs records and checks signatures: the keys that sign operations (consumer/signature). It is safe for
// concurrent use.
type Signer interface {
	Sign(value []byte) (signature []byte, err error)
	Verify(value, signature []byte) bool
}
