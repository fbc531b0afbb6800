package deploy

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	// selector is a metric with its matchers, in PromQL.
	selector = regexp.MustCompile(`\b(drawdown_[a-z_]+|up)\b(?:\{([^}]*)\})?`)
	matcher  = regexp.MustCompile(`^([a-z]+)(=~|!=|!~|=)"([^"]*)"$`)
	grouping = regexp.MustCompile(`\b(?:by|on) \(([^)]*)\)`)
)

// reporter takes what is wrong; *testing.T is one.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
}

// faults counts what is reported.
type faults int

func (*faults) Helper()                 {}
func (f *faults) Errorf(string, ...any) { *f++ }

// checkQuery reports what a query names and no process has.
func checkQuery(t reporter, known map[string]*metric, where, query string) {
	t.Helper()
	labels := map[string]bool{"le": true, "job": true, "instance": true}
	for _, found := range selector.FindAllStringSubmatch(query, -1) {
		m := find(known, found[1])
		if m == nil {
			t.Errorf("%s names %s, which no process has", where, found[1])
			continue
		}
		for _, label := range m.labels {
			labels[label] = true
		}
		for text := range strings.SplitSeq(found[2], ",") {
			if text != "" {
				checkMatcher(t, m, where+": "+found[1], text)
			}
		}
	}
	for _, group := range grouping.FindAllStringSubmatch(query, -1) {
		for label := range strings.SplitSeq(group[1], ",") {
			if label = strings.TrimSpace(label); !labels[label] {
				t.Errorf("%s groups by %s, which none of its metrics has", where, label)
			}
		}
	}
}

// find returns the metric that a name in a query stands for: a histogram has series with suffixes only.
func find(known map[string]*metric, name string) *metric {
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		if m := known[strings.TrimSuffix(name, suffix)]; strings.HasSuffix(name, suffix) && m != nil && m.histogram {
			return m
		}
	}
	if m := known[name]; m != nil && !m.histogram {
		return m
	}
	return nil
}

func checkMatcher(t reporter, m *metric, where, text string) {
	t.Helper()
	parts := matcher.FindStringSubmatch(text)
	if parts == nil {
		t.Errorf("%s: can't read matcher %s", where, text)
		return
	}
	label, values := parts[1], parts[3]
	if !slices.Contains(m.labels, label) {
		t.Errorf("%s has no label %s", where, label)
		return
	}
	for value := range strings.SplitSeq(values, "|") {
		if !m.values[label][value] {
			t.Errorf("%s: %s is never %q; it is one of %q", where, label, value, slices.Sorted(maps.Keys(m.values[label])))
		}
	}
}

// knownMetrics are those of the processes, and up, which Prometheus makes for each of its jobs.
func knownMetrics(t *testing.T) map[string]*metric {
	t.Helper()
	known := realMetrics(t)
	known["up"] = &metric{labels: []string{"job", "instance"}, values: map[string]map[string]bool{"job": jobs(t)}}
	return known
}

func TestAlertsNameRealMetrics(t *testing.T) {
	known := knownMetrics(t)
	for _, rule := range alerts(t) {
		if !selector.MatchString(rule.Expr) {
			t.Errorf("%s names no metric", rule.Alert)
		}
		checkQuery(t, known, rule.Alert, rule.Expr)
	}
}

func TestAlertTestsUseRealMetrics(t *testing.T) {
	known := knownMetrics(t)
	// Targets are told apart by any label; a series of a test may say which one it is of.
	for _, m := range known {
		m.labels = append(m.labels, "instance", "le")
	}
	for _, test := range alertTests(t).Tests {
		for _, series := range test.InputSeries {
			for _, found := range selector.FindAllStringSubmatch(series.Series, -1) {
				m := find(known, found[1])
				if m == nil {
					t.Errorf("%s uses %s, which no process has", test.Name, found[1])
					continue
				}
				for _, label := range regexp.MustCompile(`([a-z]+)="`).FindAllStringSubmatch(found[2], -1) {
					if !slices.Contains(m.labels, label[1]) {
						t.Errorf("%s: %s has no label %s", test.Name, found[1], label[1])
					}
				}
			}
		}
	}
}

func TestDashboardNamesRealMetrics(t *testing.T) {
	known := knownMetrics(t)
	queries := 0
	for _, p := range dashboard(t).Panels {
		for _, target := range p.Targets {
			if target.Expr != "" {
				queries++
				checkQuery(t, known, p.Title, target.Expr)
			}
		}
	}
	if queries < 30 {
		t.Errorf("only %d queries were found", queries)
	}
}

// TestDashboardShowsEveryMetric keeps a new metric from being seen by nobody.
func TestDashboardShowsEveryMetric(t *testing.T) {
	var shown strings.Builder
	for _, p := range dashboard(t).Panels {
		for _, target := range p.Targets {
			shown.WriteString(target.Expr + "\n")
		}
	}
	left := map[string]bool{
		"drawdown_sink_last_offset": true, // a number to compare by hand when a partition is repaired, no curve
	}
	for name := range realMetrics(t) {
		if !left[name] && !regexp.MustCompile(`\b`+name+`(_bucket)?\b`).MatchString(shown.String()) {
			t.Errorf("no panel shows %s", name)
		}
	}
}

func TestRunbookNamesRealMetrics(t *testing.T) {
	known := knownMetrics(t)
	for _, found := range selector.FindAllStringSubmatch(read(t, "runbook.md"), -1) {
		if find(known, found[1]) == nil {
			t.Errorf("the runbook names %s, which no process has", found[1])
		}
	}
}

// TestCheckQueryFinds shows that the check above can fail.
func TestCheckQueryFinds(t *testing.T) {
	known := map[string]*metric{
		"drawdown_a_total":   {labels: []string{"reason"}, values: map[string]map[string]bool{"reason": {"late": true}}},
		"drawdown_b_seconds": {histogram: true},
	}
	for query, right := range map[string]bool{
		`sum by (reason) (rate(drawdown_a_total{reason="late"}[5m]))`: true,
		`rate(drawdown_b_seconds_bucket[5m])`:                         true,
		`drawdown_c_total`:                                            false,
		`drawdown_b_seconds`:                                          false,
		`drawdown_a_total_sum`:                                        false,
		`drawdown_a_total{reason="never"}`:                            false,
		`drawdown_a_total{reason=~"late|never"}`:                      false,
		`drawdown_a_total{cause="late"}`:                              false,
		`sum by (cause) (drawdown_a_total)`:                           false,
	} {
		var found faults
		checkQuery(&found, known, "probe", query)
		if (found == 0) != right {
			t.Errorf("%s: %d faults were found, right is %v", query, found, right)
		}
	}
}
