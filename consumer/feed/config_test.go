package feed

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	kafka "github.com/segmentio/kafka-go"
)

func TestTheDefaultNeedsOnlyAGroup(t *testing.T) {
	cfg := Default()
	if err := cfg.Validate(); err == nil || strings.Contains(err.Error(), "\n") || !strings.HasPrefix(err.Error(), "group: ") {
		t.Errorf("without a group: %v", err)
	}
	cfg.Group = "drawdown-purchaser"
	if err := cfg.Validate(); err != nil {
		t.Error(err)
	}
}

func TestAllFaultsAreReportedAtOnce(t *testing.T) {
	cfg := Config{Topic: "not a topic", Partitions: []int32{0, -1, 2, 2}, RetryMin: time.Second, RetryMax: 999 * time.Millisecond}
	err := cfg.Validate()
	if err == nil {
		t.Fatal("no fault was found")
	}
	for _, fault := range []string{
		`topic: "not a topic" is no name`, `group: "" is no name`, "partitions: -1 is out of range", "partitions: 2 is given twice",
		"session_timeout: 0s is out of range: allowed are 1s to 5m0s", "drain_timeout: ", "fetch_bytes_max: 0 is out of range: allowed are 1024 to ",
		"fetch_wait_max: ", "commit_interval: ", "attempt_timeout: ", "retry_max: 999ms is out of range: allowed are 1s to 1h0m0s",
	} {
		if !strings.Contains(err.Error(), fault) {
			t.Errorf("%q is missing in:\n%v", fault, err)
		}
	}
	if got := strings.Count(err.Error(), "\n") + 1; got != 11 {
		t.Errorf("%d faults are reported:\n%v", got, err)
	}
}

func TestNewRefuses(t *testing.T) {
	cfg := Default()
	cfg.Group = "drawdown-purchaser"
	right := Deps{
		Consumer: "purchaser", Handler: &ledger{}, Transport: &kafka.Transport{}, Addr: kafka.TCP("127.0.0.1:1"), Brokers: []string{"127.0.0.1:1"},
		Registerer: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler),
	}
	if _, err := New(cfg, right); err != nil {
		t.Errorf("nothing is wrong: %v", err)
	}
	if _, err := New(cfg, right); err == nil || !strings.Contains(err.Error(), "register the metrics of purchaser") {
		t.Errorf("metrics registered twice: %v", err)
	}
	second := right
	second.Consumer = "notifier"
	if _, err := New(cfg, second); err != nil {
		t.Errorf("another consumer on the same registry: %v", err)
	}
	for name, change := range map[string]func(*Config, *Deps){
		"a faulty configuration":        func(c *Config, _ *Deps) { c.Group = "" },
		"no name":                       func(_ *Config, d *Deps) { d.Consumer = "" },
		"no handler":                    func(_ *Config, d *Deps) { d.Handler = nil },
		"no registerer":                 func(_ *Config, d *Deps) { d.Registerer = nil },
		"no log":                        func(_ *Config, d *Deps) { d.Log = nil },
		"no transport":                  func(_ *Config, d *Deps) { d.Transport = nil },
		"no address":                    func(_ *Config, d *Deps) { d.Addr = nil },
		"no brokers to join a group at": func(_ *Config, d *Deps) { d.Brokers = nil },
	} {
		cfg, deps := cfg, right
		deps.Registerer = prometheus.NewRegistry()
		change(&cfg, &deps)
		if _, err := New(cfg, deps); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
