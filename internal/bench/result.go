package bench

import (
	"bytes"
	"fmt"
	"math"
	"runtime"
	"strconv"
	"time"
)

// Result is what a run measured. Seconds are from the moment at which the worker and the sink, both ready, are told to
// begin; joining the consumer group is part of them.
type Result struct {
	EventsPerSecond float64 `json:"events_per_second"` // until Redis and ClickHouse have everything
	// CPUPerEvent is of the worker's and the sink's processes, from their start to the end, in microseconds.
	CPUPerEvent    float64 `json:"cpu_us_per_event"`
	AllocsPerEvent float64 `json:"allocs_per_event"` // of both, from the beginning of their work
	// BaselineEventsPerSecond and Ratio are null where the naive way was not measured.
	BaselineEventsPerSecond *float64 `json:"baseline_events_per_second"`
	Ratio                   *float64 `json:"ratio"`
	BaselineCPUPerEvent     *float64 `json:"baseline_cpu_us_per_event"`

	Events         int `json:"events"`
	BaselineEvents int `json:"baseline_events"`
	// BaselineConsumers are how many consumers the naive way had.
	BaselineConsumers int `json:"baseline_consumers"`
	EventBytes        int `json:"event_bytes"`
	Partitions        int `json:"partitions"`
	Accounts          int `json:"accounts"`

	RedisSeconds float64 `json:"redis_seconds"` // until every balance is visible
	SinkSeconds  float64 `json:"sink_seconds"`  // until ClickHouse has every row as well

	WorkerCPUPerEvent     float64 `json:"worker_cpu_us_per_event"`
	SinkCPUPerEvent       float64 `json:"sink_cpu_us_per_event"`
	WorkerAllocsPerEvent  float64 `json:"worker_allocs_per_event"`
	SinkAllocsPerEvent    float64 `json:"sink_allocs_per_event"`
	AllocBytesPerEvent    float64 `json:"alloc_bytes_per_event"`
	WorkerMiB             int64   `json:"worker_mib"` // most memory that was resident
	SinkMiB               int64   `json:"sink_mib"`
	KafkaCPUPerEvent      float64 `json:"kafka_cpu_us_per_event"`
	RedisCPUPerEvent      float64 `json:"redis_cpu_us_per_event"`
	ClickHouseCPUPerEvent float64 `json:"clickhouse_cpu_us_per_event"`
	// ForeignCPUPercent is what processes that have nothing to do with the run took of all cores meanwhile. Figures of a
	// run in which it is not small say little.
	ForeignCPUPercent float64 `json:"foreign_cpu_percent"`

	Drift string `json:"drift"` // always 0: a run with any other is an error
	Cores int    `json:"cores"`
	Go    string `json:"go"`
}

// result puts the figures together.
func (r *run) result(d drained, naive baselineFigures) Result {
	o, perEvent := r.options, func(x float64) float64 { return round(x / float64(r.options.Events)) }
	micros := func(t time.Duration) float64 { return perEvent(t.Seconds() * 1e6) }
	allocs := d.worker.Mallocs + d.sink.Mallocs
	own := d.worker.CPUSeconds + d.sink.CPUSeconds
	result := Result{
		EventsPerSecond: math.Round(float64(o.Events) / d.sunk.Seconds()),
		CPUPerEvent:     perEvent(own * 1e6), AllocsPerEvent: perEvent(float64(allocs)),
		Events: o.Events, EventBytes: r.load.eventBytes(), Partitions: o.Partitions, Accounts: o.Accounts,
		RedisSeconds: round(d.committed.Seconds()), SinkSeconds: round(d.sunk.Seconds()),
		WorkerCPUPerEvent: perEvent(d.worker.CPUSeconds * 1e6), SinkCPUPerEvent: perEvent(d.sink.CPUSeconds * 1e6),
		WorkerAllocsPerEvent: perEvent(float64(d.worker.Mallocs)), SinkAllocsPerEvent: perEvent(float64(d.sink.Mallocs)),
		AllocBytesPerEvent: perEvent(float64(d.worker.AllocBytes + d.sink.AllocBytes)),
		WorkerMiB:          d.worker.MaxRSSBytes >> 20, SinkMiB: d.sink.MaxRSSBytes >> 20,
		KafkaCPUPerEvent: micros(d.others.servers[0]), RedisCPUPerEvent: micros(d.others.servers[1]), ClickHouseCPUPerEvent: micros(d.others.servers[2]),
		BaselineConsumers: o.BaselineConsumers, Drift: "0", Cores: runtime.NumCPU(), Go: runtime.Version(),
	}
	foreign := d.others.machine - d.others.self - time.Duration(own*float64(time.Second))
	for _, server := range d.others.servers {
		foreign -= server
	}
	result.ForeignCPUPercent = round(max(0, 100*foreign.Seconds()/d.sunk.Seconds()/float64(runtime.NumCPU())))
	if naive.events > 0 {
		rate := float64(naive.events) / naive.elapsed.Seconds()
		ratio := round(float64(o.Events) / d.sunk.Seconds() / rate)
		cpu := round(naive.report.CPUSeconds * 1e6 / float64(naive.events))
		rate = math.Round(rate)
		result.BaselineEvents, result.BaselineEventsPerSecond, result.Ratio, result.BaselineCPUPerEvent = naive.events, &rate, &ratio, &cpu
	}
	return result
}

// round keeps what can be told apart from noise.
func round(x float64) float64 { return math.Round(x*1000) / 1000 }

func (r *Result) table(out *bytes.Buffer) {
	table := newColumns(out)
	whole := func(x float64) string { return thousands(int64(x)) }
	number := func(x float64) string { return strconv.FormatFloat(x, 'f', 2, 64) }
	table.row("", "events/s", "seconds", "CPU µs/event", "allocs/event")
	table.row("until committed to Redis", whole(float64(r.Events)/r.RedisSeconds), number(r.RedisSeconds), number(r.WorkerCPUPerEvent), number(r.WorkerAllocsPerEvent))
	table.row("until ClickHouse has caught up", whole(r.EventsPerSecond), number(r.SinkSeconds), number(r.CPUPerEvent), number(r.AllocsPerEvent))
	if r.Ratio != nil {
		table.row(fmt.Sprintf("the naive way (consumers: %d)", r.BaselineConsumers), whole(*r.BaselineEventsPerSecond), number(float64(r.BaselineEvents) / *r.BaselineEventsPerSecond), number(*r.BaselineCPUPerEvent), "")
		table.row("times as fast", number(*r.Ratio), "", number(*r.BaselineCPUPerEvent/r.CPUPerEvent), "")
	}
	table.row("Kafka", "", "", number(r.KafkaCPUPerEvent), "")
	table.row("Redis", "", "", number(r.RedisCPUPerEvent), "")
	table.row("ClickHouse", "", "", number(r.ClickHouseCPUPerEvent), "")
	table.Flush()
	fmt.Fprintf(out, "\n%s events of %d bytes, %d partitions, %s accounts; worker %d MiB, sink %d MiB; %s, %d cores, %s%% of them busy elsewhere\ndrift 0\n",
		thousands(int64(r.Events)), r.EventBytes, r.Partitions, thousands(int64(r.Accounts)), r.WorkerMiB, r.SinkMiB, r.Go, r.Cores, number(r.ForeignCPUPercent))
}

// thousands writes a count with a comma between each three digits.
func thousands(n int64) string {
	text := strconv.FormatInt(n, 10)
	for at := len(text) - 3; at > 0 && text[at-1] != '-'; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}
