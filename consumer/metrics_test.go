package consumer

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"drawdown"
	"drawdown/balance"
)

func TestMetricsAreWellFormed(t *testing.T) {
	registry := prometheus.NewRegistry()
	m := NewMetrics(registry)
	m.partitions.add(3, newPartitionGauge())
	problems, err := testutil.GatherAndLint(registry)
	if err != nil || len(problems) > 0 {
		t.Errorf("error %v, problems %v", err, problems)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if !strings.HasPrefix(family.GetName(), "drawdown_") {
			t.Errorf("metric %s has another prefix", family.GetName())
		}
		for _, metric := range family.GetMetric() {
			for _, label := range metric.GetLabel() {
				if label.GetName() == "account" {
					t.Errorf("metric %s has account ids", family.GetName())
				}
			}
		}
	}
}

func TestMetricsTellWhatHappened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.append(usage("a", 3, 1), "not JSON", usage("b", 1, 9), usage("b", 1, 1))
		worker := w.worker(nil)
		stop := run(t, worker)
		w.caughtUp(worker)
		time.Sleep(2 * w.cfg.FetchWaitMax)
		m := worker.metrics
		for name, c := range map[string]struct {
			metric prometheus.Collector
			want   float64
		}{
			"events":      {m.events, 4},
			"charges":     {m.charges, 2},
			"duplicates":  {m.duplicates, 1},
			"exhaustions": {m.exhaustions, 1}, // of a, whose sum is 3
			"malformed":   {m.rejected.WithLabelValues("malformed"), 1},
			"active":      {m.accounts.WithLabelValues("active"), 2},
			"loaded":      {m.loads, 2},
		} {
			if got := testutil.ToFloat64(c.metric); got != c.want {
				t.Errorf("%s: %v, want %v", name, got, c.want)
			}
		}
		want := `
# HELP drawdown_lag_records Records of a partition that are in the log but not in the balances. High means that the worker does not keep up, or stands.
# TYPE drawdown_lag_records gauge
drawdown_lag_records{partition="0"} 0
`
		if err := testutil.CollectAndCompare(&m.partitions, strings.NewReader(want), "drawdown_lag_records"); err != nil {
			t.Error(err)
		}
		stop()
		if got := testutil.ToFloat64(m.accounts.WithLabelValues("active")); got != 0 {
			t.Errorf("%v accounts are counted after the partition was let go", got)
		}
	})
}

func TestLag(t *testing.T) {
	now := time.UnixMilli(1_000_000)
	g := newPartitionGauge()
	if _, _, known := g.lag(now); known {
		t.Error("the lag is known before anything was fetched")
	}
	g.end.Store(10)
	g.committed(&batch{next: 4, commit: newToyMachine().Take(balance.Epoch{}, 4), tally: tally{logTime: drawdown.Time(990_000)}})
	if records, wait, _ := g.lag(now); records != 6 || wait != 10*time.Second {
		t.Errorf("lag %d records, %v", records, wait)
	}
	g.next.Store(10)
	if records, wait, known := g.lag(now); records != 0 || wait != 0 || !known {
		t.Errorf("lag at the end of the log: %d records, %v", records, wait)
	}
}
