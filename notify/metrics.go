package notify

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// stage is where something failed on our side that is tried again.
type stage string

const (
	stageDirectory  stage = "directory"  // reading accounts
	stageLog        stage = "log"        // the delivery log
	stageOperations stage = "operations" // disabling an endpoint
	stageRoom       stage = "room"       // too many deliveries wait
)

// result is what a try, or an end without one, is counted as.
type result string

const (
	resultDelivered result = "delivered"
	resultRetry     result = "retry"
	resultRefused   result = "refused"
	resultExpired   result = "expired"
	resultDropped   result = "dropped"
)

// ends are the results of deliveries that have ended, by their state.
var ends = map[State]result{
	StateDelivered: resultDelivered, StateRefused: resultRefused, StateExpired: resultExpired, StateDropped: resultDropped,
}

type metrics struct {
	notices    *prometheus.CounterVec // kind
	tooOld     prometheus.Counter
	deliveries *prometheus.CounterVec // channel, result
	pending    *prometheus.GaugeVec   // channel
	duration   *prometheus.HistogramVec
	lag        prometheus.Histogram
	disabled   prometheus.Counter
	errors     *prometheus.CounterVec // stage
}

func newMetrics(registerer prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		notices: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "drawdown_notifier_notices_total",
			Help: "Ledger entries that are news to customers, by kind. Those that come again after a restart count again."}, []string{"kind"}),
		tooOld: prometheus.NewCounter(prometheus.CounterOpts{Name: "drawdown_notices_too_old_total",
			Help: "Ledger entries older than the horizon, of which nobody is told. Growing: the whole ledger is read again, or a worker was away for days."}),
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "drawdown_deliveries_total",
			Help: "Deliveries by what came of them; retry counts tries after which another one follows. Many retries of e-mail: the mail server refuses or is away. Expired: customers were not told."}, []string{"channel", "result"}),
		pending: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "drawdown_deliveries_pending",
			Help: "Deliveries that have not ended, those that wait for their next try included. High: the other side is slow or away."}, []string{"channel"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "drawdown_delivery_try_duration_seconds",
			Help:    "Duration of a try.",
			Buckets: []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}}, []string{"channel"}),
		lag: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "drawdown_delivery_lag_seconds",
			Help:    "From the publication of a ledger entry to the first try of each of its deliveries. High: more is to be told than can be tried at a time.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 30, 300, 3600, 86400}}),
		disabled: prometheus.NewCounter(prometheus.CounterOpts{Name: "drawdown_endpoints_disabled_total",
			Help: "Webhook endpoints that were disabled because they are gone, or failed for too long."}),
		errors: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "drawdown_notifier_errors_total",
			Help: "Failures on our side after which the notifier tries again, by stage: reading accounts, the delivery log, disabling endpoints; room: too many deliveries wait. Nothing is lost, notices are late."}, []string{"stage"}),
	}
	var faults []error
	for _, c := range []prometheus.Collector{m.notices, m.tooOld, m.deliveries, m.pending, m.duration, m.lag, m.disabled, m.errors} {
		faults = append(faults, registerer.Register(c))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	m.begin()
	return m, nil
}

// begin shows every series, so that an alert sees the first increase.
func (m *metrics) begin() {
	for _, kind := range Kinds {
		m.notices.WithLabelValues(string(kind))
	}
	for _, channel := range []Channel{Email, Webhook} {
		m.pending.WithLabelValues(string(channel))
		for _, r := range []result{resultDelivered, resultRetry, resultRefused, resultExpired, resultDropped} {
			m.deliveries.WithLabelValues(string(channel), string(r))
		}
	}
	for _, s := range []stage{stageDirectory, stageLog, stageOperations, stageRoom} {
		m.errors.WithLabelValues(string(s))
	}
}

func (m *metrics) count(channel Channel, r result) {
	m.deliveries.WithLabelValues(string(channel), string(r)).Inc()
}
