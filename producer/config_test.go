package producer

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestConfigReportsEveryFaultAtOnce(t *testing.T) {
	_, err := New(Config{
		Source: strings.Repeat("s", 257), BufferEvents: -1, BatchEvents: 1 << 30, BatchBytes: 10,
		AttemptTimeout: time.Nanosecond, DeliveryTimeout: 48 * time.Hour,
		Security: Security{CAFile: "ca.pem", Mechanism: "GSSAPI"},
	})
	if err == nil {
		t.Fatal("a configuration with nine faults is accepted")
	}
	for _, part := range []string{"brokers: at least one", "source: 257 bytes", "buffer_events: -1, allowed 1 to 1000000",
		"batch_events", "batch_bytes: 10, allowed 16384", "attempt_timeout: 1ns, allowed 10ms to 1h0m0s",
		"delivery_timeout: 48h0m0s", "TLS is off", `mechanism "GSSAPI"`} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error does not say %q:\n%v", part, err)
		}
	}
}

func TestBrokerAddressesAreChecked(t *testing.T) {
	err := Config{Brokers: []string{"127.0.0.1:9092", "nowhere"}}.Validate()
	if err == nil || !strings.Contains(err.Error(), `"nowhere" is not host:port`) {
		t.Errorf("Validate() = %v", err)
	}
}

func TestSecurityFaults(t *testing.T) {
	for _, c := range []struct {
		security Security
		text     string
	}{
		{Security{TLS: true, CertFile: "c.pem"}, "certificate and its key"},
		{Security{Username: "u"}, "without a mechanism"},
		{Security{Mechanism: "PLAIN", Username: "u"}, "either a password"},
		{Security{Mechanism: "PLAIN", Username: "u", Password: "p", PasswordFile: "f"}, "either a password"},
	} {
		if err := c.security.Validate(); err == nil || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%v: %v, want %q", c.security, err, c.text)
		}
	}
}

func TestSecurityFilesThatCannotBeRead(t *testing.T) {
	notPEM := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(notPEM, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		security Security
		text     string
	}{
		{Security{TLS: true, CAFile: "/nonexistent/ca.pem"}, "read TLS roots"},
		{Security{TLS: true, CAFile: notPEM}, "holds no PEM certificate"},
		{Security{TLS: true, CertFile: "/nonexistent/c", KeyFile: "/nonexistent/k"}, "load TLS client certificate"},
		{Security{Mechanism: "PLAIN", Username: "u", PasswordFile: "/nonexistent/p"}, "read SASL password"},
	} {
		_, err := NewLog(Config{Brokers: []string{"127.0.0.1:1"}, Security: c.security})
		if err == nil || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%v: %v, want %q", c.security, err, c.text)
		}
	}
}

func TestPrintingShowsNoPassword(t *testing.T) {
	config := Config{Security: Security{Mechanism: "PLAIN", Username: "u", Password: "hunter2"}}
	for _, verb := range []string{"%v", "%+v", "%s"} {
		if text := fmt.Sprintf(verb, config); strings.Contains(text, "hunter2") {
			t.Errorf("%s shows the password: %s", verb, text)
		}
	}
}
