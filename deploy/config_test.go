package deploy

import (
	"os"
	"slices"
	"strings"
	"testing"

	"drawdown/internal/app"
)

// exampleConfig is drawdown.yaml as a process of compose.yaml reads it, with that process's environment.
func exampleConfig(t *testing.T, process string) app.Config {
	t.Helper()
	var environment []string
	for name, value := range compose(t).Services[process].Environment {
		environment = append(environment, name+"="+os.Expand(value, func(string) string { return "secret" }))
	}
	config, err := app.Load("drawdown.yaml", environment)
	if err != nil {
		t.Fatalf("%s: %v", process, err)
	}
	return config
}

// TestProcessesTakeTheirConfiguration: every option and variable exists and has an allowed value.
func TestProcessesTakeTheirConfiguration(t *testing.T) {
	for _, process := range []string{"topics", "worker", "sink", "cli", "repair"} {
		config := exampleConfig(t, process)
		if !slices.Equal(config.Kafka.Brokers, []string{"kafka:9092"}) || !slices.Equal(config.Redis.Addrs, []string{"redis:6379"}) {
			t.Errorf("%s looks for Kafka at %q and Redis at %q", process, config.Kafka.Brokers, config.Redis.Addrs)
		}
	}
	if config := exampleConfig(t, "worker"); config.Redis.Username != "drawdown" || config.Redis.Password != "secret" {
		t.Errorf("the worker is Redis' user %q", config.Redis.Username)
	}
	if config := exampleConfig(t, "repair"); config.Redis.Username != "operator" || config.Redis.Password != "secret" {
		t.Errorf("repair is Redis' user %q", config.Redis.Username)
	}
	if dsn := exampleConfig(t, "sink").ClickHouse.DSN; dsn != "clickhouse://drawdown:secret@clickhouse:9000/drawdown" {
		t.Errorf("the sink looks for ClickHouse at %s", dsn)
	}
}

// TestProcessesHaveNoOthersSecrets: whoever takes over one process gets no more than that process needs.
func TestProcessesHaveNoOthersSecrets(t *testing.T) {
	services := compose(t).Services
	for process, want := range map[string]struct {
		redis, clickhouse, keys bool
	}{
		"topics": {}, "worker": {redis: true, keys: true}, "sink": {clickhouse: true},
		"cli": {redis: true, clickhouse: true, keys: true}, "repair": {redis: true, keys: true},
	} {
		s := services[process]
		_, redis := s.Environment["DRAWDOWN_REDIS_PASSWORD"]
		_, clickhouse := s.Environment["DRAWDOWN_CLICKHOUSE_DSN"]
		keys := slices.Contains(s.Secrets, "signing-keys")
		if redis != want.redis || clickhouse != want.clickhouse || keys != want.keys {
			t.Errorf("%s has secrets of Redis: %v, of ClickHouse: %v, signing keys: %v; it needs %v", process, redis, clickhouse, keys, want)
		}
	}
}

func TestExampleConfigHasNoSecrets(t *testing.T) {
	config, err := app.Load("drawdown.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	if config.Redis.Password != "" || config.Kafka.Password != "" || config.SigningKeys != "" || strings.Contains(config.ClickHouse.DSN, "@") {
		t.Error("a secret stands in a file that is none")
	}
	if file := "/run/secrets/signing-keys"; config.SigningKeysFile != file {
		t.Errorf("signing keys are looked for in %s, compose puts them into %s", config.SigningKeysFile, file)
	}
}
