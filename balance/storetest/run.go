package storetest

import (
	"context"
	"encoding/binary"
	"reflect"
	"testing"

	"drawdown"
	"drawdown/balance"
)

// Subject is a store under test.
type Subject interface {
	balance.Store
	// Dump returns all that the store holds, in a form that reflect.DeepEqual compares.
	Dump() any
	// Restore makes the store what it was at a dump, as a backup does.
	Restore(dump any)
}

// Run runs every case on an empty store of its own.
func Run(t *testing.T, open func(t *testing.T) Subject) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) { c.check(t, open(t)) })
	}
}

// cases are named by the rule that they show.
var cases = []struct {
	rule  string
	check func(t *testing.T, store Subject)
}{
	{"an empty store has nothing", emptyStore},
	{"a claim raises the epoch", claimRaises},
	{"a claim can be repeated", claimRepeated},
	{"a claim needs a token", claimWithoutToken},
	{"a commit is applied", applied},
	{"a commit may move the position only", positionOnly},
	{"a repeated commit is already applied", alreadyApplied},
	{"another batch to the same position is diverged", otherBatch},
	{"another batch from an earlier position is diverged", otherStart},
	{"an earlier owner is fenced", fenced},
	{"a fenced owner is not told of its own last batch", fencedRepetition},
	{"of two claims with one number only the later commits", sameNumber},
	{"a restored store is rewound for its owner", rewoundPosition},
	{"a store restored to before the claim is rewound", rewoundEpoch},
	{"a lost partition is rewound", rewoundMissing},
	{"an account of another version is diverged", divergedVersion},
	{"an account of another balance is diverged", divergedBalance},
	{"an account that should not be there is diverged", divergedPresent},
	{"an account that is not there is diverged", divergedAbsent},
	{"an invalid commit changes nothing", invalid},
	{"fields are replaced and deleted one by one", fields},
	{"names and values are bytes", binarySafe},
	{"the caller may use its buffers again", ownBuffers},
	{"segments grow and are dropped", segments},
	{"the catalogue keeps the order", catalogue},
	{"statuses are counted", statuses},
	{"due accounts come in order", dueOrder},
	{"a change of due replaces it", dueReplaced},
	{"a connector wakes its accounts", wake},
	{"a connector wakes entries of the same commit", wakeSameCommit},
	{"an entry without account wakes nobody", wakeUnknown},
	{"partitions don't see each other", isolation},
	{"the count of partitions is recorded once", recordPartitions},
	{"10,000 accounts are one commit", large},
	{"one account with 5,000 fields is one commit", manyFields},
	{"accounts are listed page by page", pages},
}

// owner commits batches to a partition as its worker does.
type owner struct {
	t         *testing.T
	store     Subject
	partition int32
	epoch     balance.Epoch
	next      drawdown.Offset
}

// claim makes an owner of partition 17 unless told otherwise.
func claim(t *testing.T, store Subject, token string, partition ...int32) *owner {
	t.Helper()
	o := &owner{t: t, store: store, partition: 17}
	if len(partition) > 0 {
		o.partition = partition[0]
	}
	epoch, position, err := store.Claim(ctx(), o.partition, token)
	if err != nil {
		t.Fatalf("claim: %v", err)
	}
	o.epoch, o.next = epoch, position.Next
	return o
}

func ctx() context.Context { return context.Background() }

// batch begins a commit of ten records at the owner's position.
func (o *owner) batch(accounts ...balance.AccountChange) *balance.Commit {
	c := &balance.Commit{
		Partition: o.partition, Epoch: o.epoch, Expected: o.next, Next: o.next + 10,
		Clock: drawdown.Time(1_000_000 + o.next), Accounts: accounts,
	}
	binary.BigEndian.PutUint64(c.Digest[:], uint64(c.Next))
	return c
}

// apply commits, and fails the test if the commit is not applied.
func (o *owner) apply(c *balance.Commit) {
	o.t.Helper()
	outcome, err := o.store.Commit(ctx(), c)
	if err != nil || outcome != (balance.Outcome{Kind: balance.Applied}) {
		o.t.Fatalf("commit %d to %d: %+v, %v; want applied", c.Expected, c.Next, outcome, err)
	}
	o.next = c.Next
}

// refused commits, and fails the test if the outcome is another one than wanted or the store has changed.
func (o *owner) refused(c *balance.Commit, want balance.Outcome) {
	o.t.Helper()
	before := o.store.Dump()
	want.Found = o.position()
	outcome, err := o.store.Commit(ctx(), c)
	if err != nil || outcome != want {
		o.t.Fatalf("commit %d to %d:\n got %+v, %v\nwant %+v", c.Expected, c.Next, outcome, err, want)
	}
	unchanged(o.t, o.store, before)
}

func unchanged(t *testing.T, store Subject, before any) {
	t.Helper()
	if after := store.Dump(); !reflect.DeepEqual(before, after) {
		t.Fatalf("the store has changed:\nbefore %v\nafter  %v", before, after)
	}
}

func (o *owner) position() balance.Position {
	o.t.Helper()
	position, err := o.store.Position(ctx(), o.partition)
	if err != nil {
		o.t.Fatalf("position: %v", err)
	}
	return position
}

// opened is the change that opens an account.
func opened(id string, version int64, available drawdown.Credits) balance.AccountChange {
	return balance.AccountChange{
		Account: id, After: balance.Mark{Version: version, Balance: available},
		Core: []byte("core of " + id), Due: drawdown.Never,
	}
}

// changed is a later change of an account.
func changed(before balance.AccountChange, version int64, available drawdown.Credits) balance.AccountChange {
	after := opened(before.Account, version, available)
	after.Before, after.Due = before.After, before.Due
	return after
}

// full is a change that uses every part of a commit, to be refused: whatever is written shows.
func (o *owner) full(id string) *balance.Commit {
	change := opened(id, int64(o.next)+1, 7)
	change.Fields = []balance.Field{{Name: "connection", Value: []byte("c")}}
	change.Appends = []balance.SegmentAppend{{Segment: "ids", Data: []byte("data")}}
	change.Drops = []string{"old"}
	change.Due = 5
	c := o.batch(change)
	c.Broadcasts = [][]byte{[]byte("broadcast")}
	c.Index = []balance.IndexEntry{{Connector: "postgres", Account: id}}
	c.Wake = []string{"postgres"}
	c.Statuses[drawdown.Active] = 1
	return c
}

func (o *owner) load(ids ...string) []balance.Stored {
	o.t.Helper()
	loaded, err := o.store.Load(ctx(), o.partition, ids)
	if err != nil {
		o.t.Fatalf("load: %v", err)
	}
	if len(loaded) != len(ids) {
		o.t.Fatalf("load: %d accounts, want %d", len(loaded), len(ids))
	}
	return loaded
}

func (o *owner) due(until drawdown.Time, limit int) []balance.DueAccount {
	o.t.Helper()
	due, err := o.store.Due(ctx(), o.partition, until, limit)
	if err != nil {
		o.t.Fatalf("due: %v", err)
	}
	return due
}

func equal[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%s:\n got %+v\nwant %+v", what, got, want)
	}
}
