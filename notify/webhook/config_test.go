package webhook

import (
	"strings"
	"testing"
	"time"
)

func TestDefaultIsValid(t *testing.T) {
	config := Default()
	config.MasterKey = testMaster
	if err := config.Validate(); err != nil {
		t.Error(err)
	}
	config.MasterKey, config.MasterKeyFile = "", "/run/secrets/webhooks"
	if err := config.Validate(); err != nil {
		t.Error(err)
	}
}

func TestEveryFaultAtOnce(t *testing.T) {
	config := Config{
		MasterKey: "hunter2", MasterKeyFile: "x", PreviousMasterKey: "c2hvcnQ=", PreviousMasterKeyFile: "y",
		AllowedNetworks: []string{"10.0.0.0/8", "10.0.0.1/8", "10.0.0.1", "::ffff:10.0.0.0/104"}, DeniedNetworks: []string{"everything"},
		AllowedPorts: []int{443, 0, 443}, Timeout: time.Hour, ConcurrencyMax: -1, ConcurrencyPerHostMax: 2,
	}
	err := config.Validate()
	if err == nil {
		t.Fatal("accepted")
	}
	text := err.Error()
	for _, want := range []string{
		"master_key_file: is given beside", "master_key: is not base64", "previous_master_key_file: is given beside", "previous_master_key: has 5 bytes",
		`allowed_networks: has "10.0.0.1/8", whose address`, `"10.0.0.1"; allowed are prefixes`, `"::ffff:10.0.0.0/104"; IPv4`, "denied_networks: has",
		"allowed_ports: has 0", "allowed_ports: has 443", "timeout: is 1h0m0s; allowed are", "concurrency_max: is -1", "concurrency_per_host_max: is 2",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	for _, secret := range []string{"hunter2", "c2hvcnQ"} {
		if strings.Contains(text, secret) {
			t.Errorf("shows %q:\n%s", secret, text)
		}
	}
	if err := (&Config{Timeout: time.Second, ConcurrencyMax: 1, ConcurrencyPerHostMax: 1}).Validate(); err == nil || !strings.Contains(err.Error(), "master_key_file: is missing") {
		t.Errorf("without a master key: %v", err)
	}
}
