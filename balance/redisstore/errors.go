package redisstore

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"drawdown/balance"
)

// ErrorKind says what an error means for whoever made the call.
type ErrorKind uint8

// The kinds of error. Of a commit that failed with any but Unreachable and Canceled nothing was written.
const (
	// Unreachable: no reply, or not in time. Whether the server did it is unknown; a repetition is right.
	Unreachable ErrorKind = iota + 1
	// Unavailable: the server answered that it can't now (loading, failing over, moving a slot, busy).
	Unavailable
	// ReadOnly: the server is a replica.
	ReadOnly
	// Full: maxmemory is reached.
	Full
	// Denied: wrong or missing credentials, a missing right, an untrusted certificate.
	Denied
	// Corrupt: what is stored can't be what this package wrote.
	Corrupt
	// Invalid: the call makes no sense.
	Invalid
	// Canceled: the caller gave up, or the client is closed.
	Canceled
	// Refused: any other error reply.
	Refused
)

// explanations say what is the matter and, where a person must act, what to do.
var explanations = map[ErrorKind]string{
	Unreachable: "Redis did not answer; what became of the call is unknown",
	Unavailable: "Redis can't serve this now",
	ReadOnly:    "this Redis is a read-only replica: connect to the master (or through Sentinel or Cluster addresses)",
	Full:        "Redis is full and nothing was written: raise maxmemory or move partitions to another server; work goes on by itself then",
	Denied:      "Redis refuses this user: check user name, password, rights (ACL) and certificate in the configuration",
	Corrupt:     "Redis holds something else than Drawdown wrote under this key: find out who else writes to it before you go on",
	Invalid:     "the call makes no sense",
	Canceled:    "given up",
	Refused:     "Redis refuses the call",
}

// Error is an error of a call to Redis.
type Error struct {
	Kind      ErrorKind
	Op        string // what was being done
	Partition int32  // -1 where the call is of no partition
	Err       error
}

// Error names the operation and the partition, says what is the matter and ends with the server's own words.
func (e *Error) Error() string {
	where := e.Op
	if e.Partition >= 0 {
		where = fmt.Sprintf("%s of partition %d", e.Op, e.Partition)
	}
	return fmt.Sprintf("%s: %s: %v", where, explanations[e.Kind], e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Retriable reports whether the same call may succeed later without anybody changing the program or its
// configuration. A full server is worth a retry: memory is added while the worker runs.
func Retriable(err error) bool {
	var e *Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Kind {
	case Unreachable, Unavailable, ReadOnly, Full:
		return true
	case Denied, Corrupt, Invalid, Canceled, Refused:
		return false
	default:
		return false
	}
}

// noPartition is the partition of a call that is of none.
const noPartition int32 = -1

// classify wraps an error of a call; nil stays nil.
func classify(op string, partition int32, err error) error {
	if err == nil {
		return nil
	}
	var known *Error
	if errors.As(err, &known) {
		return err
	}
	return &Error{Kind: kindOf(err), Op: op, Partition: partition, Err: err}
}

func kindOf(err error) ErrorKind {
	var reply redis.Error
	var untrusted *tls.CertificateVerificationError
	switch {
	case errors.Is(err, balance.ErrInvalidCommit):
		return Invalid
	case errors.Is(err, errCorrupt):
		return Corrupt
	case errors.Is(err, context.Canceled), errors.Is(err, redis.ErrClosed):
		return Canceled
	case errors.As(err, &untrusted):
		return Denied
	case errors.As(err, &reply):
		return kindOfReply(reply)
	default:
		return Unreachable
	}
}

// replyKinds maps the code that an error reply begins with.
var replyKinds = []struct {
	code string
	kind ErrorKind
}{
	{"OOM", Full},
	{"NOAUTH", Denied}, {"WRONGPASS", Denied}, {"NOPERM", Denied}, {"DENIED", Denied},
	{"AUTH", Denied}, // after "ERR": a password was sent to a server without one, or of an older form
	{"invalid password", Denied}, {"Client sent AUTH", Denied},
	{"The user executing the script", Denied},   // can't run a command, or can't access a key
	{"Protocol error: unauthenticated", Denied}, // what a call of many arguments is told instead of NOAUTH
	{"READONLY", ReadOnly},
	{"WRONGTYPE", Corrupt},
	{"LOADING", Unavailable}, {"BUSY", Unavailable}, {"MASTERDOWN", Unavailable}, {"CLUSTERDOWN", Unavailable},
	{"TRYAGAIN", Unavailable}, {"MOVED", Unavailable}, {"ASK", Unavailable}, {"NOREPLICAS", Unavailable},
	{"MISCONF", Unavailable},                       // the disk is full or failing: writes are refused until it is not
	{"NOSCRIPT", Unavailable},                      // lost again between loading and calling it: a failover
	{"max number of clients reached", Unavailable}, // after "ERR"
}

func kindOfReply(reply redis.Error) ErrorKind {
	text := strings.TrimPrefix(reply.Error(), "ERR ")
	if strings.HasPrefix(text, "Error running script") || strings.HasPrefix(text, "Error compiling script") {
		return kindOfScriptReply(text)
	}
	for _, known := range replyKinds {
		if strings.HasPrefix(text, known.code) {
			return known.kind
		}
	}
	return Refused
}

// kindOfScriptReply reads how Redis before 7, and miniredis, pass on the error of a command within a script: somewhere
// in the text, after the place in the script.
func kindOfScriptReply(text string) ErrorKind {
	for _, known := range replyKinds {
		if strings.Contains(text, ": "+known.code+" ") || strings.Contains(text, ": -"+known.code+" ") {
			return known.kind
		}
	}
	return Refused
}

var errCorrupt = errors.New("unexpected content")

// corrupt reports stored content that this package can't have written.
func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: %w", errCorrupt, fmt.Errorf(format, args...))
}
