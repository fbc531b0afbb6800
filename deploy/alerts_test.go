package deploy

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestAlertsTellWhatToDo: an alert without a text, a severity or a section of the runbook helps nobody at night.
func TestAlertsTellWhatToDo(t *testing.T) {
	anchors := runbookAnchors(t)
	seen := make(map[string]bool)
	for _, a := range alerts(t) {
		if seen[a.Alert] || !strings.HasPrefix(a.Alert, "Drawdown") {
			t.Errorf("%s stands there twice, or does not begin with Drawdown", a.Alert)
		}
		seen[a.Alert] = true
		if !slices.Contains([]string{"critical", "warning", "info"}, a.Labels["severity"]) {
			t.Errorf("%s has severity %q", a.Alert, a.Labels["severity"])
		}
		for _, text := range []string{"summary", "description"} {
			if a.Annotations[text] == "" {
				t.Errorf("%s has no %s", a.Alert, text)
			}
		}
		file, anchor, _ := strings.Cut(a.Annotations["runbook"], "#")
		if file != "deploy/runbook.md" || anchor != strings.ToLower(a.Alert) || !anchors[anchor] {
			t.Errorf("%s: the runbook has no %q", a.Alert, a.Annotations["runbook"])
		}
	}
}

// TestRunbookLinks: every link inside the runbook leads somewhere, and every alert's section is of an alert.
func TestRunbookLinks(t *testing.T) {
	anchors := runbookAnchors(t)
	for _, link := range regexp.MustCompile(`\]\(#([^)]+)\)`).FindAllStringSubmatch(read(t, "runbook.md"), -1) {
		if !anchors[link[1]] {
			t.Errorf("the runbook links to #%s, which it does not have", link[1])
		}
	}
	known := make(map[string]bool)
	for _, a := range alerts(t) {
		known[strings.ToLower(a.Alert)] = true
	}
	for anchor := range anchors {
		if strings.HasPrefix(anchor, "drawdown") && !known[anchor] {
			t.Errorf("the runbook has a section %s, but there is no such alert", anchor)
		}
	}
}

// TestLinksToFiles: what the texts of this folder point to is there, the heading too.
func TestLinksToFiles(t *testing.T) {
	for _, file := range []string{"README.md", "runbook.md"} {
		links := regexp.MustCompile(`\]\(([^)#:]+)(?:#([^)]+))?\)`).FindAllStringSubmatch(read(t, file), -1)
		if len(links) == 0 {
			t.Errorf("%s has no links", file)
		}
		for _, link := range links {
			if _, err := os.Stat(link[1]); err != nil {
				t.Errorf("%s: %v", file, err)
			} else if link[2] != "" && !anchorsOf(t, link[1])[link[2]] {
				t.Errorf("%s: %s has no heading %s", file, link[1], link[2])
			}
		}
	}
}

func runbookAnchors(t *testing.T) map[string]bool {
	t.Helper()
	return anchorsOf(t, "runbook.md")
}

func anchorsOf(t *testing.T, file string) map[string]bool {
	t.Helper()
	anchors := make(map[string]bool)
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(read(t, file), -1) {
		anchors[strings.ReplaceAll(strings.ToLower(heading[1]), " ", "-")] = true
	}
	return anchors
}

// TestEveryAlertIsTestedBothWays: a test that never fires, or one that always does, shows nothing.
func TestEveryAlertIsTestedBothWays(t *testing.T) {
	fires, silent := make(map[string]bool), make(map[string]bool)
	asked := regexp.MustCompile(`^ALERTS\{alertname="(\w+)",alertstate="firing"\}$`)
	for _, test := range alertTests(t).Tests {
		for _, query := range test.Queries {
			found := asked.FindStringSubmatch(query.Expr)
			switch {
			case found == nil:
				t.Errorf("%s asks %s, which is not about an alert that fires", test.Name, query.Expr)
			case len(query.Samples) > 0:
				fires[found[1]] = true
			default:
				silent[found[1]] = true
			}
		}
	}
	for _, a := range alerts(t) {
		if !fires[a.Alert] || !silent[a.Alert] {
			t.Errorf("%s: tested that it fires: %v, that it does not: %v", a.Alert, fires[a.Alert], silent[a.Alert])
		}
	}
}

// TestInhibitionsNameAlerts: a name spelt wrong would silence nothing, or the wrong alert.
func TestInhibitionsNameAlerts(t *testing.T) {
	known := make(map[string]bool)
	for _, a := range alerts(t) {
		known[a.Alert] = true
	}
	named := regexp.MustCompile(`\bDrawdown\w+`).FindAllString(read(t, "alertmanager/alertmanager.yaml"), -1)
	if len(named) == 0 {
		t.Error("alertmanager.yaml names no alert")
	}
	for _, name := range named {
		if name != "Drawdown" && !known[name] {
			t.Errorf("alertmanager.yaml names %s, which is no alert", name)
		}
	}
}
