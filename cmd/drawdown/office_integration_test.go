//go:build integration

package main

import (
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"drawdown/internal/servers/clickhouse"
	"drawdown/internal/servers/kafka"
	"drawdown/internal/servers/redis"
	"drawdown/internal/servers/serverstest"
)

// TestServerScripts runs what an operator types against real servers.
func TestServerScripts(t *testing.T) {
	examples, err := filepath.Abs("../../deploy/examples")
	if err != nil {
		t.Fatal(err)
	}
	broker, store := serverstest.Kafka(t, kafka.Options{}), serverstest.Redis(t, redis.Options{})
	database := serverstest.ClickHouse(t, clickhouse.Options{})
	scripts, err := filepath.Glob("testdata/servers/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatal("no scripts", err)
	}
	params := testscript.Params{
		Setup: func(env *testscript.Env) error {
			for name, value := range map[string]string{
				"EXAMPLES": examples, "DRAWDOWN_KAFKA_BROKERS": broker.Addr(), "DRAWDOWN_REDIS_ADDRS": store.Addr(),
				"DRAWDOWN_CLICKHOUSE_DSN": "http://" + database.Addr() + "/drawdown", "DRAWDOWN_METRICS_ADDR": "127.0.0.1:0",
				"DRAWDOWN_SIGNING_KEYS": "k:c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0",
			} {
				env.Setenv(name, value)
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"await": await},
	}
	for _, script := range scripts { // one after the other: each has a worker and a sink, on the same topics
		params.Files = []string{script}
		t.Run(filepath.Base(script), func(t *testing.T) { testscript.Run(t, params) })
	}
}

// await is `await PATTERN exec COMMAND…`: it repeats a command until it succeeds and what it prints has the pattern.
func await(script *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) < 3 || args[1] != "exec" {
		script.Fatalf("usage: await PATTERN exec COMMAND…")
	}
	pattern := regexp.MustCompile(args[0])
	deadline := time.After(time.Minute)
	for {
		err := script.Exec(args[2], args[3:]...)
		if printed := script.ReadFile("stdout"); err == nil && pattern.MatchString(printed) {
			return
		}
		select {
		case <-deadline:
			script.Fatalf("%q is never printed: %v", args[0], err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}
