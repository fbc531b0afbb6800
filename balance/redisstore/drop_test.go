package redisstore_test

import (
	"context"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"drawdown"
	"drawdown/balance"
	"drawdown/balance/redisstore"
)

func TestDropTakesOnePartitionAndAllOfIt(t *testing.T) {
	ctx := context.Background()
	server := miniredis.RunT(t)
	client := redis.NewClient(&redis.Options{Addr: server.Addr()})
	t.Cleanup(func() { client.Close() })
	store, err := redisstore.New(client, "draw[down]*:")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.RecordPartitions(ctx, 20); err != nil {
		t.Fatal(err)
	}
	for _, partition := range []int32{1, 17} {
		epoch, _, err := store.Claim(ctx, partition, "me")
		if err != nil {
			t.Fatal(err)
		}
		outcome, err := store.Commit(ctx, &balance.Commit{
			Partition: partition, Epoch: epoch, Next: 1, Clock: 5, Broadcasts: [][]byte{[]byte("plan")},
			Index: []balance.IndexEntry{{Connector: "source", Account: "a"}},
			Accounts: []balance.AccountChange{{
				Account: "a", After: balance.Mark{Version: 1, Balance: 7}, Core: []byte("core"), Due: drawdown.Never,
				Appends: []balance.SegmentAppend{{Segment: "u1", Data: []byte("id")}},
			}},
		})
		if err != nil || outcome.Kind != balance.Applied {
			t.Fatal(outcome, err)
		}
	}
	kept := len(server.Keys())/2 + 1 // one of two partitions, and how many there are
	if err := store.Drop(ctx, 17); err != nil {
		t.Fatal(err)
	}
	if position, err := store.Position(ctx, 17); err != nil || position.Exists {
		t.Fatal(position, err)
	}
	if position, err := store.Position(ctx, 1); err != nil || position.Next != 1 {
		t.Fatal(position, err)
	}
	if got := len(server.Keys()); got != kept {
		t.Fatalf("%d keys are left, expected %d: %q", got, kept, server.Keys())
	}
}
