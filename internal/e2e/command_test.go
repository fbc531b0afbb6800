//go:build integration

package e2e

import (
	"os"
	"strings"
	"testing"

	"drawdown/internal/servers/clickhouse"
	"drawdown/internal/servers/serverstest"
)

// TestFiveFaultsAreReportedAtOnce: whoever corrects a configuration needs one try, whichever command they run.
func TestFiveFaultsAreReportedAtOnce(t *testing.T) {
	in := install(t, needs{Partitions: 1, Unmade: true})
	all := in.usual("")
	all["kafka.brokers"] = []string{"no port"}
	all["redis.timeout"] = "1ms"
	all["worker.batch_events_max"] = 0
	all["sink.block_age_max"] = "a while"
	all["worker.tick_intervall"] = "1s"
	file := in.write("faulty.yaml", all)
	for _, command := range [][]string{{"config", "check"}, {"worker"}, {"sink"}, {"topics", "create"}} {
		output, status := in.command(append(command, "--config", file)...)
		if status == 0 {
			t.Errorf("drawdown %s: exit status 0", strings.Join(command, " "))
		}
		for _, fault := range []string{
			"kafka.brokers", "redis.timeout", "worker.batch_events_max", "sink.block_age_max", "worker.tick_intervall",
		} {
			if !strings.Contains(output, fault) {
				t.Errorf("drawdown %s says nothing of %s:\n%s", strings.Join(command, " "), fault, output)
			}
		}
	}
	if output, status := in.command("config", "check", "--config", in.file); status != 0 {
		t.Errorf("a configuration without faults: exit status %d\n%s", status, output)
	}
}

// TestWrongCredentials: a password that Redis refuses is a mistake to correct, not an outage to wait for.
func TestWrongCredentials(t *testing.T) {
	in := install(t, needs{Partitions: 1, Redis: withPassword, Settings: settings{"redis.password": "wrong"}})
	output, status := in.command("worker", "--config", in.file)
	if status == 0 || !strings.Contains(output, "Redis refuses this user: check user name, password") {
		t.Errorf("exit status %d:\n%s", status, output)
	}
	if strings.Contains(output, withPassword.Password) || strings.Contains(output, `"wrong"`) {
		t.Errorf("a password is shown:\n%s", output)
	}
}

// TestWrongCredentialsOfClickHouse: a sink waits, since balances don't depend on it, and says what for.
func TestWrongCredentialsOfClickHouse(t *testing.T) {
	server := serverstest.ClickHouse(t, clickhouse.Options{Password: "right-7c1e"})
	in := install(t, needs{Partitions: 1, Settings: settings{"clickhouse.dsn": "http://default:wrong-93d0@" + server.Addr() + "/drawdown"}})
	sink := in.start("sink")
	sink.awaitLog("Authentication failed")
	sink.awaitUnready("clickhouse sink")
	said, err := os.ReadFile(sink.log)
	in.must(err)
	if strings.Contains(string(said), "wrong-93d0") {
		t.Errorf("a password is shown:\n%s", said)
	}
}
