//go:build integration

package deploy

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"drawdown/internal/servers"
)

func promtool(t *testing.T, args ...string) {
	t.Helper()
	path, err := servers.Promtool.Find()
	if err != nil {
		t.Fatal(err)
	}
	if output, err := exec.CommandContext(t.Context(), path, args...).CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, output)
	}
}

func TestPromtoolTakesConfiguration(t *testing.T) {
	promtool(t, "check", "config", "prometheus/prometheus.yaml")
}

func TestPromtoolTakesRules(t *testing.T) { promtool(t, "check", "rules", "prometheus/alerts.yaml") }

func TestAlertsFireWhenTheyShould(t *testing.T) {
	promtool(t, "test", "rules", "prometheus/alerts_test.yaml")
}

// TestPromtoolTakesDashboardQueries checks the queries of panels as rules: what only Grafana would read is written wrong
// until somebody needs it.
func TestPromtoolTakesDashboardQueries(t *testing.T) {
	type rule struct {
		Record string `json:"record"`
		Expr   string `json:"expr"`
	}
	var rules []rule
	for _, p := range dashboard(t).Panels {
		for _, target := range p.Targets {
			if target.Expr != "" {
				rules = append(rules, rule{"panel", strings.ReplaceAll(target.Expr, "$__rate_interval", "5m")})
			}
		}
	}
	for i := range rules { // names of rules must differ
		rules[i].Record += strings.Repeat("_", i)
	}
	// JSON is YAML.
	file, err := json.Marshal(map[string]any{"groups": []any{map[string]any{"name": "panels", "rules": rules}}})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "panels.yaml")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, "check", "rules", path)
}
