//go:build integration

package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"drawdown/internal/servers/clickhouse/engine"
)

func TestMain(m *testing.M) {
	engine.MaybeRunChild()
	MaybeRunChild()
	os.Exit(m.Run())
}

// small is a benchmark of some seconds.
func small() Options {
	o := Default()
	o.Events, o.Partitions, o.Accounts, o.BaselineEvents = 20_000, 2, 200, 4000
	return o
}

// TestASmallRunOnRealServers: Run itself compares every account and connection, so a result means that all was right.
func TestASmallRunOnRealServers(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	o := small()
	o.CPUProfile = filepath.Join(t.TempDir(), "cpu")
	var out bytes.Buffer
	result, err := Run(t.Context(), o, &out)
	if err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	var members map[string]any
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &members); err != nil {
		t.Fatalf("the last line is no JSON object: %v\n%s", err, out.String())
	}
	for _, name := range []string{"events_per_second", "cpu_us_per_event", "allocs_per_event", "baseline_events_per_second", "ratio",
		"redis_seconds", "sink_seconds", "worker_cpu_us_per_event", "sink_cpu_us_per_event", "kafka_cpu_us_per_event"} {
		if value, ok := members[name].(float64); !ok || value <= 0 {
			t.Errorf("%s is %v, expected a number above 0", name, members[name])
		}
	}
	if result.Events != o.Events || result.BaselineEvents != o.BaselineEvents || result.Drift != "0" {
		t.Errorf("result: %+v", result)
	}
	for _, kind := range []jobKind{workerJob, sinkJob} {
		if info, err := os.Stat(o.CPUProfile + "." + string(kind)); err != nil || info.Size() == 0 {
			t.Errorf("profile of the %s: %v", kind, err)
		}
	}
	left, err := filepath.Glob(filepath.Join(os.TempDir(), "drawdown-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestADriftIsAnErrorAndNoResult: the comparison itself is tested with expectations that are off by one event.
func TestADriftIsAnErrorAndNoResult(t *testing.T) {
	o := small()
	o.Events, o.Accounts, o.BaselineEvents, o.JSON = 1000, 20, 0, true
	r := &run{options: &o, out: new(bytes.Buffer)}
	var err error
	if r.cluster, err = startCluster(t.Context(), o.machinery()); err != nil {
		t.Fatal(errors.Join(err, r.cluster.stop()))
	}
	defer func() {
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	}()
	if _, err := r.setUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	goal, err := r.append(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.drain(t.Context(), measured, goal); err != nil {
		t.Fatal(err)
	}
	if err := r.verify(t.Context()); err != nil {
		t.Fatalf("nothing has drifted yet: %v", err)
	}
	r.load.expected[3][2].quantity++
	r.load.expected[3][2].events++
	var drift *DriftError
	if err := r.verify(t.Context()); !errors.As(err, &drift) || !strings.Contains(err.Error(), r.load.connections[3][2]) {
		t.Errorf("expected a drift of connection %s, found %v", r.load.connections[3][2], err)
	}
}

// TestTheEndOfTheContextStopsEverything: what Ctrl-C does.
func TestTheEndOfTheContextStopsEverything(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	out := cancelAt{text: "draining", cancel: cancel}
	if _, err := Run(ctx, small(), &out); !errors.Is(err, context.Canceled) {
		t.Fatalf("expected %v, found %v", context.Canceled, err)
	}
	left, err := filepath.Glob(filepath.Join(os.TempDir(), "drawdown-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// cancelAt cancels when a text is printed.
type cancelAt struct {
	text   string
	cancel func()
}

func (c *cancelAt) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte(c.text)) {
		c.cancel()
	}
	return len(line), nil
}
