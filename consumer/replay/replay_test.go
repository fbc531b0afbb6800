package replay_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"drawdown/consumer/replay"
	"drawdown/internal/loggen"
	"drawdown/internal/reference"
)

// sorted returns the lines with the keys of each in order.
func sorted(t *testing.T, output []byte) []string {
	t.Helper()
	var lines []string
	for line := range strings.Lines(string(output)) {
		decoder := json.NewDecoder(strings.NewReader(line))
		decoder.UseNumber()
		var object map[string]any
		if err := decoder.Decode(&object); err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		canonical, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, string(canonical))
	}
	return lines
}

func run(t *testing.T, log []byte) []string {
	t.Helper()
	var out bytes.Buffer
	if _, err := replay.Run(bytes.NewReader(log), &out, replay.Options{Balances: true}); err != nil {
		t.Fatal(err)
	}
	return sorted(t, out.Bytes())
}

// firstDifference returns the first line in which two outputs differ, "" where they are equal.
func firstDifference(got, want []string) string {
	for i := range max(len(got), len(want)) {
		g, w := "(no line)", "(no line)"
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if g != w {
			return fmt.Sprintf("line %d\n got %s\nwant %s", i+1, g, w)
		}
	}
	return ""
}

func TestScenarios(t *testing.T) {
	logs, err := filepath.Glob("../../testdata/scenarios/*.want.jsonl")
	if err != nil || len(logs) < 12 {
		t.Fatalf("found %d scenarios: %v", len(logs), err)
	}
	for _, wantFile := range logs {
		name := strings.TrimSuffix(filepath.Base(wantFile), ".want.jsonl")
		t.Run(name, func(t *testing.T) {
			log, err := os.ReadFile(strings.Replace(wantFile, ".want.jsonl", ".jsonl", 1))
			if err != nil {
				t.Fatal(err)
			}
			want, err := os.ReadFile(wantFile)
			if err != nil {
				t.Fatal(err)
			}
			if difference := firstDifference(run(t, log), sorted(t, want)); difference != "" {
				t.Error(difference)
			}
		})
	}
}

// Flags make a longer comparison: go test ./consumer/replay -run Reference -seeds 5000 -first 1000
var (
	seeds = flag.Uint64("seeds", 100, "how many random logs are compared with the reference")
	first = flag.Uint64("first", 0, "seed of the first one")
)

// TestAgreesWithReference compares the engine with the naive reference on random logs.
func TestAgreesWithReference(t *testing.T) {
	for seed := *first; seed < *first+*seeds; seed++ {
		options := loggen.Options{Accounts: 1 + int(seed%6), Weirdness: 3 + int(seed%4)*9, TimeScale: []int{100, 20, 500}[seed%3], WithoutLogtime: seed%5 == 4}
		log := loggen.Generate(seed, 600, options)
		var want bytes.Buffer
		if err := reference.Replay(bytes.NewReader(log), &want, true); err != nil {
			t.Fatal(err)
		}
		if difference := firstDifference(run(t, log), sorted(t, want.Bytes())); difference != "" {
			t.Fatalf("seed %d (%+v): %s", seed, options, difference)
		}
	}
}
