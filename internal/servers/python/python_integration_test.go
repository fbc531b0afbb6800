//go:build integration

package python_test

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"drawdown/internal/servers/python"
)

func TestTheConnectorAndTheClientRun(t *testing.T) {
	venv, err := python.Find()
	if err != nil {
		t.Fatal(err)
	}
	spec, err := exec.CommandContext(t.Context(), venv.SourceFaker, "spec").Output()
	if err != nil {
		t.Fatal(err)
	}
	var message struct{ Type string }
	if err := json.Unmarshal(spec, &message); err != nil || message.Type != "SPEC" {
		t.Errorf("source-faker spec wrote %.200s (%v)", spec, err)
	}
	// The client must choose the partition that Kafka's own default partitioner would: murmur2 of the key, here of
	// Kafka's own test vector.
	out, err := exec.CommandContext(t.Context(), venv.Python, "-c",
		"from kafka.partitioner.default import murmur2; print(murmur2(b'foobar') & 0xffffffff)").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if got := string(out); got != "3504634814\n" { // -790332482 in Kafka's test, as an unsigned number
		t.Errorf("murmur2(foobar) = %s", got)
	}
	version, err := exec.CommandContext(t.Context(), venv.Schemathesis, "--version").Output()
	if err != nil || !strings.Contains(string(version), "4.32") {
		t.Errorf("schemathesis --version wrote %.200s (%v)", version, err)
	}
}
