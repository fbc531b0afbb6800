//go:build integration

package redis_test

import (
	"errors"
	"strings"
	"testing"

	goredis "github.com/redis/go-redis/v9"

	"drawdown/internal/servers/redis"
	"drawdown/internal/servers/serverstest"
)

func client(t *testing.T, server *redis.Server, password string) *goredis.Client {
	t.Helper()
	client := goredis.NewClient(&goredis.Options{Addr: server.Addr(), Password: password})
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	})
	return client
}

func TestAnAppendOnlyServerKeepsItsDataThroughStopAndCrash(t *testing.T) {
	for _, fsync := range []redis.Fsync{redis.Always, redis.Everysec} {
		t.Run(string(fsync), func(t *testing.T) {
			server := serverstest.Redis(t, redis.Options{AppendOnly: fsync, Password: `a "secret"`})
			conn := client(t, server, `a "secret"`)
			for i, end := range []func() error{server.Halt, server.Kill, func() error { return nil }} {
				if n, err := conn.Incr(t.Context(), "n").Result(); err != nil || n != int64(i+1) {
					t.Fatalf("after %d restarts the counter is %d (%v), expected %d", i, n, err, i+1)
				}
				if err := errors.Join(end(), server.Restart(t.Context())); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func TestAServerInMemoryStartsEmptyAgain(t *testing.T) {
	server := serverstest.Redis(t, redis.Options{})
	conn := client(t, server, "")
	if err := conn.Set(t.Context(), "key", "value", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(server.Halt(), server.Restart(t.Context())); err != nil {
		t.Fatal(err)
	}
	if err := conn.Get(t.Context(), "key").Err(); !errors.Is(err, goredis.Nil) {
		t.Errorf("expected no such key, found %v", err)
	}
}

func TestAFullServerRefusesWritesAndAWrongPasswordIsRefused(t *testing.T) {
	server := serverstest.Redis(t, redis.Options{MaxMemoryBytes: 2 << 20, Password: "right"})
	err := client(t, server, "right").Set(t.Context(), "key", strings.Repeat("x", 4<<20), 0).Err()
	if err == nil {
		err = client(t, server, "right").Set(t.Context(), "another", "x", 0).Err()
	}
	if err == nil || !strings.Contains(err.Error(), "OOM") {
		t.Errorf("a write beyond maxmemory: %v, expected OOM", err)
	}
	if err := client(t, server, "wrong").Ping(t.Context()).Err(); err == nil || !strings.Contains(err.Error(), "WRONGPASS") {
		t.Errorf("a wrong password: %v, expected WRONGPASS", err)
	}
}

func TestAMissingServerIsAnErrorThatNamesTheRemedy(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := redis.Start(t.Context(), redis.Options{})
	if err == nil || !strings.Contains(err.Error(), "servers install redis") {
		t.Errorf("expected an error that names the install command, found %v", err)
	}
}
