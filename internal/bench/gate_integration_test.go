//go:build integration

package bench

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestASmallRunOfTheGate: RunGate itself checks every answer and every account, so a result means that all was right.
func TestASmallRunOfTheGate(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	o := DefaultGate()
	o.Accounts, o.Partitions, o.Rate, o.For, o.Events, o.Connections, o.BaselineRate = 100, 2, 500, time.Second, 500, 8, 200
	o.Nice = 5
	o.CPUProfile = filepath.Join(t.TempDir(), "cpu")
	var out bytes.Buffer
	result, err := RunGate(t.Context(), o, &out)
	if err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	var members map[string]any
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &members); err != nil {
		t.Fatalf("the last line is no JSON object: %v\n%s", err, out.String())
	}
	for _, name := range []string{"p50_ms", "p90_ms", "p99_ms", "p999_ms", "max_ms", "per_second", "cpu_us_per_question", "empty_p50_ms", "empty_p99_ms",
		"empty_per_second", "p99_ratio", "baseline_p50_ms",
		"baseline_p99_ms", "baseline_per_second", "baseline_cpu_us_per_question", "ratio", "events_per_second"} {
		if value, ok := members[name].(float64); !ok || value <= 0 {
			t.Errorf("%s is %v, expected a number above 0", name, members[name])
		}
	}
	if result.Questions+result.Errors != o.Rate || result.Accounts != o.Accounts || result.WrongAnswers != 0 {
		t.Errorf("result: %+v", result)
	}
	for _, kind := range []jobKind{apiJob, workerJob} {
		if info, err := os.Stat(o.CPUProfile + "." + string(kind)); err != nil || info.Size() == 0 {
			t.Errorf("profile of the %s: %v", kind, err)
		}
	}
	left, err := filepath.Glob(filepath.Join(os.TempDir(), "drawdown-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
