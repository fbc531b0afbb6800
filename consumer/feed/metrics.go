package feed

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// stage is where something failed that is tried again.
type stage string

const (
	stageJoin      stage = "join"
	stageHeartbeat stage = "heartbeat"
	stageBegin     stage = "begin"
	stageFetch     stage = "fetch"
	stageLane      stage = "lane"
	stageCommit    stage = "commit"
	stageLag       stage = "lag"
)

var stages = []stage{stageJoin, stageHeartbeat, stageBegin, stageFetch, stageLane, stageCommit, stageLag}

// metrics are a follower's. All have the label consumer; none has one of an account.
type metrics struct {
	events     prometheus.Counter
	repeats    prometheus.Counter
	rebalances prometheus.Counter
	lastCommit prometheus.Gauge
	delay      prometheus.Histogram
	errors     *prometheus.CounterVec

	lagEntries     *prometheus.GaugeVec
	pendingEntries *prometheus.GaugeVec
	stopped        *prometheus.GaugeVec
}

func newMetrics(consumer string, registerer prometheus.Registerer) (*metrics, error) {
	partition := []string{"partition"}
	m := &metrics{
		events: prometheus.NewCounter(prometheus.CounterOpts{Name: "drawdown_feed_events_total",
			Help: "Ledger events taken. Those that come again after a restart count again."}),
		repeats: prometheus.NewCounter(prometheus.CounterOpts{Name: "drawdown_feed_repeats_total",
			Help: "Ledger events dropped because a worker had published them before. High: workers crash or lose their store often."}),
		rebalances: prometheus.NewCounter(prometheus.CounterOpts{Name: "drawdown_feed_rebalances_total",
			Help: "Times that partitions were assigned anew. High: members come and go, or time out."}),
		lastCommit: prometheus.NewGauge(prometheus.GaugeOpts{Name: "drawdown_feed_last_commit_timestamp_seconds",
			Help: "When offsets were committed last. Old while there is lag: nothing gets done, or the group can't be reached; a restart would repeat much."}),
		delay: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "drawdown_feed_delay_seconds",
			Help:    "Time from a ledger event's append until it is taken. High: the consumer catches up, or waits for what it calls.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5, 30, 300, 3600, 86400}}),
		errors: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "drawdown_feed_errors_total",
			Help: "Failures after which the consumer tries again, by stage. Growing: Kafka is away or refuses, or (lane) the consumer's own work fails; the log says why."}, []string{"stage"}),
		lagEntries: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "drawdown_feed_lag_entries",
			Help: "Ledger entries not yet taken. Purchases and notices in them are late."}, partition),
		pendingEntries: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "drawdown_feed_pending_entries",
			Help: "Ledger entries from the first that is not finished to the last taken: what would come again after a crash."}, partition),
		stopped: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "drawdown_feed_stopped",
			Help: "1 while a partition is given up until somebody acts: its purchases and notices wait."}, partition),
	}
	labelled := prometheus.WrapRegistererWith(prometheus.Labels{"consumer": consumer}, registerer)
	for _, c := range []prometheus.Collector{
		m.events, m.repeats, m.rebalances, m.lastCommit, m.delay, m.errors, m.lagEntries, m.pendingEntries, m.stopped,
	} {
		if err := labelled.Register(c); err != nil {
			return nil, err
		}
	}
	for _, s := range stages { // so that an alert sees the first increase
		m.errors.WithLabelValues(string(s))
	}
	return m, nil
}

func (m *metrics) failed(s stage) { m.errors.WithLabelValues(string(s)).Inc() }

// begin shows a partition.
func (m *metrics) begin(partition int32) { m.stopped.WithLabelValues(label(partition)).Set(0) }

// stop shows that a partition is given up.
func (m *metrics) stop(partition int32) { m.stopped.WithLabelValues(label(partition)).Set(1) }

func (m *metrics) lag(partition int32, entries int64) {
	m.lagEntries.WithLabelValues(label(partition)).Set(float64(entries))
}

func (m *metrics) pending(partition int32, entries int64) {
	m.pendingEntries.WithLabelValues(label(partition)).Set(float64(entries))
}

// forget drops the series of a partition that somebody else may have now.
func (m *metrics) forget(partition int32) {
	for _, gauge := range []*prometheus.GaugeVec{m.lagEntries, m.pendingEntries, m.stopped} {
		gauge.DeleteLabelValues(label(partition))
	}
}

func label(partition int32) string { return strconv.Itoa(int(partition)) }
