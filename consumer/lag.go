package consumer

import (
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"drawdown"
)

// State is what a partition of this worker is doing.
type State int32

// The states of a partition.
const (
	Starting State = iota // claiming and restoring
	Running
	Fenced   // another worker owns it
	Stopped  // an error that a person must look at
	Diverged // the store holds something that this worker can't explain
	stateCount
)

var stateNames = [stateCount]string{"starting", "running", "fenced", "stopped", "diverged"}

// String names the state for logs and metrics.
func (s State) String() string {
	if s < 0 || s >= stateCount {
		return fmt.Sprintf("state(%d)", int32(s))
	}
	return stateNames[s]
}

// partitionGauge is what is known of one owned partition, read at a scrape.
type partitionGauge struct {
	state   atomic.Int32
	end     atomic.Int64 // high watermark of the log, -1 before it is known
	next    atomic.Int64 // first offset that is not committed
	logTime atomic.Int64 // append time of the last committed record, 0 before there is one
	cached  atomic.Int64 // accounts in memory
	told    atomic.Int64 // next, where this owner has committed or found it; never reset

	mu       sync.Mutex
	statuses [drawdown.StatusCount]int64 // accounts by status, as the store has them
}

func newPartitionGauge() *partitionGauge {
	g := &partitionGauge{}
	g.end.Store(-1)
	return g
}

// committed moves the gauge to the end of a batch.
func (g *partitionGauge) committed(b *batch) {
	g.next.Store(int64(b.next))
	g.told.Store(int64(b.next))
	g.logTime.Store(int64(b.tally.logTime))
	g.mu.Lock()
	defer g.mu.Unlock()
	for status, n := range b.commit.Statuses {
		g.statuses[status] += n
	}
}

// begin sets the gauge to where a partition starts, and returns how the counts of accounts differ from before.
func (g *partitionGauge) begin(next drawdown.Offset, statuses [drawdown.StatusCount]int64) (added [drawdown.StatusCount]int64) {
	g.next.Store(int64(next))
	g.logTime.Store(0)
	g.mu.Lock()
	defer g.mu.Unlock()
	for status, n := range statuses {
		added[status] = n - g.statuses[status]
	}
	g.statuses = statuses
	return added
}

// committedOffset is the first offset that is not known to be committed.
func (g *partitionGauge) committedOffset() drawdown.Offset { return drawdown.Offset(g.next.Load()) }

// lag returns how many records are not committed, and for how long the oldest known of them has been waiting at most.
func (g *partitionGauge) lag(now time.Time) (records int64, wait time.Duration, known bool) {
	end, next := g.end.Load(), g.next.Load()
	if end < 0 {
		return 0, 0, false
	}
	if records = max(0, end-next); records == 0 {
		return 0, 0, true
	}
	if last := g.logTime.Load(); last > 0 {
		wait = max(0, now.Sub(time.UnixMilli(last)))
	}
	return records, wait, true
}

// partitionCollector collects gauges of the partitions that are owned.
type partitionCollector struct {
	lagRecords, lagSeconds, offset, cached, state *prometheus.Desc

	mu     sync.Mutex
	gauges map[int32]*partitionGauge
}

func newPartitionCollector() partitionCollector {
	describe := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, append([]string{"partition"}, labels...), nil)
	}
	return partitionCollector{
		lagRecords: describe("drawdown_lag_records", "Records of a partition that are in the log but not in the balances. High means that the worker does not keep up, or stands."),
		lagSeconds: describe("drawdown_lag_seconds", "Age of the last committed record of a partition that has more; 0 where there are none. High means that balances are old."),
		offset:     describe("drawdown_committed_offset", "The first offset of a partition whose effects are not in the balances."),
		cached:     describe("drawdown_cached_accounts", "Accounts in memory. High is fast; cache_accounts_max bounds it."),
		state:      describe("drawdown_partition_state", "1 for the state that a partition of this worker is in. Anything but running for longer than a restart needs a person; fenced is normal on a worker that lost the partition.", "state"),
		gauges:     make(map[int32]*partitionGauge),
	}
}

func (c *partitionCollector) add(partition int32, g *partitionGauge) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gauges[partition] = g
}

func (c *partitionCollector) remove(partition int32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.gauges, partition)
}

// Describe implements prometheus.Collector.
func (c *partitionCollector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.lagRecords, c.lagSeconds, c.offset, c.cached, c.state} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (c *partitionCollector) Collect(to chan<- prometheus.Metric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	for partition, g := range c.gauges {
		label := strconv.Itoa(int(partition))
		gauge := func(d *prometheus.Desc, value float64, labels ...string) {
			to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, append([]string{label}, labels...)...)
		}
		if records, wait, known := g.lag(now); known {
			gauge(c.lagRecords, float64(records))
			gauge(c.lagSeconds, wait.Seconds())
		}
		gauge(c.offset, float64(g.next.Load()))
		gauge(c.cached, float64(g.cached.Load()))
		for state := Starting; state < stateCount; state++ {
			value := 0.0
			if State(g.state.Load()) == state {
				value = 1
			}
			gauge(c.state, value, state.String())
		}
	}
}
