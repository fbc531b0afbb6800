package clickhouse

import (
	"strings"
	"testing"
	"time"
)

func TestDefaultIsValid(t *testing.T) {
	config := Default()
	config.DSN = "clickhouse://user:secret@host:9000/drawdown"
	if err := config.Validate(); err != nil {
		t.Error(err)
	}
}

// TestValidateReportsEveryFault: all at once, and no password among them.
func TestValidateReportsEveryFault(t *testing.T) {
	config := Config{
		DSN: "clickhouse://user:secret@host:9000/drawdown?dial_timeout=soon", Group: "g", Partitions: []int32{1, 1, -2},
		BlockRowsMax: blockRowsBound, RetryMin: time.Second, RetryMax: time.Millisecond,
	}
	err := config.Validate()
	if err == nil {
		t.Fatal("no fault")
	}
	for _, want := range []string{"dsn:", "charges_topic:", "ledger_topic:", "partitions: can't be given", "has 1 below", "has -2 below",
		"block_rows_max: is 1048576; allowed are 1 to 1048575", "block_age_max: is 0s; allowed are 1ms to 5m0s", "rows_in_memory_max:",
		"inserts_max:", "request_timeout:", "retry_max: is 1ms; allowed are 1s to 1h0m0s", "fetch_wait_max:", "fetch_bytes_max:", "note_after:"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not reported in:\n%v", want, err)
		}
	}
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("the password is shown:\n%v", err)
	}
	same := Default()
	same.DSN, same.LedgerTopic = "http://host:8123", same.ChargesTopic
	if err := same.Validate(); err == nil || !strings.Contains(err.Error(), "is the charges topic too") {
		t.Errorf("one topic for both: %v", err)
	}
}
