//go:build integration

package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"drawdown/internal/servers/clickhouse/engine"
	"drawdown/internal/servers/kafka"
)

// binary is the program under test, built as it is shipped. The race detector watches the tests of the packages; here
// its slowness would only make fewer crashes fit into the time.
var binary string

// generator writes random logs. It runs outside this process, where the race detector would slow it down tenfold.
var generator string

// broker is one for all tests: each has topics of its own. It accepts the short sessions that keep tests of crashes
// short, and records of 12 MB where a topic does.
var broker *kafka.Server

const brokerBytesMax = 24 << 20

func TestMain(m *testing.M) {
	engine.MaybeRunChild()
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "drawdown-e2e-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "drawdown")
	generator = filepath.Join(dir, "loggen")
	for path, from := range map[string]string{binary: "drawdown/cmd/drawdown", generator: "drawdown/internal/loggen/cmd/loggen"} {
		if output, err := exec.Command("go", "build", "-o", path, from).CombinedOutput(); err != nil {
			return 1, fmt.Errorf("build %s: %w\n%s", from, err, output)
		}
	}
	broker, err = kafka.Start(context.Background(), kafka.Options{
		HeapMiB: 768, MessageMaxBytes: brokerBytesMax,
		Properties: map[string]string{"group.min.session.timeout.ms": "1000"},
	})
	if err != nil {
		return 1, err
	}
	code = m.Run()
	if err := broker.Stop(); err != nil {
		return 1, err
	}
	return code, nil
}
