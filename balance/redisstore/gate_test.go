package redisstore_test

import (
	"context"
	"reflect"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"drawdown"
	"drawdown/balance"
	"drawdown/balance/redisstore"
)

func TestGateReadsTheNamedFieldsOnly(t *testing.T) {
	ctx := context.Background()
	server := miniredis.RunT(t)
	client := redis.NewClient(&redis.Options{Addr: server.Addr()})
	t.Cleanup(func() { client.Close() })
	store, err := redisstore.New(client, "drawdown:")
	if err != nil {
		t.Fatal(err)
	}
	epoch, _, err := store.Claim(ctx, 17, "me")
	if err != nil {
		t.Fatal(err)
	}
	mark := balance.Mark{Version: 1, Balance: -5}
	mustApply(t, store, &balance.Commit{
		Partition: 17, Epoch: epoch, Next: 1, Clock: 5,
		Accounts: []balance.AccountChange{{
			Account: "a", After: mark, Core: []byte("core"), Due: drawdown.Never,
			Fields: []balance.Field{{Name: "h", Value: []byte("holds")}, {Name: "cone", Value: []byte("1")}, {Name: "ctwo", Value: []byte("2")}},
		}},
	})
	for _, test := range []struct {
		rule, account string
		fields        []string
		want          balance.Stored
	}{
		{"all that are named", "a", balance.GateFields("one"), balance.Stored{
			Account: "a", Mark: mark, Core: []byte("core"),
			Fields: []balance.Field{{Name: "h", Value: []byte("holds")}, {Name: "cone", Value: []byte("1")}},
		}},
		{"those that are there", "a", balance.GateFields("three"), balance.Stored{
			Account: "a", Mark: mark, Core: []byte("core"), Fields: []balance.Field{{Name: "h", Value: []byte("holds")}},
		}},
		{"an account that is absent", "b", balance.GateFields("one"), balance.Stored{Account: "b"}},
	} {
		if got, err := store.Gate(ctx, 17, test.account, test.fields); err != nil || !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %+v, %v; want %+v", test.rule, got, err, test.want)
		}
	}
	server.HSet("drawdown:{p017}:a:a", "v", "x")
	if _, err := store.Gate(ctx, 17, "a", nil); err == nil {
		t.Error("a version that is no number was taken")
	}
	server.Close()
	if _, err := store.Gate(ctx, 17, "a", nil); err == nil {
		t.Error("a server that is away answered")
	}
}
