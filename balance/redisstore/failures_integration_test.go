//go:build integration

package redisstore_test

import (
	"errors"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"drawdown/balance"
	"drawdown/balance/redisstore"
	redisserver "drawdown/internal/servers/redis"
)

// A server may become full at any byte of a commit. The limit is moved in small steps from well below what the server
// uses to well above what it needs. The first limit at which the commit is applied is within a step of what was used
// when the call began, and the commit needs many steps: it went over the limit in the middle of its writes.
func TestAFullServerAppliesAllOrNothing(t *testing.T) {
	const accounts, growth = 200, 4000
	const step, below, above = 32 << 10, 512 << 10, 3 << 20
	server := newServer(t, redisserver.Options{MaxMemoryBytes: 1 << 30})
	client := newClient(t, &redis.Options{Addr: server.Addr(), PoolSize: 1})
	store := newSubject(t, client)
	first := claimed(t, store, accounts)
	mustApply(t, store, first)
	c := again(first)
	for i := range c.Accounts {
		c.Accounts[i].Core = append(c.Accounts[i].Core, make([]byte, growth)...)
	}
	before := store.Dump()
	applied, refused := 0, 0
	for over := -below; over < above; over += step {
		used := usedMemory(t, client)
		configure(t, client, "maxmemory", strconv.Itoa(used+over))
		outcome, err := store.Commit(t.Context(), c)
		configure(t, client, "maxmemory", "0")
		switch {
		case err != nil:
			refused++
			expectError(t, err, redisstore.Full)
			if after := store.Dump(); !reflect.DeepEqual(before, after) {
				t.Fatalf("%d bytes over what is used: half a commit", over)
			}
		case outcome.Kind == balance.Applied:
			applied++
			checkWhole(t, store, c)
			if needed := usedMemory(t, client) - used; needed < 10*step {
				t.Fatalf("the commit needs %d bytes only", needed)
			}
			store.Restore(before)
		default:
			t.Fatalf("commit: %v", outcome.Kind)
		}
	}
	if applied < 10 || refused < 10 {
		t.Fatalf("applied %d times, refused %d times: the limit was not moved across", applied, refused)
	}
	mustApply(t, store, c) // as soon as there is memory, the same call is right
}

func usedMemory(t *testing.T, client *redis.Client) int {
	t.Helper()
	info, err := client.Info(t.Context(), "memory").Result()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(info) {
		if text, ok := strings.CutPrefix(strings.TrimSpace(line), "used_memory:"); ok {
			used, err := strconv.Atoi(text)
			if err != nil {
				t.Fatal(err)
			}
			return used
		}
	}
	t.Fatalf("no used_memory in %s", info)
	return 0
}

// checkWhole fails unless every part of an applied commit is there.
func checkWhole(t *testing.T, store *subject, c *balance.Commit) {
	t.Helper()
	position, err := store.Position(t.Context(), c.Partition)
	if err != nil || position.Next != c.Next {
		t.Fatalf("position %+v, %v", position, err)
	}
	for _, change := range c.Accounts {
		loaded, err := store.Load(t.Context(), c.Partition, []string{change.Account})
		if err != nil || loaded[0].Mark != change.After || len(loaded[0].Core) != len(change.Core) {
			t.Fatalf("account %s: %+v, %v; want %+v", change.Account, loaded, err, change.After)
		}
		contents, err := store.Segments(t.Context(), c.Partition, []balance.SegmentKey{{Account: change.Account, Segment: "hour"}})
		if err != nil || string(contents[0]) != "idsids" {
			t.Fatalf("segment of %s: %q, %v", change.Account, contents, err)
		}
	}
	broadcasts, err := store.Catalogue(t.Context(), c.Partition)
	if err != nil || len(broadcasts) != 2 {
		t.Fatalf("catalogue: %q, %v", broadcasts, err)
	}
}

// A right that a user lacks must be found before the first write, not by the first account that needs it.
func TestAMissingRightIsFoundBeforeTheFirstWrite(t *testing.T) {
	admin := newClient(t, &redis.Options{Addr: newServer(t, redisserver.Options{}).Addr()})
	for _, command := range []string{"hset", "hdel", "zadd", "rpush", "append", "del", "sadd", "smembers", "hmget", "zcard", "llen", "strlen", "scard"} {
		t.Run(command, func(t *testing.T) {
			rules := []string{"on", ">secret", "~*", "+@all", "-" + command}
			if err := admin.Do(t.Context(), "acl", "setuser", "worker", "reset", rules[0], rules[1], rules[2], rules[3]).Err(); err != nil {
				t.Fatal(err)
			}
			store := newSubject(t, newClient(t, &redis.Options{Addr: admin.Options().Addr, Username: "worker", Password: "secret"}))
			c := claimed(t, store, 3)
			mustApply(t, store, c)
			if err := admin.Do(t.Context(), "acl", "setuser", "worker", rules[4]).Err(); err != nil {
				t.Fatal(err)
			}
			before := (&subject{t: t, client: admin, prefix: store.prefix}).Dump()
			_, err := store.Commit(t.Context(), again(c))
			expectError(t, err, redisstore.Denied)
			after := (&subject{t: t, client: admin, prefix: store.prefix}).Dump()
			if !reflect.DeepEqual(before, after) {
				t.Fatal("half a commit")
			}
		})
	}
}

// The list of rights in the package's documentation is enough for everything.
func TestTheDocumentedRightsAreEnough(t *testing.T) {
	admin := newClient(t, &redis.Options{Addr: newServer(t, redisserver.Options{}).Addr()})
	rules := []any{"acl", "setuser", "worker", "reset", "on", ">secret", "~drawdown:*"}
	for _, command := range strings.Fields(`evalsha script|load hget hmget hgetall hset hdel hexists get set strlen append del sadd scard
		smembers zadd zcard zrange zscan llen lrange rpush info`) {
		rules = append(rules, "+"+command)
	}
	if err := admin.Do(t.Context(), rules...).Err(); err != nil {
		t.Fatal(err)
	}
	client := newClient(t, &redis.Options{Addr: admin.Options().Addr, Username: "worker", Password: "secret"})
	store, err := redisstore.New(client, redisstore.DefaultPrefix)
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	c := claimed(t, store, 3)
	mustApply(t, store, c)
	mustApply(t, store, again(c))
	_, errPosition := store.Position(ctx, 17)
	_, errLoad := store.Load(ctx, 17, []string{"account-00000"})
	_, errSegments := store.Segments(ctx, 17, []balance.SegmentKey{{Account: "a", Segment: "b"}})
	_, errBalances := store.Balances(ctx, 17, []string{"account-00000"})
	_, errCatalogue := store.Catalogue(ctx, 17)
	_, errDue := store.Due(ctx, 17, 5000, 10)
	_, _, errAccounts := store.Accounts(ctx, 17, "")
	_, errRecord := store.RecordPartitions(ctx, 8)
	if err := errors.Join(errPosition, errLoad, errSegments, errBalances, errCatalogue, errDue, errAccounts, errRecord, store.Check(ctx)); err != nil {
		t.Fatal(err)
	}
}

func TestWrongCredentialsAreDenied(t *testing.T) {
	addr := newServer(t, redisserver.Options{Password: "right"}).Addr()
	for _, options := range []redis.Options{
		{Addr: addr}, {Addr: addr, Password: "wrong"}, {Addr: addr, Username: "nobody", Password: "right"},
	} {
		options.MaxRetries = -1
		store := newSubject(t, newClient(t, &options))
		_, err := store.Position(t.Context(), 17)
		expectError(t, err, redisstore.Denied)
		if !strings.Contains(err.Error(), "check user name, password") {
			t.Errorf("the error does not say what to do: %v", err)
		}
	}
}

func TestAReplicaIsReadOnly(t *testing.T) {
	master, replica := newServer(t, redisserver.Options{}), newServer(t, redisserver.Options{})
	client := newClient(t, &redis.Options{Addr: replica.Addr(), MaxRetries: -1})
	store := newSubject(t, client)
	c := claimed(t, store, 3)
	host, port, _ := strings.Cut(master.Addr(), ":")
	if err := client.ReplicaOf(t.Context(), host, port).Err(); err != nil {
		t.Fatal(err)
	}
	_, _, err := store.Claim(t.Context(), 17, "another")
	var e *redisstore.Error
	if !errors.As(err, &e) || (e.Kind != redisstore.ReadOnly && e.Kind != redisstore.Unavailable) {
		t.Fatalf("claim on a replica: %v", err)
	}
	_, err = store.Commit(t.Context(), c)
	if !redisstore.Retriable(err) {
		t.Fatalf("commit on a replica: %v", err)
	}
}

func TestTooFewReplicasChangeNothing(t *testing.T) {
	client := newClient(t, &redis.Options{Addr: newServer(t, redisserver.Options{}).Addr(), MaxRetries: -1})
	store := newSubject(t, client)
	c := claimed(t, store, 3)
	mustApply(t, store, c)
	configure(t, client, "min-replicas-to-write", "1")
	refusedWhole(t, store, again(c), redisstore.Unavailable)
	configure(t, client, "min-replicas-to-write", "0")
	mustApply(t, store, again(c))
}

func TestAKilledServerIsRetriableAndContinues(t *testing.T) {
	server := newServer(t, redisserver.Options{AppendOnly: redisserver.Always})
	store := newSubject(t, newClient(t, &redis.Options{Addr: server.Addr(), MaxRetries: -1, DialTimeout: time.Second}))
	c := claimed(t, store, 100)
	mustApply(t, store, c)
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	next := again(c)
	_, err := store.Commit(t.Context(), next)
	expectError(t, err, redisstore.Unreachable)
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	outcome, err := store.Commit(t.Context(), c)
	if err != nil || outcome.Kind != balance.AlreadyApplied {
		t.Fatalf("the commit before the kill: %v, %v; want already applied", outcome.Kind, err)
	}
	mustApply(t, store, next)
}

func TestCheckRefusesAServerThatMayForget(t *testing.T) {
	client := newClient(t, &redis.Options{Addr: newServer(t, redisserver.Options{}).Addr()})
	store := newSubject(t, client)
	if err := store.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	configure(t, client, "maxmemory-policy", "allkeys-lru")
	err := store.Check(t.Context())
	expectError(t, err, redisstore.Refused)
	if !strings.Contains(err.Error(), "noeviction") {
		t.Fatalf("the error does not say what to set: %v", err)
	}
}
