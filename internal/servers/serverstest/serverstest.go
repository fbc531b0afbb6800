// Package serverstest starts real servers for a test and stops them when it ends.
//
// It owns: the servers' lifetime inside a test. A missing server fails the test with the command that installs it; it
// is never skipped. A test binary that starts ClickHouse calls engine.MaybeRunChild first in TestMain.
package serverstest

import (
	"testing"

	"drawdown/internal/servers"
	"drawdown/internal/servers/clickhouse"
	"drawdown/internal/servers/kafka"
	"drawdown/internal/servers/redis"
)

// Kafka starts a broker that lives as long as the test.
func Kafka(t testing.TB, options kafka.Options) *kafka.Server {
	t.Helper()
	server, err := kafka.Start(t.Context(), options)
	return kept(t, server, err)
}

// Redis starts a redis-server that lives as long as the test.
func Redis(t testing.TB, options redis.Options) *redis.Server {
	t.Helper()
	server, err := redis.Start(t.Context(), options)
	return kept(t, server, err)
}

// ClickHouse starts a ClickHouse engine that lives as long as the test.
func ClickHouse(t testing.TB, options clickhouse.Options) *clickhouse.Server {
	t.Helper()
	server, err := clickhouse.Start(t.Context(), options)
	return kept(t, server, err)
}

// server is what all three have.
type server interface {
	Log() string
	Stop() error
}

// kept ends the test if the server did not start, and otherwise stops it with the test. A test that failed shows the end
// of the server's log, which goes with the server's data.
func kept[S server](t testing.TB, started S, err error) S {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the end of %s:\n%s", started.Log(), servers.LogTail(started.Log()))
		}
		if err := started.Stop(); err != nil {
			t.Error(err)
		}
	})
	return started
}
