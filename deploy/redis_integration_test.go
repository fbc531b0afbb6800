//go:build integration

package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"drawdown"
	"drawdown/balance"
	"drawdown/balance/redisstore"
	"drawdown/balance/storetest"
	"drawdown/consumer/decode"
	"drawdown/internal/app"
	"drawdown/internal/servers"
	"drawdown/purchasing"
)

// passwords of the users, as secrets.sh would make them.
var passwords = map[string]string{"drawdown": "d-secret", "reader": "r-secret", "api": "a-secret", "operator": "o-secret"}

// startRedis starts Redis as compose.yaml does: with start.sh, the settings and the users of this folder.
func startRedis(t *testing.T) (addr string) {
	t.Helper()
	if _, err := servers.RedisServer.Find(); err != nil {
		t.Fatal(err)
	}
	addr, err := servers.FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	script, err := filepath.Abs("redis/start.sh")
	if err != nil {
		t.Fatal(err)
	}
	server, err := servers.Run(t.Context(), servers.Spec{
		Name: "redis", Addr: addr, StartTimeout: time.Minute,
		Command: func(dir string) (servers.Command, error) {
			return servers.Command{
				Path: "/bin/sh",
				// The test's own dumps compare keys by DEBUG DIGEST-VALUE.
				Args: []string{script, "--dir", dir, "--bind", host, "--port", port, "--enable-debug-command", "local"},
				Env: []string{
					"TMPDIR=" + dir, "DRAWDOWN_PASSWORD=" + passwords["drawdown"],
					"READER_PASSWORD=" + passwords["reader"], "API_PASSWORD=" + passwords["api"], "OPERATOR_PASSWORD=" + passwords["operator"],
				},
				Dir: dir,
			}, nil
		},
		Ready: func(ctx context.Context) error { // as the health check does
			client := redis.NewClient(&redis.Options{Addr: addr, Username: "health", Password: "none", MaxRetries: -1, Protocol: 2, DisableIdentity: true})
			return errors.Join(client.Ping(ctx).Err(), client.Close())
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the end of %s:\n%s", server.Log(), servers.LogTail(server.Log()))
		}
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	return addr
}

func userOf(t *testing.T, addr, user string) *redis.Client {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: addr, Username: user, Password: passwords[user]})
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// subject is a store that works as the user of the workers, while the operator looks at what it does.
type subject struct {
	*redisstore.Store
	t        *testing.T
	operator *redis.Client
	prefix   string
	payloads map[string]map[string]string // by what a dump prints, what restores it
}

// Dump returns a digest of each key: two keys of one content can be laid out differently.
func (s *subject) Dump() any {
	s.t.Helper()
	digests, payload := make(map[string]string), make(map[string]string)
	for _, key := range s.keys() {
		digest, err := s.operator.Do(s.t.Context(), "DEBUG", "DIGEST-VALUE", key).StringSlice()
		if err != nil {
			s.t.Fatal(err)
		}
		digests[key] = strings.Join(digest, "")
		if payload[key], err = s.operator.Dump(s.t.Context(), key).Result(); err != nil {
			s.t.Fatal(err)
		}
	}
	s.payloads[fmt.Sprint(digests)] = payload
	return digests
}

func (s *subject) Restore(dump any) {
	s.t.Helper()
	if keys := s.keys(); len(keys) > 0 {
		if err := s.operator.Del(s.t.Context(), keys...).Err(); err != nil {
			s.t.Fatal(err)
		}
	}
	for key, value := range s.payloads[fmt.Sprint(dump)] {
		if err := s.operator.Restore(s.t.Context(), key, 0, value).Err(); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *subject) keys() []string {
	s.t.Helper()
	keys, err := s.operator.Keys(s.t.Context(), s.prefix+"*").Result()
	if err != nil {
		s.t.Fatal(err)
	}
	return keys
}

// TestWorkersUserCanWork runs the store's whole conformance suite with the rights and settings of production.
func TestWorkersUserCanWork(t *testing.T) {
	addr := startRedis(t)
	worker, operator := userOf(t, addr, "drawdown"), userOf(t, addr, "operator")
	var prefixes atomic.Int64
	storetest.Run(t, func(t *testing.T) storetest.Subject {
		prefix := "drawdown:" + strconv.FormatInt(prefixes.Add(1), 10) + ":"
		store, err := redisstore.New(worker, prefix)
		if err != nil {
			t.Fatal(err)
		}
		if err := store.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		return &subject{Store: store, t: t, operator: operator, prefix: prefix, payloads: make(map[string]map[string]string)}
	})
	denied, err := operator.Do(t.Context(), "ACL", "LOG").Slice()
	if err != nil || len(denied) > 0 {
		t.Errorf("the suite passed, but Redis refused something: %v, %v", denied, err)
	}
}

// TestReadersCanRead: the purchaser and the notifier find out who pays and who is told with the rights of a reader.
func TestReadersCanRead(t *testing.T) {
	addr := startRedis(t)
	next := keepAccount(t, userOf(t, addr, "drawdown"))
	config := exampleConfig(t, "purchaser")
	config.Redis.Addrs, config.Redis.Password = []string{addr}, passwords["reader"]
	client, store, err := config.OpenRedis()
	must(t, err)
	t.Cleanup(func() { _ = client.Close() })
	directory := app.NewDirectory(store)
	profile, err := directory.Profile(t.Context(), "acme", next-1)
	if err != nil || profile.Plan.ID != "airbyte-cloud-ladder" || profile.Email != "a@example.com" ||
		profile.Primary != (drawdown.PaymentMethod{Method: "pm_1", Customer: "cus_1"}) {
		t.Errorf("a reader finds %+v (%v)", profile, err)
	}
	if _, err := directory.Profile(t.Context(), "nobody", purchasing.Whenever); !errors.Is(err, app.ErrNoAccount) {
		t.Errorf("of an account that is not there: %v", err)
	}
	if plans, err := directory.Plans(t.Context()); err != nil || plans["make-10k-billed"].Subscription.Fallback != "make-free" {
		t.Errorf("a reader finds the plans %v (%v)", plans, err)
	}
	denied, err := userOf(t, addr, "operator").Do(t.Context(), "ACL", "LOG").Slice()
	if err != nil || len(denied) > 0 {
		t.Errorf("Redis refused something: %v, %v", denied, err)
	}
}

// TestTheAPICanReadAndRemember: it answers about accounts and keeps idempotency keys with the rights of its user.
func TestTheAPICanReadAndRemember(t *testing.T) {
	addr := startRedis(t)
	keepAccount(t, userOf(t, addr, "drawdown"))
	config := exampleConfig(t, "api")
	config.Redis.Addrs, config.Redis.Password = []string{addr}, passwords["api"]
	client, store, err := config.OpenRedis()
	must(t, err)
	t.Cleanup(func() { _ = client.Close() })
	accounts := app.NewLiveAccounts(store)
	if gate, err := accounts.Gate(t.Context(), "acme", "shop", nil, drawdown.TimeOf(time.Now())); err != nil || gate == nil || gate.Status != drawdown.Exhausted {
		t.Errorf("the gate says %+v (%v)", gate, err)
	}
	if overview, err := accounts.Overview(t.Context(), "acme", drawdown.TimeOf(time.Now())); err != nil || overview == nil || !overview.Enrolment.PaymentMethod {
		t.Errorf("the overview is %+v (%v)", overview, err)
	}
	if ids, _, err := accounts.Accounts(t.Context(), "", 10); err != nil || !slices.Equal(ids, []string{"acme"}) {
		t.Errorf("the accounts are %v (%v)", ids, err)
	}
	if position, err := store.Position(t.Context(), 0); err != nil || !position.Exists {
		t.Errorf("the position is %+v (%v)", position, err)
	}
	memory := config.OpenMemory(client)
	for i, want := range []string{"", "first"} {
		if before, err := memory.Claim(t.Context(), "k", []byte("first")); err != nil || string(before) != want {
			t.Errorf("claim %d found %q (%v)", i+1, before, err)
		}
	}
	must(t, memory.Put(t.Context(), "k", []byte("second")))
	denied, err := userOf(t, addr, "operator").Do(t.Context(), "ACL", "LOG").Slice()
	if err != nil || len(denied) > 0 {
		t.Errorf("Redis refused something: %v, %v", denied, err)
	}
}

// keepAccount has a worker's store keep the examples and an account, and returns the position after them.
func keepAccount(t *testing.T, worker *redis.Client) (next drawdown.Offset) {
	t.Helper()
	store, err := redisstore.New(worker, "drawdown:")
	must(t, err)
	_, err = store.RecordPartitions(t.Context(), 1)
	must(t, err)
	epoch, _, err := store.Claim(t.Context(), 0, "test")
	must(t, err)
	partition := balance.NewPartition(0)
	log := append(broadcasts(t),
		record(t, "1", "account.opened", "acme", json.RawMessage(`{"plan":"airbyte-cloud-ladder","email":"a@example.com","email_verified":true}`)),
		record(t, "2", "payment_method.saved", "acme", json.RawMessage(`{"method":"pm_1","kind":"card","customer":"cus_1"}`)))
	var decoder decode.Decoder
	for offset, line := range log {
		rec := drawdown.Record{Offset: drawdown.Offset(offset)}
		decoder.Decode(line, drawdown.NoTime, &rec)
		if rec.Account != nil && partition.Missing(rec.Account) {
			_, err := partition.Restore(balance.Stored{Account: string(rec.Account)})
			must(t, err)
		}
		partition.Apply(&rec, &rejects{t: t, record: line})
	}
	next = drawdown.Offset(len(log))
	outcome, err := store.Commit(t.Context(), partition.Take(epoch, next))
	if err != nil || outcome.Kind != balance.Applied {
		t.Fatalf("commit: %+v, %v", outcome, err)
	}
	return next
}

func TestUsersCanDoNothingElse(t *testing.T) {
	addr := startRedis(t)
	if err := userOf(t, addr, "operator").MSet(t.Context(), "drawdown:partitions", "8", "other", "x").Err(); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		user, command string
		allowed       bool
	}{
		{"drawdown", "GET drawdown:partitions", true},
		{"drawdown", "GET other", false},
		{"drawdown", "SET other x", false},
		{"drawdown", "FLUSHALL", false},
		{"drawdown", "KEYS *", false},
		{"drawdown", "SCAN 0", false},
		{"drawdown", "CONFIG SET maxmemory-policy allkeys-lru", false},
		{"drawdown", "DEBUG SLEEP 0", false},
		{"drawdown", "ACL LIST", false},
		{"drawdown", "SCRIPT FLUSH", false},
		{"drawdown", "SUBSCRIBE x", false},
		{"drawdown", "SHUTDOWN", false},
		{"reader", "GET drawdown:partitions", true},
		{"reader", "HGET drawdown:{p017}:a:acme b", true},
		{"reader", "HMGET drawdown:{p017}:a:acme v b", true},
		{"reader", "LRANGE drawdown:{p017}:catalogue 0 -1", true},
		{"reader", "HGET other b", false},
		{"reader", "LRANGE other 0 -1", false},
		{"reader", "KEYS *", false},
		{"reader", "SCAN 0", false},
		{"reader", "SCRIPT LOAD x", false},
		{"reader", "RPUSH drawdown:{p017}:catalogue x", false},
		{"reader", "SET drawdown:partitions 9", false},
		{"reader", "FLUSHALL", false},
		{"reader", "HSET drawdown:{p017}:a:acme b 1", false},
		{"reader", "DEL drawdown:partitions", false},
		{"reader", "GET other", false},
		{"api", "GET drawdown:partitions", true},
		{"api", "HGETALL drawdown:{p017}:a:acme", true},
		{"api", "ZSCAN drawdown:{p017}:due 0", true},
		{"api", "SET drawdown:api:idem:k v EX 10 NX", true},
		{"api", "GET drawdown:api:idem:k", true},
		{"api", "SET drawdown:partitions 9", false},
		{"api", "SET drawdown:{p017}:a:acme 9", false},
		{"api", "HSET drawdown:{p017}:a:acme b 1", false},
		{"api", "HSET drawdown:api:x b 1", false},
		{"api", "DEL drawdown:api:idem:k", false},
		{"api", "EVALSHA x 0", false},
		{"api", "GET other", false},
		{"api", "KEYS *", false},
		{"operator", "CONFIG GET maxmemory-policy", true},
		{"operator", "SCAN 0", true},
		{"operator", "UNLINK other", true},
	} {
		err := userOf(t, addr, test.user).Do(t.Context(), fields(test.command)...).Err()
		if errors.Is(err, redis.Nil) {
			err = nil
		}
		if refused := redis.HasErrorPrefix(err, "NOPERM"); refused == test.allowed || (err != nil && !refused) {
			t.Errorf("%s: %s: %v", test.user, test.command, err)
		}
	}
	for _, user := range []string{"", "default"} {
		client := redis.NewClient(&redis.Options{Addr: addr, Username: user, Protocol: 2, DisableIdentity: true, MaxRetries: -1})
		if err := client.Get(t.Context(), "drawdown:partitions").Err(); err == nil || errors.Is(err, redis.Nil) {
			t.Errorf("a client without a user could read: %v", err)
		}
		_ = client.Close()
	}
}

func fields(command string) (args []any) {
	for _, field := range strings.Fields(command) {
		args = append(args, field)
	}
	return args
}

// TestRedisTakesSettings: Redis itself says what it runs with, so that a name spelt wrong can't hide.
func TestRedisTakesSettings(t *testing.T) {
	operator := userOf(t, startRedis(t), "operator")
	for name, want := range map[string]string{
		"appendonly": "yes", "appendfsync": "everysec", "no-appendfsync-on-rewrite": "no",
		"maxmemory-policy": "noeviction", "maxmemory": strconv.Itoa(2 << 30),
		"hash-max-listpack-value": "1024", "hash-max-listpack-entries": "512",
	} {
		got, err := operator.ConfigGet(t.Context(), name).Result()
		if err != nil || got[name] != want {
			t.Errorf("%s is %q, want %q (%v)", name, got[name], want, err)
		}
	}
}

// TestStartRefusesMissingPassword: an empty password would let everybody in.
func TestStartRefusesMissingPassword(t *testing.T) {
	dir := t.TempDir()
	process, err := servers.Run(t.Context(), servers.Spec{
		Name: "redis", Addr: "127.0.0.1:1", Dir: dir, StartTimeout: 10 * time.Second,
		Command: func(string) (servers.Command, error) {
			script, err := filepath.Abs("redis/start.sh")
			return servers.Command{Path: "/bin/sh", Args: []string{script}, Env: []string{"DRAWDOWN_PASSWORD=x", "READER_PASSWORD="}, Dir: dir}, err
		},
		Ready: func(context.Context) error { return errors.New("never") },
	})
	if err == nil {
		t.Fatal("Redis started", process.Stop())
	}
	if log := servers.LogTail(filepath.Join(dir, "redis.log")); !strings.Contains(log, "READER_PASSWORD is not set") {
		t.Errorf("the script says %q", log)
	}
}
