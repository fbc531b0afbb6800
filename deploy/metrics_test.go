package deploy

import (
	"encoding/base64"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	kafka "github.com/segmentio/kafka-go"

	"drawdown/consumer"
	"drawdown/consumer/feed"
	"drawdown/notify"
	"drawdown/notify/webhook"
	"drawdown/purchasing"
	sink "drawdown/sinks/clickhouse"
)

// metric is what is known of one metric of the real processes.
type metric struct {
	histogram bool
	labels    []string
	values    map[string]map[string]bool // by label, the values of series that exist from the start
}

// collectors notes what is registered. It is the Registerer of the real processes' constructors.
type collectors struct {
	*prometheus.Registry
	all []prometheus.Collector
}

func (c *collectors) Register(collector prometheus.Collector) error {
	c.all = append(c.all, collector)
	return c.Registry.Register(collector)
}

func (c *collectors) MustRegister(collectors ...prometheus.Collector) {
	for _, collector := range collectors {
		if err := c.Register(collector); err != nil {
			panic(err)
		}
	}
}

// processes construct the metrics of each process, as it does itself.
var processes = map[string]func(*testing.T, prometheus.Registerer){
	"worker": func(_ *testing.T, r prometheus.Registerer) { consumer.NewMetrics(r) },
	"sink": func(t *testing.T, r prometheus.Registerer) {
		config := sink.Default()
		config.DSN = "clickhouse://localhost:9000/drawdown"
		_, err := sink.New(config, sink.Deps{Store: struct{ sink.Store }{}, Source: struct{ sink.Source }{}, Registerer: r, Log: silent})
		must(t, err)
	},
	"purchaser": happen,
	"notifier": func(t *testing.T, r prometheus.Registerer) {
		n, err := notify.New(notify.Default(), notify.Deps{
			Directory: struct{ notify.Directory }{}, Outbox: struct{ notify.Outbox }{}, Operations: struct{ notify.Operations }{},
			EmailSchedule: notify.EmailSchedule, WebhookSchedule: webhook.Schedule, Registerer: r, Logger: silent,
		})
		must(t, err)
		follow(t, r, "notifier", n)
		config := webhook.Default()
		config.MasterKey = base64.StdEncoding.EncodeToString(make([]byte, 32))
		sender, err := webhook.New(&config, r)
		must(t, err)
		t.Cleanup(func() { sender.Close() })
	},
}

var silent = slog.New(slog.DiscardHandler)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func follow(t *testing.T, r prometheus.Registerer, consumer string, handler feed.Handler) {
	t.Helper()
	config := feed.Default()
	config.Group = consumer
	_, err := feed.New(config, feed.Deps{
		Consumer: consumer, Handler: handler, Transport: &kafka.Transport{}, Addr: kafka.TCP("localhost:9092"),
		Brokers: []string{"localhost:9092"}, Registerer: r, Log: silent,
	})
	must(t, err)
}

// realMetrics are the metrics of all processes, by name. A vector without series is told by its description.
func realMetrics(t *testing.T) map[string]*metric {
	t.Helper()
	known := make(map[string]*metric)
	for process, construct := range processes {
		c := &collectors{Registry: prometheus.NewRegistry()}
		construct(t, c)
		for _, collector := range c.all {
			_, vector := collector.(*prometheus.HistogramVec)
			for desc := range descriptions(collector) {
				name, labels, constant := parseDesc(t, desc)
				if known[name] == nil {
					known[name] = &metric{values: make(map[string]map[string]bool)}
				}
				known[name].histogram = known[name].histogram || vector
				known[name].labels = append(known[name].labels, append(labels, "job", "instance")...)
				known[name].note("job", "drawdown-"+process)
				for label, value := range constant {
					known[name].note(label, value)
				}
			}
		}
		noteSeries(t, c, known)
	}
	// Of partitions and of results of payments, there are no series before there are some.
	for state := consumer.Starting; state <= consumer.Diverged; state++ {
		known["drawdown_partition_state"].note("state", state.String())
	}
	for state := purchasing.Absent; state <= purchasing.Cancelled; state++ {
		known["drawdown_payment_tries_total"].note("result", state.String())
	}
	return known
}

func noteSeries(t *testing.T, c *collectors, known map[string]*metric) {
	t.Helper()
	families, err := c.Gather()
	must(t, err)
	for _, family := range families {
		m := known[family.GetName()]
		m.histogram = m.histogram || family.GetType() == dto.MetricType_HISTOGRAM
		for _, series := range family.GetMetric() {
			for _, label := range series.GetLabel() {
				m.note(label.GetName(), label.GetValue())
			}
		}
	}
}

func (m *metric) note(label, value string) {
	if m.values[label] == nil {
		m.values[label] = make(map[string]bool)
	}
	m.values[label][value] = true
}

func descriptions(collector prometheus.Collector) <-chan *prometheus.Desc {
	all := make(chan *prometheus.Desc)
	go func() {
		defer close(all)
		collector.Describe(all)
	}()
	return all
}

// descText is how a description prints itself: the library tells name and labels in no other way.
var descText = regexp.MustCompile(`^Desc\{fqName: "([^"]+)", .*constLabels: \{([^}]*)\}, variableLabels: \{([^}]*)\}\}$`)

// parseDesc returns a description's name, the labels of its series, and those labels that have one value for all of them.
func parseDesc(t *testing.T, desc *prometheus.Desc) (name string, labels []string, constant map[string]string) {
	t.Helper()
	found := descText.FindStringSubmatch(strings.ReplaceAll(desc.String(), "\n", " "))
	if found == nil {
		t.Fatalf("can't read %s", desc)
	}
	constant = make(map[string]string)
	for _, label := range regexp.MustCompile(`([a-z]+)="([^"]*)"`).FindAllStringSubmatch(found[2], -1) {
		labels = append(labels, label[1])
		constant[label[1]] = label[2]
	}
	if found[3] != "" {
		labels = append(labels, strings.Split(found[3], ",")...)
	}
	return found[1], labels, constant
}

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
