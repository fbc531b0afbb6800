package consumer

import (
	"strings"
	"testing"
	"time"
)

func TestDefaultIsValid(t *testing.T) {
	cfg := Default()
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
}

func TestValidateReportsEveryFaultWithItsRange(t *testing.T) {
	cfg := Default()
	cfg.MeteringTopic = "no topic!"
	cfg.LedgerTopic = cfg.ChargesTopic
	cfg.Group = ""
	cfg.BatchEventsMax = 0
	cfg.DrainTimeout = time.Hour
	cfg.ClockAheadMax = -time.Minute
	cfg.FetchWaitMax = cfg.AttemptTimeout
	err := cfg.Validate()
	if err == nil {
		t.Fatal("seven faults were accepted")
	}
	for _, want := range []string{
		`metering_topic: "no topic!" is no topic name`,
		`ledger_topic: "drawdown.charges" is charges_topic too`,
		"group: is empty",
		"batch_events_max: 0 is out of range: allowed are 1 to 1000000",
		"drain_timeout: 1h0m0s is out of range: allowed are 100ms to 10m0s",
		"clock_ahead_max: -1m0s is out of range",
		"fetch_wait_max: 10s is not below attempt_timeout",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error lacks %q:\n%v", want, err)
		}
	}
	if got := strings.Count(err.Error(), "\n") + 1; got != 7 {
		t.Errorf("%d faults are reported, want 7:\n%v", got, err)
	}
}

func TestValidateTakesFixedPartitionsInsteadOfAGroup(t *testing.T) {
	cfg := Default()
	cfg.Group, cfg.Partitions = "", []int32{0, 5}
	if err := cfg.Validate(); err != nil {
		t.Error(err)
	}
	cfg.Partitions = []int32{-1}
	if err := cfg.Validate(); err == nil {
		t.Error("partition -1 was accepted")
	}
}

func TestTopicSpecIsChecked(t *testing.T) {
	spec := DefaultTopicSpec()
	if err := spec.Validate(); err != nil {
		t.Error(err)
	}
	spec.Partitions, spec.ReplicationFactor = 0, 99
	if err := spec.Validate(); err == nil || !strings.Contains(err.Error(), "partitions") || !strings.Contains(err.Error(), "replication_factor") {
		t.Errorf("error: %v", err)
	}
}
