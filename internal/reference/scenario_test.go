package reference_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"drawdown/internal/reference"
)

const scenarios = "../../testdata/scenarios"

func TestScenariosGiveExactlyTheWantedLines(t *testing.T) {
	logs, err := filepath.Glob(filepath.Join(scenarios, "*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, path := range logs {
		if strings.HasSuffix(path, ".want.jsonl") {
			continue
		}
		ran++
		t.Run(filepath.Base(path), func(t *testing.T) {
			want, err := os.ReadFile(strings.TrimSuffix(path, ".jsonl") + ".want.jsonl")
			if err != nil {
				t.Fatal(err)
			}
			log, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			compare(t, normal(t, replay(t, log)), normal(t, want))
		})
	}
	if ran < 18 {
		t.Fatalf("only %d scenarios in %s", ran, scenarios)
	}
}

func replay(t *testing.T, log []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := reference.Replay(bytes.NewReader(log), &out, true); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// normal parses each line and prints it again with its keys in order and its numbers as written.
func normal(t *testing.T, text []byte) []string {
	t.Helper()
	var lines []string
	for line := range strings.Lines(string(text)) {
		decoder := json.NewDecoder(strings.NewReader(line))
		decoder.UseNumber()
		var value map[string]any
		if err := decoder.Decode(&value); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		sorted, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, string(sorted))
	}
	return lines
}

func compare(t *testing.T, got, want []string) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			t.Fatalf("line %d\n got %s\nwant %s", i, at(got, i), at(want, i))
		}
	}
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "(no line)"
}
