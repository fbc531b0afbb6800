package balance

import (
	"context"
	"fmt"

	"drawdown"
)

// Store keeps the state of partitions. Its parts of an account are opaque to it: only this package packs and unpacks
// them. Implementations answer the same way on the same calls; one conformance suite runs against all of them.
//
// An error of any method but Commit means that nothing is known to have happened. An error of Commit means that the
// outcome is unknown: calling it again with the same argument is always right. (One that wraps ErrInvalidCommit is the
// exception: nothing was tried, and the same argument fails again.)
type Store interface {
	// Position reads where a partition stands. A partition that the store does not have has Exists false.
	Position(ctx context.Context, partition int32) (Position, error)
	// Claim makes the caller the partition's only owner: it raises the epoch, and every commit under an earlier
	// epoch is refused from then on. A partition that does not exist begins at offset 0.
	// token must be unique to this claim: it tells two owners apart that a restored store gave the same number.
	// A claim with the token that the partition is claimed with changes nothing, so a claim may be repeated when its
	// reply was lost. The position returned is the one after the claim: Exists is true.
	Claim(ctx context.Context, partition int32, token string) (Epoch, Position, error)
	// Catalogue returns the accepted broadcasts of a partition in the order of their commits.
	Catalogue(ctx context.Context, partition int32) ([][]byte, error)
	// Load returns the stored parts of accounts, in the order asked for. One that is absent has the zero Mark.
	Load(ctx context.Context, partition int32, accounts []string) ([]Stored, error)
	// Segments returns the content of append-only segments, in the order asked for; nil for one that is absent.
	Segments(ctx context.Context, partition int32, keys []SegmentKey) ([][]byte, error)
	// Commit makes all changes of a batch and its new position visible at once, or none of them.
	Commit(ctx context.Context, commit *Commit) (Outcome, error)
	// Due returns up to limit accounts whose next due instant is not after until, the earliest first, of one instant
	// in order of id (bytes).
	Due(ctx context.Context, partition int32, until drawdown.Time, limit int) ([]DueAccount, error)
	// Accounts lists account ids of a partition page by page: cursor "" begins, next "" ends. An id may be repeated,
	// a page may be empty. An account that is there from the first page to the last is listed.
	Accounts(ctx context.Context, partition int32, cursor string) (ids []string, next string, err error)
	// RecordPartitions records how many partitions the log has when nothing is recorded yet, and returns the
	// recorded count: an account's partition is fixed for ever.
	RecordPartitions(ctx context.Context, partitions int) (recorded int, err error)
}

// Epoch identifies one ownership of a partition.
type Epoch struct {
	Number int64
	Token  string
}

// Position is where a partition stands in the log.
type Position struct {
	Exists bool // false: all else is zero, and Clock is NoTime
	Epoch  Epoch
	Next   drawdown.Offset // the first record whose effects are not in the store
	Clock  drawdown.Time   // NoTime before any record set it
	// Statuses counts the partition's accounts by status.
	Statuses [drawdown.StatusCount]int64
}

// Mark tells one version of an account's stored state from another.
type Mark struct {
	// Version is 1 + the offset of the last record that changed the account; 0 where there is no account.
	Version int64
	// Balance is what is available: the account's balance less what is held (contract, section 10). It is the plain
	// number that other programs may read.
	Balance drawdown.Credits
}

// Field is a part of an account that is replaced as a whole.
type Field struct {
	Name  string
	Value []byte // nil deletes the field
}

// Stored is an account as the store has it.
type Stored struct {
	Account string
	Mark    Mark
	Core    []byte
	Fields  []Field // in no particular order
}

// SegmentKey names an append-only part of an account.
type SegmentKey struct {
	Account string
	Segment string
}

// SegmentAppend adds data at the end of a segment, which begins empty.
type SegmentAppend struct {
	Segment string
	Data    []byte
}

// AccountChange is what a batch changed in one account.
type AccountChange struct {
	Account string
	Before  Mark // what the store must have
	After   Mark
	Core    []byte
	Fields  []Field
	Appends []SegmentAppend
	Drops   []string // segments to delete; never one that Appends names
	// Due is the account's next due instant, Never where there is none.
	Due drawdown.Time
}

// IndexEntry says that an account must be woken when a connector's stage changes.
type IndexEntry struct{ Connector, Account string }

// Commit is a batch's changes and the position after it.
type Commit struct {
	Partition int32
	Epoch     Epoch
	Expected  drawdown.Offset // the position before the batch
	Next      drawdown.Offset // the position after it, greater than Expected
	Clock     drawdown.Time   // the partition's clock after it
	// Digest identifies the batch: the same changes between the same positions have the same digest.
	Digest   [16]byte
	Accounts []AccountChange // an account at most once
	// Broadcasts are appended to the catalogue.
	Broadcasts [][]byte
	Index      []IndexEntry
	// Wake lists connectors: the accounts of their index entries (those of this commit included) become due at
	// Clock, unless they are due earlier. An entry whose account is not stored wakes nobody: a tick for it would be
	// rejected, and nothing would ever take it off the list again.
	Wake []string
	// Statuses is added to the partition's counts of accounts by status.
	Statuses [drawdown.StatusCount]int64
}

// DueAccount is an account and the instant at which something happens to it.
type DueAccount struct {
	Account string
	Due     drawdown.Time
}

// Outcome is what became of a commit.
type Outcome struct {
	Kind OutcomeKind
	// Found is the position that the store has, for all kinds but Applied.
	Found Position
	// Account, Expected and Got tell of the first account that differs, for Diverged because of an account.
	Account       string
	Expected, Got Mark
}

// OutcomeKind is the kind of an [Outcome].
type OutcomeKind uint8

// The kinds of outcome. Only Applied has written anything.
const (
	// Applied: the changes are visible.
	Applied OutcomeKind = iota + 1
	// AlreadyApplied: this very batch was applied before (a reply was lost): go on.
	AlreadyApplied
	// Fenced: another owner has claimed the partition since: stop.
	Fenced
	// Rewound: the store is behind what this owner has committed (restored from a backup, a failover lost
	// writes, or the partition is gone): drop all that is held in memory and begin again at Found.
	Rewound
	// Diverged: the position is the expected one but an account is not, or the position is one that this owner
	// can't explain: stop, alarm.
	Diverged
)

// String names the kind for logs and metrics.
func (k OutcomeKind) String() string {
	switch k {
	case Applied:
		return "applied"
	case AlreadyApplied:
		return "already_applied"
	case Fenced:
		return "fenced"
	case Rewound:
		return "rewound"
	case Diverged:
		return "diverged"
	default:
		return fmt.Sprintf("outcome(%d)", uint8(k))
	}
}
