package app

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	goredis "github.com/redis/go-redis/v9"

	"drawdown"
	"drawdown/api/office"
	"drawdown/balance"
	"drawdown/balance/redisstore"
	"drawdown/consumer/murmur"
	"drawdown/internal/servers/embedded"
)

const pagePartitions = 3

// accountsOn stores accounts, each in its partition, on a Redis in this process.
func accountsOn(t *testing.T, ids []string) *LiveAccounts {
	t.Helper()
	server, err := embedded.StartRedis("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	client := goredis.NewClient(&goredis.Options{Addr: server.Addr()})
	t.Cleanup(func() { _ = client.Close() })
	store, err := redisstore.New(client, "drawdown:")
	if err != nil {
		t.Fatal(err)
	}
	live := NewLiveAccounts(store)
	if _, _, err := live.Accounts(t.Context(), "", 1); !errors.Is(err, errNoPartitions) {
		t.Fatalf("before a worker has run: %v", err)
	}
	if _, err := store.RecordPartitions(t.Context(), pagePartitions); err != nil {
		t.Fatal(err)
	}
	changes := make([][]balance.AccountChange, pagePartitions)
	for i, id := range ids {
		p := murmur.Partition([]byte(id), pagePartitions)
		changes[p] = append(changes[p], balance.AccountChange{
			Account: id, After: balance.Mark{Version: int64(i + 1)}, Core: []byte{1}, Due: drawdown.Never,
		})
	}
	for p := range int32(pagePartitions) {
		epoch, _, err := store.Claim(t.Context(), p, "test")
		if err != nil {
			t.Fatal(err)
		}
		outcome, err := store.Commit(t.Context(), &balance.Commit{Partition: p, Epoch: epoch, Next: 1000, Accounts: changes[p]})
		if err != nil || outcome.Kind != balance.Applied {
			t.Fatalf("%+v, %v", outcome, err)
		}
	}
	return live
}

// TestPagesOfAccounts: pages of any length together list each account once, also where a page ends with a partition.
func TestPagesOfAccounts(t *testing.T) {
	var ids []string
	for i := range 300 {
		ids = append(ids, fmt.Sprintf("account-%03d", i))
	}
	live := accountsOn(t, ids)
	for _, limit := range []int{1, 2, 7, 99, 100, 101, 299, 300, 301, 1000} {
		var listed []string
		for cursor, pages := "", 0; ; pages++ {
			page, next, err := live.Accounts(t.Context(), cursor, limit)
			if err != nil || len(page) > limit || pages > len(ids) {
				t.Fatalf("limit %d: a page of %d, %v", limit, len(page), err)
			}
			listed = append(listed, page...)
			if next == "" {
				break
			}
			if len(page) != limit {
				t.Errorf("limit %d: a page of %d, and there are more", limit, len(page))
			}
			cursor = next
		}
		slices.Sort(listed)
		if !slices.Equal(listed, ids) {
			t.Errorf("limit %d: %d listed", limit, len(listed))
		}
	}
}

func TestForgedCursorsOfAccounts(t *testing.T) {
	live := accountsOn(t, []string{"acme"})
	for _, cursor := range []string{"x", "!", accountCursor(pagePartitions, "acme"), accountCursor(-1, "acme"), accountCursor(0, "a/b"), accountCursor(0, ""), "MA", accountCursor(0, "acme") + "="} {
		if _, _, err := live.Accounts(t.Context(), cursor, 10); !errors.Is(err, office.ErrBadCursor) {
			t.Errorf("%q: %v", cursor, err)
		}
	}
}
