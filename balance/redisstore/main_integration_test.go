//go:build integration

package redisstore_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/redis/go-redis/v9"

	"drawdown/balance/storetest"
	redisserver "drawdown/internal/servers/redis"
)

// shared is one server for all tests that only need some server.
var shared *redisserver.Server

func TestMain(m *testing.M) {
	os.Exit(runWithServer(m))
}

func runWithServer(m *testing.M) int {
	server, err := redisserver.Start(context.Background(), redisserver.Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	shared = server
	code := m.Run()
	if err := server.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// newServer starts a server for one test.
func newServer(t testing.TB, options redisserver.Options) *redisserver.Server {
	t.Helper()
	server, err := redisserver.Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Errorf("stop the server: %v", err)
		}
	})
	return server
}

func sharedClient(t testing.TB) *redis.Client {
	t.Helper()
	return newClient(t, &redis.Options{Addr: shared.Addr()})
}

func configure(t testing.TB, client *redis.Client, name, value string) {
	t.Helper()
	if err := client.ConfigSet(t.Context(), name, value).Err(); err != nil {
		t.Fatal(err)
	}
}

func TestConformanceOnServer(t *testing.T) {
	client := sharedClient(t)
	storetest.Run(t, func(t *testing.T) storetest.Subject { return newSubject(t, client) })
}

func TestModelOnServer(t *testing.T) {
	client := newClient(t, &redis.Options{Addr: newServer(t, redisserver.Options{}).Addr()})
	storetest.RunModel(t, func(t *testing.T) storetest.Subject {
		if err := client.FlushDB(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		return newSubject(t, client)
	})
}

func TestAKeyOfAnotherTypeIsFoundBeforeTheFirstWriteOnServer(t *testing.T) {
	checkForeignKeys(t, sharedClient(t))
}
