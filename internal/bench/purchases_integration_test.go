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

// TestASmallRunOfPurchases: RunPurchases itself compares every account and every purchase, so a result means that all was
// right.
func TestASmallRunOfPurchases(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	o := DefaultPurchases()
	o.Accounts, o.Partitions, o.BaselineAccounts, o.SteadyFor, o.GatewayDelay = 300, 2, 50, time.Second, time.Millisecond
	var out bytes.Buffer
	result, err := RunPurchases(t.Context(), o, &out)
	if err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	var members map[string]any
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &members); err != nil {
		t.Fatalf("the last line is no JSON object: %v\n%s", err, out.String())
	}
	for _, name := range []string{"purchases_per_second", "seconds", "lag_p50_ms", "lag_p99_ms", "lag_max_ms", "crossing_p99_ms",
		"half_load_per_second", "half_load_purchases", "baseline_per_second", "ratio"} {
		if value, ok := members[name].(float64); !ok || value <= 0 {
			t.Errorf("%s is %v, expected a number above 0", name, members[name])
		}
	}
	if result.Accounts != o.Accounts || result.BaselineAccounts != o.BaselineAccounts || result.Drift != "0" {
		t.Errorf("result: %+v", result)
	}
	left, err := filepath.Glob(filepath.Join(os.TempDir(), "drawdown-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
