package redisstore_test

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"net"
	"os"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"drawdown"
	"drawdown/balance"
	"drawdown/balance/redisstore"
)

func TestBalanceIsAPlainIntegerForOtherPrograms(t *testing.T) {
	client := newMiniredis(t)
	store, err := redisstore.New(client, redisstore.DefaultPrefix)
	if err != nil {
		t.Fatal(err)
	}
	mustApply(t, store, claimed(t, store, 2))
	if text, err := client.HGet(t.Context(), "drawdown:{p017}:a:account-00001", "b").Result(); err != nil || text != "12500000000" {
		t.Fatalf("balance %q, %v", text, err)
	}
	marks, err := store.Balances(t.Context(), 17, []string{"nobody", "account-00001"})
	want := []balance.Mark{{}, {Version: 1, Balance: 12_500_000_000}}
	if err != nil || !reflect.DeepEqual(marks, want) {
		t.Fatalf("balances %+v, %v; want %+v", marks, err, want)
	}
}

func TestALostReplyIsAskedForAgain(t *testing.T) {
	server := miniredis.RunT(t)
	var lose atomic.Bool
	client := newClient(t, &redis.Options{
		Addr: server.Addr(),
		Dialer: func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, addr)
			return &losing{Conn: conn, lose: &lose}, err
		},
	})
	store := newSubject(t, client)
	c := claimed(t, store, 10)
	mustApply(t, store, c)
	c = again(c)
	lose.Store(true)
	outcome, err := store.Commit(t.Context(), c)
	if err != nil || outcome.Kind != balance.AlreadyApplied {
		t.Fatalf("commit: %v, %v; want already applied", outcome.Kind, err)
	}
	if lose.Load() {
		t.Fatal("no reply was lost")
	}
}

// losing is a connection that loses one reply when it is told to: the server has done what it was asked.
type losing struct {
	net.Conn
	lose *atomic.Bool
}

func (l *losing) Read(b []byte) (int, error) {
	n, err := l.Conn.Read(b)
	if err == nil && l.lose.CompareAndSwap(true, false) {
		return 0, errors.Join(net.ErrClosed, l.Close())
	}
	return n, err
}

func TestAServerThatForgotTheScriptGetsItAgain(t *testing.T) {
	client := newMiniredis(t)
	store := newSubject(t, client)
	c := claimed(t, store, 3)
	for range 3 {
		if err := client.ScriptFlush(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		mustApply(t, store, c)
		c = again(c)
	}
}

func TestScriptsAreCalledByTheirDigest(t *testing.T) {
	client := newMiniredis(t)
	store := newSubject(t, client)
	mustApply(t, store, claimed(t, store, 1))
	for _, file := range []string{"commit.lua", "claim.lua"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha1.Sum(text)
		known, err := client.ScriptExists(t.Context(), hex.EncodeToString(sum[:])).Result()
		if err != nil || !known[0] {
			t.Errorf("%s: known %v, %v", file, known, err)
		}
	}
}

func TestAKeyOfAnotherTypeIsFoundBeforeTheFirstWrite(t *testing.T) {
	checkForeignKeys(t, newMiniredis(t))
}

// checkForeignKeys puts something else under one key after the other.
func checkForeignKeys(t *testing.T, client *redis.Client) {
	for _, key := range []string{"meta", "due", "catalogue", "a:account-00002", "g:account-00002/hour", "i:postgres"} {
		t.Run(key, func(t *testing.T) {
			store := newSubject(t, client)
			c := claimed(t, store, 3)
			mustApply(t, store, c)
			full := store.prefix + "{p017}:" + key
			if err := client.Del(t.Context(), full).Err(); err != nil {
				t.Fatal(err)
			}
			var err error
			if strings.HasPrefix(key, "g:") {
				err = client.SAdd(t.Context(), full, "foreign").Err()
			} else {
				err = client.Set(t.Context(), full, "foreign", 0).Err()
			}
			if err != nil {
				t.Fatal(err)
			}
			refusedWhole(t, store, again(c), redisstore.Corrupt)
		})
	}
}

// refusedWhole commits, expects an error of a kind, and that nothing was written.
func refusedWhole(t *testing.T, store *subject, c *balance.Commit, kind redisstore.ErrorKind) {
	t.Helper()
	before := store.Dump()
	outcome, err := store.Commit(t.Context(), c)
	expectError(t, err, kind)
	if outcome.Kind != 0 {
		t.Fatalf("commit: %v", outcome.Kind)
	}
	if after := store.Dump(); !reflect.DeepEqual(before, after) {
		t.Fatalf("the store has changed:\nbefore %v\nafter  %v", before, after)
	}
}

func expectError(t *testing.T, err error, kind redisstore.ErrorKind) {
	t.Helper()
	var e *redisstore.Error
	if !errors.As(err, &e) || e.Kind != kind {
		t.Fatalf("error %v; want kind %d", err, kind)
	}
	retriable := kind == redisstore.Unreachable || kind == redisstore.Unavailable || kind == redisstore.ReadOnly || kind == redisstore.Full
	if redisstore.Retriable(err) != retriable {
		t.Fatalf("retriable %v: %v", !retriable, err)
	}
}

func TestCountsThatAreNoNumbersAreFoundBeforeTheFirstWrite(t *testing.T) {
	client := newMiniredis(t)
	store := newSubject(t, client)
	c := claimed(t, store, 3)
	if err := client.HSet(t.Context(), store.prefix+"{p017}:meta", "accounts:active", "many").Err(); err != nil {
		t.Fatal(err)
	}
	refusedWhole(t, store, c, redisstore.Refused)
	_, err := store.Position(t.Context(), 17)
	expectError(t, err, redisstore.Corrupt)
}

func TestUnreadableContentIsCorrupt(t *testing.T) {
	client := newMiniredis(t)
	store := newSubject(t, client)
	mustApply(t, store, claimed(t, store, 1))
	meta, account := store.prefix+"{p017}:meta", store.prefix+"{p017}:a:account-00000"
	for _, c := range []struct{ key, field, value string }{
		{meta, "epoch", "one"}, {meta, "epoch", "x:one"}, {meta, "epoch", "0:one"}, {meta, "next", "-1"}, {meta, "next", ""},
		{meta, "clock", "noon"}, {account, "v", "0"}, {account, "v", ""}, {account, "b", "1.5"},
	} {
		t.Run(c.field+" "+c.value, func(t *testing.T) {
			good := store.Dump()
			if err := client.HSet(t.Context(), c.key, c.field, c.value).Err(); err != nil {
				t.Fatal(err)
			}
			_, errPosition := store.Position(t.Context(), 17)
			_, errLoad := store.Load(t.Context(), 17, []string{"account-00000"})
			if c.key == meta {
				expectError(t, errPosition, redisstore.Corrupt)
			} else {
				expectError(t, errLoad, redisstore.Corrupt)
			}
			store.Restore(good)
		})
	}
}

func TestAPrefixWithBracesIsRefused(t *testing.T) {
	for _, prefix := range []string{"{x}:", "a{", "}b"} {
		if _, err := redisstore.New(nil, prefix); err == nil {
			t.Errorf("prefix %q was accepted", prefix)
		}
	}
}

func TestAnUnusableCallIsInvalid(t *testing.T) {
	store := newSubject(t, newMiniredis(t))
	_, err := store.Commit(t.Context(), &balance.Commit{})
	expectError(t, err, redisstore.Invalid)
	_, _, err = store.Claim(t.Context(), 1, "")
	expectError(t, err, redisstore.Invalid)
	_, _, err = store.Accounts(t.Context(), 1, "not a cursor")
	expectError(t, err, redisstore.Invalid)
	_, err = store.RecordPartitions(t.Context(), -1)
	expectError(t, err, redisstore.Invalid)
}

func TestNoServerIsRetriable(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	store := newSubject(t, newClient(t, &redis.Options{Addr: addr, MaxRetries: -1}))
	_, err = store.Position(t.Context(), 17)
	expectError(t, err, redisstore.Unreachable)
	_, err = store.Load(t.Context(), 17, []string{"a"})
	expectError(t, err, redisstore.Unreachable)
}

func TestACallThatWasGivenUpIsCanceled(t *testing.T) {
	store := newSubject(t, newMiniredis(t))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := store.Due(ctx, 17, drawdown.Never, 1)
	expectError(t, err, redisstore.Canceled)
	if redisstore.Retriable(nil) || redisstore.Retriable(errors.New("of somebody else")) {
		t.Fatal("an error of somebody else is retriable")
	}
}
