package consumer

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"drawdown"
	"drawdown/balance"
)

// Metrics are the worker's metrics. Labels never hold account ids.
type Metrics struct {
	events      prometheus.Counter
	eventBytes  prometheus.Counter
	charges     prometheus.Counter
	ledger      prometheus.Counter
	notices     prometheus.Counter
	duplicates  prometheus.Counter
	missing     prometheus.Counter
	arrived     prometheus.Counter
	exhaustions prometheus.Counter
	ticks       prometheus.Counter
	loads       prometheus.Counter
	rebalances  prometheus.Counter
	rewinds     prometheus.Counter
	rejected    *prometheus.CounterVec
	purchases   *prometheus.CounterVec
	commits     *prometheus.CounterVec
	retries     *prometheus.CounterVec
	accounts    *prometheus.GaugeVec

	batchEvents     prometheus.Histogram
	loadDuration    prometheus.Histogram
	publishDuration prometheus.Histogram
	commitDuration  prometheus.Histogram
	visibleAfter    prometheus.Histogram

	partitions partitionCollector
}

// NewMetrics creates the metrics and registers them. It panics if one is registered already: that is wiring.
func NewMetrics(registerer prometheus.Registerer) *Metrics {
	m := &Metrics{
		events:      counter("drawdown_events_total", "Records of the log applied and committed, rejected ones and duplicates included."),
		eventBytes:  counter("drawdown_event_bytes_total", "Bytes of keys and values of committed records, decompressed."),
		charges:     counter("drawdown_charges_total", "Usage events rated and charged."),
		ledger:      counter("drawdown_ledger_entries_total", "Ledger entries and notices published."),
		notices:     counter("drawdown_notices_total", "Notices to customers published."),
		duplicates:  counter("drawdown_duplicates_total", "Records that repeated one already applied. A high rate means that producers retry a lot or number their events wrongly."),
		missing:     counter("drawdown_sequence_gaps_total", "Sequence numbers of usage events left missing by a later one. Those that don't arrive later (drawdown_sequence_gaps_filled_total) are usage that was never charged: a producer loses events."),
		arrived:     counter("drawdown_sequence_gaps_filled_total", "Missing sequence numbers that arrived after all. High means that events arrive out of order."),
		exhaustions: counter("drawdown_exhaustions_total", "Accounts whose status became exhausted or payment_failed. A high rate means that customers' syncs stop."),
		ticks:       counter("drawdown_ticks_total", "Tick records appended for accounts that were due. High while many idle accounts have something due at once, such as at the start of a month."),
		loads:       counter("drawdown_accounts_loaded_total", "Accounts read from the store. A high rate in steady state means that cache_accounts_max is too small."),
		rebalances:  counter("drawdown_rebalances_total", "Times that partitions were assigned anew. High means that members come and go, or time out."),
		rewinds:     counter("drawdown_rewinds_total", "Times that the store was found behind what was committed, and a partition began again from there. Above zero means that the store loses what it acknowledged."),
		rejected:    counters("drawdown_rejected_total", "Records rejected, by reason. They had no effect and are kept in the rejected topic. Anything above zero deserves a look.", "reason"),
		purchases:   counters("drawdown_purchases_total", "Purchases by outcome. Many failed ones mean refused payments; declined are attempts that are followed by another; capped ones are customers who ran into a cap; refunded are refunds and chargebacks.", "outcome"),
		commits:     counters("drawdown_commits_total", "Commits by outcome. fenced: another worker took the partition. rewound: the store went back. diverged: somebody else writes to the store.", "outcome"),
		retries:     counters("drawdown_retries_total", "Attempts that failed and were repeated, by stage. High means that a server is away or slow.", "stage"),
		accounts: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "drawdown_accounts",
			Help: "Accounts by status, of the partitions that this worker owns. A high number of exhausted or payment_failed ones means that customers' syncs don't run."}, []string{"status"}),

		batchEvents:     histogram("drawdown_batch_events", "Records in a committed batch. High means that the worker is catching up.", prometheus.ExponentialBuckets(1, 4, 9)),
		loadDuration:    histogram("drawdown_load_duration_seconds", "Time to read the missing accounts of some records from the store. High means a slow store.", durationBuckets),
		publishDuration: histogram("drawdown_publish_duration_seconds", "Time until everything that a batch caused was acknowledged, retries included. High means a slow or absent broker.", durationBuckets),
		commitDuration:  histogram("drawdown_commit_duration_seconds", "Time to commit a batch to the store, retries included. High means a slow or absent store.", durationBuckets),
		visibleAfter:    histogram("drawdown_event_visible_after_seconds", "Time from a record's append to its visible balance, of the oldest record of each batch. High means lag, or clocks that differ.", durationBuckets),

		partitions: newPartitionCollector(),
	}
	registerer.MustRegister(m.events, m.eventBytes, m.charges, m.ledger, m.notices, m.duplicates, m.missing, m.arrived, m.exhaustions, m.ticks,
		m.loads, m.rebalances, m.rewinds, m.rejected, m.purchases, m.commits, m.retries, m.accounts, m.batchEvents, m.loadDuration,
		m.publishDuration, m.commitDuration, m.visibleAfter, &m.partitions)
	m.initialise()
	return m
}

// initialise makes every series exist, so that an alert sees the first increase of one.
func (m *Metrics) initialise() {
	for _, reason := range drawdown.Reasons {
		m.rejected.WithLabelValues(string(reason))
	}
	for _, outcome := range []string{"requested", "settled", "declined", "failed", "refunded", "capped"} {
		m.purchases.WithLabelValues(outcome)
	}
	for kind := balance.Applied; kind <= balance.Diverged; kind++ {
		m.commits.WithLabelValues(kind.String())
	}
	for _, stage := range []string{"join", "start", "fetch", "load", "publish", "commit", "tick"} {
		m.retries.WithLabelValues(stage)
	}
	for status := drawdown.Active; status < drawdown.StatusCount; status++ {
		m.accounts.WithLabelValues(status.String())
	}
}

var durationBuckets = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}

func counter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
}

func counters(name, help, label string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{label})
}

func histogram(name, help string, buckets []float64) prometheus.Histogram {
	return prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets})
}

// applied counts a committed batch.
func (m *Metrics) applied(b *batch) {
	t := &b.tally
	m.events.Add(float64(t.events))
	m.eventBytes.Add(float64(t.bytes))
	m.charges.Add(float64(t.charges))
	m.ledger.Add(float64(t.ledger))
	m.notices.Add(float64(t.notices))
	m.duplicates.Add(float64(t.duplicates))
	m.missing.Add(float64(t.gaps.Left))
	m.arrived.Add(float64(t.gaps.Arrived))
	m.exhaustions.Add(float64(t.exhausted))
	for reason, count := range t.rejected {
		m.rejected.WithLabelValues(string(reason)).Add(float64(count))
	}
	m.purchases.WithLabelValues("requested").Add(float64(t.requested))
	m.purchases.WithLabelValues("settled").Add(float64(t.settled))
	m.purchases.WithLabelValues("declined").Add(float64(t.declined))
	m.purchases.WithLabelValues("failed").Add(float64(t.failed))
	m.purchases.WithLabelValues("refunded").Add(float64(t.refunded))
	m.purchases.WithLabelValues("capped").Add(float64(t.capped))
	m.batchEvents.Observe(float64(t.events))
	m.visibleAfter.Observe(max(0, time.Since(time.UnixMilli(int64(t.appended))).Seconds()))
	m.count(&b.commit.Statuses)
}

// count adds accounts by status; negative counts take them away.
func (m *Metrics) count(statuses *[drawdown.StatusCount]int64) {
	for status := drawdown.Active; status < drawdown.StatusCount; status++ {
		if n := statuses[status]; n != 0 {
			m.accounts.WithLabelValues(status.String()).Add(float64(n))
		}
	}
}

func (m *Metrics) loaded(accounts int, took time.Duration) {
	m.loads.Add(float64(accounts))
	m.loadDuration.Observe(took.Seconds())
}

func (m *Metrics) published(took time.Duration) { m.publishDuration.Observe(took.Seconds()) }

func (m *Metrics) committed(kind balance.OutcomeKind, took time.Duration) {
	m.commits.WithLabelValues(kind.String()).Inc()
	m.commitDuration.Observe(took.Seconds())
}

func (m *Metrics) retried(stage string) { m.retries.WithLabelValues(stage).Inc() }
