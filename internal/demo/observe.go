package demo

import (
	"context"
	"fmt"
	"time"

	dto "github.com/prometheus/client_model/go"

	"drawdown"
)

// snapshot is what the view shows of one moment.
type snapshot struct {
	elapsed, lasts time.Duration
	throughput     throughput
	dealings       dealings
	accounts       []accountState
	page           string // where the billing page is
	ended          bool   // no more syncs begin
}

// throughput is read from the metrics of the parts, as Prometheus would.
type throughput struct {
	eventsPerSecond uint64
	events          uint64
	duplicates      uint64
	lag             uint64        // records in the log but not in the balances
	visibleAfter    time.Duration // from append to visible balance, on average since the last look
	rows            uint64        // charges in ClickHouse
	rowsBehind      uint64        // charges that it does not have yet
}

// dealings are what customers paid and were told since the start, the orders of the opening included.
type dealings struct {
	takings takings
	mails   int
	kinds   string // of the mails, counted up
	hooks   int    // webhooks
}

// accountState is what the view shows of one account.
type accountState struct {
	account, plan string
	status        drawdown.Status
	available     drawdown.Credits
	full          drawdown.Credits // most it ever had in the demo: what a full bar means
	auto          bool
	bought        int64 // auto-purchases of the period, one under way included
	running, all  int   // syncs
}

// observer makes snapshots.
type observer struct {
	demo    *demo
	start   time.Time
	full    map[string]drawdown.Credits
	history []sample // of about the last two seconds
}

// sample is what counters were at a moment.
type sample struct {
	at           time.Time
	events       float64
	visible      float64 // sum of seconds, and how many
	visibleCount uint64
}

// rateWindow smooths events a second.
const rateWindow = 2 * time.Second

// observe reads metrics and balances.
func (o *observer) observe(ctx context.Context, now time.Time) (*snapshot, error) {
	balances, err := o.demo.balances(ctx)
	if err != nil {
		return nil, fmt.Errorf("read balances: %w", err)
	}
	s := &snapshot{elapsed: now.Sub(o.start), lasts: o.demo.options.For, page: o.demo.pipeline.page}
	if s.throughput, err = o.throughput(now); err != nil {
		return nil, err
	}
	s.dealings = o.demo.dealings()
	for i := range o.demo.story {
		c := &o.demo.story[i]
		b, found := balances[c.account]
		if !found {
			return nil, fmt.Errorf("account %s is not in Redis", c.account)
		}
		o.full[c.account] = max(o.full[c.account], b.Available)
		running, all := o.demo.syncs(c.account)
		s.accounts = append(s.accounts, accountState{
			account: c.account, plan: b.Plan, status: b.Status, available: b.Available, full: o.full[c.account],
			auto: b.AutoPurchase.Enabled, bought: b.AutoPurchase.AutoPurchases, running: running, all: all,
		})
	}
	return s, nil
}

func (d *demo) dealings() dealings {
	told := d.told()
	hooks := 0
	for _, times := range told.webhooks {
		hooks += times
	}
	return dealings{takings: d.till.takings(), mails: len(told.mails), kinds: told.mailsByKind(), hooks: hooks}
}

func (o *observer) throughput(now time.Time) (throughput, error) {
	m, err := o.demo.pipeline.metrics()
	if err != nil {
		return throughput{}, err
	}
	visible, visibleCount := m.histogram("drawdown_event_visible_after_seconds")
	t := throughput{
		events:     uint64(m.sum("drawdown_events_total", "")),
		duplicates: uint64(m.sum("drawdown_duplicates_total", "")),
		lag:        uint64(m.sum("drawdown_lag_records", "")),
		rows:       uint64(m.sum("drawdown_sink_rows_total", "charges")),
	}
	if charges := uint64(m.sum("drawdown_charges_total", "")); charges > t.rows {
		t.rowsBehind = charges - t.rows
	}
	first := o.remember(sample{at: now, events: float64(t.events), visible: visible, visibleCount: visibleCount})
	if passed := now.Sub(first.at).Seconds(); passed > 0 {
		t.eventsPerSecond = uint64((float64(t.events)-first.events)/passed + 0.5)
	}
	if batches := visibleCount - first.visibleCount; batches > 0 {
		t.visibleAfter = time.Duration((visible - first.visible) / float64(batches) * float64(time.Second))
	}
	return t, nil
}

// remember adds a sample, drops old ones, and returns the oldest kept.
func (o *observer) remember(s sample) sample {
	o.history = append(o.history, s)
	for len(o.history) > 2 && s.at.Sub(o.history[1].at) >= rateWindow {
		o.history = o.history[1:]
	}
	return o.history[0]
}

// metrics are series by the name of their family.
type metrics map[string][]*dto.Metric

// metrics reads the metrics of all parts.
func (p *pipeline) metrics() (metrics, error) {
	m := metrics{}
	for _, part := range p.parts {
		families, err := part.registry.Gather()
		if err != nil {
			return nil, fmt.Errorf("read metrics of the %s: %w", part.name, err)
		}
		for _, family := range families {
			m[family.GetName()] = append(m[family.GetName()], family.GetMetric()...)
		}
	}
	return m, nil
}

// sum adds up the series of a counter or gauge that have a label of this value, all of them where it is "".
func (m metrics) sum(name, label string) (sum float64) {
	for _, series := range m[name] {
		if label == "" || hasLabel(series, label) {
			sum += series.GetCounter().GetValue() + series.GetGauge().GetValue()
		}
	}
	return sum
}

func hasLabel(series *dto.Metric, value string) bool {
	for _, label := range series.GetLabel() {
		if label.GetValue() == value {
			return true
		}
	}
	return false
}

func (m metrics) histogram(name string) (sum float64, count uint64) {
	for _, series := range m[name] {
		sum += series.GetHistogram().GetSampleSum()
		count += series.GetHistogram().GetSampleCount()
	}
	return sum, count
}
