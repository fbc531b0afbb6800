package purchasing

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	open       prometheus.Gauge
	tries      *prometheus.CounterVec // result: paid, declined, cancelled, absent, pending, error
	duration   prometheus.Histogram
	lag        prometheus.Histogram
	operations *prometheus.CounterVec // type
	webhooks   *prometheus.CounterVec // result: taken, repeated, ignored, error, or the reason of the refusal
	sweeps     *prometheus.CounterVec // result: done, failed
	events     *prometheus.CounterVec // kind, origin
}

func newMetrics(registerer prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		open: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "drawdown_purchases_open", Help: "Purchases asked for whose outcome is not in the log. High: the gateway is slow or away.",
		}),
		tries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "drawdown_payment_tries_total", Help: "Tries of payments by what came of them. Errors are tried again.",
		}, []string{"result"}),
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "drawdown_payment_try_duration_seconds", Help: "How long the gateway took to answer a try.",
			Buckets: []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}),
		lag: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "drawdown_payment_lag_seconds", Help: "From the publication of a request to the first try of its payment.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5, 30, 300},
		}),
		operations: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "drawdown_purchasing_operations_total", Help: "Operations that the purchaser appended to the log.",
		}, []string{"type"}),
		webhooks: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "drawdown_gateway_webhooks_total", Help: "Webhooks from the gateway by what became of them. Forged, unsigned or stale: somebody else posts here, or a secret is wrong.",
		}, []string{"result"}),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "drawdown_gateway_events_total", Help: "Events of the gateway that were acted on, by what they say and how they came.",
		}, []string{"kind", "origin"}),
		sweeps: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "drawdown_gateway_sweeps_total", Help: "How often the gateway was asked what happened, for webhooks that were lost. Failed: some of it could not be handled, or the gateway is away.",
		}, []string{"result"}),
	}
	m.begin()
	var faults []error
	for _, c := range []prometheus.Collector{m.open, m.tries, m.duration, m.lag, m.operations, m.webhooks, m.sweeps, m.events} {
		faults = append(faults, registerer.Register(c))
	}
	return m, errors.Join(faults...)
}

// begin makes the series that alerts look at, so that the first increase after a start is seen.
func (m *metrics) begin() {
	for _, state := range stateNames {
		m.tries.WithLabelValues(state)
	}
	m.tries.WithLabelValues("error")
	for _, result := range []string{"taken", "repeated", "ignored", "error", string(Unsigned), string(Forged), string(Stale), string(Malformed)} {
		m.webhooks.WithLabelValues(result)
	}
	for _, result := range []string{sweepDone, sweepFailed} {
		m.sweeps.WithLabelValues(result)
	}
}
