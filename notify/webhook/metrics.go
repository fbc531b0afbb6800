package webhook

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"drawdown/notify"
)

// metrics are the channel's. No label holds an account, an endpoint or a host: customers choose those.
type metrics struct {
	tries    *prometheus.CounterVec
	blocked  prometheus.Counter
	underWay prometheus.Gauge
	duration prometheus.Histogram
}

// verdicts are the names of verdicts in metrics.
var verdicts = map[notify.Verdict]string{
	notify.Delivered: "delivered", notify.Retry: "retry", notify.Refused: "refused", notify.Gone: "gone",
}

func newMetrics(registerer prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		tries: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "drawdown_webhook_tries_total",
			Help: "Tries to deliver a webhook, by verdict. Many retries of all customers at once: this side has no way out; of some: their receivers fail."}, []string{"verdict"}),
		blocked: prometheus.NewCounter(prometheus.CounterOpts{Name: "drawdown_webhook_blocked_total",
			Help: "Tries not made because the host's address may not be reached. Growing: a customer's receiver is in a private network, or somebody looks for a way into ours."}),
		underWay: prometheus.NewGauge(prometheus.GaugeOpts{Name: "drawdown_webhook_under_way",
			Help: "Requests under way. At concurrency_max for long: slow receivers use up the room, and others wait."}),
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "drawdown_webhook_duration_seconds",
			Help:    "How long a request took, up to its answer or failure. High: receivers are slow.",
			Buckets: []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 15, 30, 60}}),
	}
	for _, c := range []prometheus.Collector{m.tries, m.blocked, m.underWay, m.duration} {
		if err := registerer.Register(c); err != nil {
			return nil, fmt.Errorf("webhook: register metrics: %w", err)
		}
	}
	for _, name := range verdicts {
		m.tries.WithLabelValues(name)
	}
	return m, nil
}

func (m *metrics) started() { m.underWay.Inc() }

func (m *metrics) ended(since time.Time) {
	m.underWay.Dec()
	m.duration.Observe(time.Since(since).Seconds())
}
