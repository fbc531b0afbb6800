package clickhouse

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the sink's. Labels are table and partition; there is none of an account.
type metrics struct {
	rows       *prometheus.CounterVec
	blocks     *prometheus.CounterVec
	duration   *prometheus.HistogramVec
	errors     *prometheus.CounterVec
	lagRecords *prometheus.GaugeVec
	lagSeconds *prometheus.GaugeVec
	lastOffset *prometheus.GaugeVec
	stopped    *prometheus.GaugeVec
}

func newMetrics(registerer prometheus.Registerer) (*metrics, error) {
	lane := []string{"table", "partition"}
	m := &metrics{
		rows: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "drawdown_sink_rows_total",
			Help: "Rows written to ClickHouse."}, []string{"table"}),
		blocks: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "drawdown_sink_blocks_total",
			Help: "Inserts of rows into ClickHouse. Many small ones are a burden to it: raise block_age_max."}, []string{"table"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "drawdown_sink_insert_duration_seconds",
			Help:    "How long ClickHouse took for one insert. High: it is busy merging, or its disk is slow.",
			Buckets: []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}}, []string{"table"}),
		errors: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "drawdown_sink_errors_total",
			Help: "Failures after which the sink tries again. Growing: ClickHouse or Kafka is away or refuses; the log says why."}, []string{"table"}),
		lagRecords: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "drawdown_sink_lag_records",
			Help: "Records of the topic not yet read. Reports miss what is in them; balances are not affected."}, lane),
		lagSeconds: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "drawdown_sink_lag_seconds",
			Help: "Age of the last record read, while there are records not yet read; else 0."}, lane),
		lastOffset: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "drawdown_sink_last_offset",
			Help: "Offset in the input of the last row written."}, lane),
		stopped: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "drawdown_sink_stopped",
			Help: "1 while the sink has given up on a partition until somebody acts: rows are missing, or differ from what was written."}, lane),
	}
	for _, c := range []prometheus.Collector{m.rows, m.blocks, m.duration, m.errors, m.lagRecords, m.lagSeconds, m.lastOffset, m.stopped} {
		if err := registerer.Register(c); err != nil {
			return nil, err
		}
	}
	for _, stream := range []Stream{Charges, Ledger} {
		m.rows.WithLabelValues(stream.String())
		m.errors.WithLabelValues(stream.String())
	}
	return m, nil
}

// laneMetrics are those of one stream of one partition.
type laneMetrics struct {
	rows, blocks, errors   prometheus.Counter
	duration               prometheus.Observer
	lagRecords, lagSeconds prometheus.Gauge
	lastOffset, stopped    prometheus.Gauge
}

func (m *metrics) lane(stream Stream, partition int32) laneMetrics {
	table, number := stream.String(), strconv.Itoa(int(partition))
	lane := laneMetrics{
		rows: m.rows.WithLabelValues(table), blocks: m.blocks.WithLabelValues(table), errors: m.errors.WithLabelValues(table),
		duration:   m.duration.WithLabelValues(table),
		lagRecords: m.lagRecords.WithLabelValues(table, number), lagSeconds: m.lagSeconds.WithLabelValues(table, number),
		lastOffset: m.lastOffset.WithLabelValues(table, number), stopped: m.stopped.WithLabelValues(table, number),
	}
	lane.stopped.Set(0)
	return lane
}

// forget drops the series of a partition that another sink has now.
func (m *metrics) forget(stream Stream, partition int32) {
	table, number := stream.String(), strconv.Itoa(int(partition))
	for _, gauge := range []*prometheus.GaugeVec{m.lagRecords, m.lagSeconds, m.lastOffset, m.stopped} {
		gauge.DeleteLabelValues(table, number)
	}
}

func (m *laneMetrics) wrote(b *Block) {
	m.rows.Add(float64(b.Rows))
	if b.Rows > 0 {
		m.blocks.Inc()
		m.lastOffset.Set(float64(b.To.Offset))
	}
}

func (m *laneMetrics) behind(records int64, age time.Duration) {
	m.lagRecords.Set(float64(records))
	m.lagSeconds.Set(age.Seconds())
}
