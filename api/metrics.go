package api

import (
	"errors"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are few on purpose: the label route has as many values as the table has rows.
type metrics struct {
	requests *prometheus.CounterVec // route, status
	duration *prometheus.HistogramVec
	inFlight prometheus.Gauge
	events   *prometheus.CounterVec // state
}

func newMetrics(registerer prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "drawdown_api_requests_total",
			Help: "Requests by route and class of status. Many 5xx: Redis, Kafka or ClickHouse is away, or something broke. Many 4xx of a route: a client is wrong, or is being limited."}, []string{"route", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "drawdown_api_request_duration_seconds",
			Help:    "Duration of requests by route, with waits that clients asked for. High for gate: Redis is slow or far away, and syncs start late.",
			Buckets: []float64{.0005, .001, .002, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}}, []string{"route"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{Name: "drawdown_api_requests_in_flight",
			Help: "Requests being worked on. Growing: a server behind the API is slow, or clients wait for writes while workers lag."}),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "drawdown_api_events_total",
			Help: "Usage events taken over HTTP, by what became of them. Many rejected: a worker sends what is malformed, too old, or of accounts that it must not report for."}, []string{"state"}),
	}
	var errs []error
	for _, c := range []prometheus.Collector{m.requests, m.duration, m.inFlight, m.events} {
		errs = append(errs, registerer.Register(c))
	}
	return m, errors.Join(errs...)
}

// statusClasses are the values of the label status.
const statusClasses = 6

// routeMetrics are a route's own counters, looked up once.
type routeMetrics struct {
	requests [statusClasses]prometheus.Counter
	duration prometheus.Observer
}

func (m *metrics) of(route string) *routeMetrics {
	r := &routeMetrics{duration: m.duration.WithLabelValues(route)}
	for class := 1; class < statusClasses; class++ {
		r.requests[class] = m.requests.WithLabelValues(route, strconv.Itoa(class)+"xx")
	}
	return r
}

func (r *routeMetrics) observe(status int, took time.Duration) {
	r.requests[min(max(status/100, 1), statusClasses-1)].Inc()
	r.duration.Observe(took.Seconds())
}
