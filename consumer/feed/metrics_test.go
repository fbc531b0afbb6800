package feed

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// TestMetricsAreThereFromTheBeginning, so that an alert sees the first increase.
func TestMetricsAreThereFromTheBeginning(t *testing.T) {
	registry := prometheus.NewRegistry()
	m, err := newMetrics("purchaser", registry)
	if err != nil {
		t.Fatal(err)
	}
	m.begin(7)
	m.failed(stageLane)
	const want = `
# HELP drawdown_feed_errors_total Failures after which the consumer tries again, by stage. Growing: Kafka is away or refuses, or (lane) the consumer's own work fails; the log says why.
# TYPE drawdown_feed_errors_total counter
drawdown_feed_errors_total{consumer="purchaser",stage="begin"} 0
drawdown_feed_errors_total{consumer="purchaser",stage="commit"} 0
drawdown_feed_errors_total{consumer="purchaser",stage="fetch"} 0
drawdown_feed_errors_total{consumer="purchaser",stage="heartbeat"} 0
drawdown_feed_errors_total{consumer="purchaser",stage="join"} 0
drawdown_feed_errors_total{consumer="purchaser",stage="lag"} 0
drawdown_feed_errors_total{consumer="purchaser",stage="lane"} 1
# HELP drawdown_feed_stopped 1 while a partition is given up until somebody acts: its purchases and notices wait.
# TYPE drawdown_feed_stopped gauge
drawdown_feed_stopped{consumer="purchaser",partition="7"} 0
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "drawdown_feed_errors_total", "drawdown_feed_stopped"); err != nil {
		t.Error(err)
	}
	m.stop(7)
	m.lag(7, 5)
	m.pending(7, 3)
	for _, name := range []string{"drawdown_feed_stopped", "drawdown_feed_lag_entries", "drawdown_feed_pending_entries"} {
		if n, err := testutil.GatherAndCount(registry, name); err != nil || n != 1 {
			t.Errorf("%s has %d series: %v", name, n, err)
		}
	}
	m.forget(7)
	for _, name := range []string{"drawdown_feed_stopped", "drawdown_feed_lag_entries", "drawdown_feed_pending_entries"} {
		if n, err := testutil.GatherAndCount(registry, name); err != nil || n != 0 {
			t.Errorf("%s has %d series of a partition that is somebody else's: %v", name, n, err)
		}
	}
	if problems, err := testutil.GatherAndLint(registry); err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
}
