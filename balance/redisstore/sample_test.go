package redisstore_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"drawdown"
	"drawdown/balance"
)

// claimed claims partition 17 and returns a commit that uses every part, for count new accounts.
func claimed(t testing.TB, store balance.Store, count int) *balance.Commit {
	t.Helper()
	epoch, position, err := store.Claim(context.Background(), 17, "owner")
	if err != nil {
		t.Fatal(err)
	}
	c := &balance.Commit{
		Partition: 17, Epoch: epoch, Expected: position.Next, Next: position.Next + drawdown.Offset(count) + 1, Clock: 1000,
		Broadcasts: [][]byte{[]byte("broadcast")}, Wake: []string{"postgres"},
	}
	c.Statuses[drawdown.Active] = int64(count)
	for i := range count {
		id := fmt.Sprintf("account-%05d", i)
		c.Accounts = append(c.Accounts, balance.AccountChange{
			Account: id, After: balance.Mark{Version: 1, Balance: 12_500_000_000}, Core: bytes.Repeat([]byte{byte(i)}, 250),
			Fields:  []balance.Field{{Name: "connection", Value: bytes.Repeat([]byte{byte(i)}, 100)}, {Name: "gone"}},
			Appends: []balance.SegmentAppend{{Segment: "hour", Data: []byte("ids")}}, Drops: []string{"old"}, Due: 5000,
		})
		c.Index = append(c.Index, balance.IndexEntry{Connector: "postgres", Account: id})
	}
	return c
}

// again turns an applied commit into the next change of the same accounts.
func again(c *balance.Commit) *balance.Commit {
	next := *c
	next.Expected, next.Next = c.Next, c.Next+(c.Next-c.Expected)
	next.Digest[0]++
	next.Accounts = nil
	for _, change := range c.Accounts {
		change.Before = change.After
		change.After.Version, change.After.Balance = int64(next.Next), change.After.Balance-1
		next.Accounts = append(next.Accounts, change)
	}
	return &next
}

// mustApply commits and fails the test unless the commit is applied.
func mustApply(t testing.TB, store balance.Store, c *balance.Commit) {
	t.Helper()
	outcome, err := store.Commit(context.Background(), c)
	if err != nil || outcome.Kind != balance.Applied {
		t.Fatalf("commit: %v, %v; want applied", outcome.Kind, err)
	}
}
