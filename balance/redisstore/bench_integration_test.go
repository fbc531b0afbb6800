//go:build integration

package redisstore_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/redis/go-redis/v9"

	"drawdown"
	"drawdown/balance"
	"drawdown/balance/redisstore"
	redisserver "drawdown/internal/servers/redis"
)

// benchCommit changes accounts as a busy batch does: a core of 250 bytes and fields of 100 bytes each.
func benchCommit(b *testing.B, store balance.Store, accounts, fields int) *balance.Commit {
	b.Helper()
	c := claimed(b, store, accounts)
	c.Broadcasts, c.Wake, c.Index = nil, nil, nil
	for i := range c.Accounts {
		change := &c.Accounts[i]
		change.Appends, change.Drops, change.Fields = nil, nil, nil
		for f := range fields {
			change.Fields = append(change.Fields, balance.Field{Name: fmt.Sprintf("connection-%d", f), Value: bytes.Repeat([]byte{1}, 100)})
		}
	}
	return c
}

// advance turns an applied commit into the next one in place.
func advance(c *balance.Commit) {
	c.Expected, c.Next = c.Next, c.Next+(c.Next-c.Expected)
	c.Clock++
	for i := range c.Accounts {
		change := &c.Accounts[i]
		change.Before = change.After
		change.After.Version, change.After.Balance = int64(c.Next), change.After.Balance-1
	}
}

func benchServer(b *testing.B) *redis.Client {
	b.Helper()
	server := newServer(b, redisserver.Options{AppendOnly: redisserver.Everysec})
	client := newClient(b, &redis.Options{Addr: server.Addr()})
	if err := client.ConfigSet(b.Context(), "hash-max-listpack-value", "1024").Err(); err != nil {
		b.Fatal(err)
	}
	return client
}

func BenchmarkCommit(b *testing.B) {
	for _, accounts := range []int{1000, 10_000} {
		for _, fields := range []int{1, 3} {
			b.Run(fmt.Sprintf("accounts=%d/fields=%d", accounts, fields), func(b *testing.B) {
				store := newSubject(b, benchServer(b))
				c := benchCommit(b, store, accounts, fields)
				mustApply(b, store, c)
				b.ReportAllocs()
				for b.Loop() {
					advance(c)
					mustApply(b, store, c)
				}
				b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(accounts), "µs/account")
			})
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	const accounts = 10_000
	store := newSubject(b, benchServer(b))
	c := benchCommit(b, store, accounts, 3)
	mustApply(b, store, c)
	var ids []string
	for i := range c.Accounts {
		ids = append(ids, c.Accounts[i].Account)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := store.Load(b.Context(), 17, ids); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/accounts, "µs/account")
}

// BenchmarkMemory reports what one account of a 200-byte core takes, with Redis's own setting and with the recommended
// one.
func BenchmarkMemory(b *testing.B) {
	for _, packed := range []string{"64", "1024"} {
		for _, fields := range []int{0, 3} {
			b.Run(fmt.Sprintf("listpack-value=%s/fields=%d", packed, fields), func(b *testing.B) {
				const accounts = 10_000
				client := benchServer(b)
				if err := client.ConfigSet(b.Context(), "hash-max-listpack-value", packed).Err(); err != nil {
					b.Fatal(err)
				}
				store, err := redisstore.New(client, redisstore.DefaultPrefix)
				if err != nil {
					b.Fatal(err)
				}
				c := benchCommit(b, store, accounts, fields)
				for i := range c.Accounts {
					c.Accounts[i].Core = c.Accounts[i].Core[:200]
					c.Accounts[i].Due = drawdown.Time(1_700_000_000_000 + i)
				}
				mustApply(b, store, c)
				for b.Loop() {
					b.ReportMetric(float64(dataset(b, client))/accounts, "B/account")
				}
			})
		}
	}
}

// dataset is what the keys take, and nothing else.
func dataset(b *testing.B, client *redis.Client) int {
	b.Helper()
	total := 0
	iterator := client.Scan(b.Context(), 0, "*", 10_000).Iterator()
	for iterator.Next(b.Context()) {
		n, err := client.MemoryUsage(b.Context(), iterator.Val(), 0).Result()
		if err != nil {
			b.Fatal(err)
		}
		total += int(n)
	}
	if err := iterator.Err(); err != nil {
		b.Fatal(err)
	}
	return total
}
