package bench

import (
	"bytes"
	"fmt"
	"math"
	"runtime"
	"time"
)

// GateResult is what a run measured. Every answer of it followed from a balance that the account had between the question
// and the answer.
type GateResult struct {
	// Latencies in milliseconds, from the instant at which a question was due to its whole answer.
	P50  float64 `json:"p50_ms"`
	P90  float64 `json:"p90_ms"`
	P99  float64 `json:"p99_ms"`
	P999 float64 `json:"p999_ms"`
	Max  float64 `json:"max_ms"`
	// LateP99 is how late the load itself was in sending a question, and SentP99 is from then to the answer. Where the former
	// is not small, the machine was too busy, or the connections too few, for the latencies to say much of the gate.
	LateP99 float64 `json:"late_p99_ms"`
	SentP99 float64 `json:"sent_p99_ms"`
	// PerSecond is how many were answered a second; Questions how many in all, and Errors how many were not.
	PerSecond float64 `json:"per_second"`
	Questions int     `json:"questions"`
	Errors    int     `json:"errors"`
	// CPUPerQuestion is of the API's process, in microseconds.
	CPUPerQuestion float64 `json:"cpu_us_per_question"`
	// An HTTP handler that does nothing, under the same load: the least that the machine lets any gate take. P99Ratio is how
	// many times that the gate takes. They are null where it was not measured.
	EmptyP50            *float64 `json:"empty_p50_ms"`
	EmptyP90            *float64 `json:"empty_p90_ms"`
	EmptyP99            *float64 `json:"empty_p99_ms"`
	EmptyP999           *float64 `json:"empty_p999_ms"`
	EmptyMax            *float64 `json:"empty_max_ms"`
	EmptyPerSecond      *float64 `json:"empty_per_second"`
	EmptyErrors         int      `json:"empty_errors"`
	EmptyCPUPerQuestion *float64 `json:"empty_cpu_us_per_question"`
	P99Ratio            *float64 `json:"p99_ratio"`
	// The naive way: the whole balance for each question. Ratio is how many times the processor time it takes. All but the
	// errors are null where it was not measured.
	BaselineP50            *float64 `json:"baseline_p50_ms"`
	BaselineP99            *float64 `json:"baseline_p99_ms"`
	BaselinePerSecond      *float64 `json:"baseline_per_second"`
	BaselineErrors         int      `json:"baseline_errors"`
	BaselineCPUPerQuestion *float64 `json:"baseline_cpu_us_per_question"`
	Ratio                  *float64 `json:"ratio"`

	EventsPerSecond float64 `json:"events_per_second"` // usage that changed balances meanwhile
	Accounts        int     `json:"accounts"`
	Partitions      int     `json:"partitions"`
	Connections     int     `json:"connections"` // HTTP
	Nice            int     `json:"nice"`        // of the broker and the worker
	// Shares of one core, of which the machine has several: what was asked, what stands behind it, and the load itself.
	APICPUPercent     float64 `json:"api_cpu_percent"`
	RedisCPUPercent   float64 `json:"redis_cpu_percent"`
	WorkerCPUPercent  float64 `json:"worker_cpu_percent"`
	KafkaCPUPercent   float64 `json:"kafka_cpu_percent"`
	LoadCPUPercent    float64 `json:"load_cpu_percent"`
	ForeignCPUPercent float64 `json:"foreign_cpu_percent"` // of all cores, by processes that have nothing to do with the run
	WrongAnswers      int     `json:"wrong_answers"`       // always 0: a run with any is an error
	Cores             int     `json:"cores"`
	Go                string  `json:"go"`
}

// result puts the figures together.
func (r *gateRun) result() GateResult {
	o, g := r.options, &r.gate
	result := GateResult{
		P50: g.upTo(500), P90: g.upTo(900), P99: g.upTo(990), P999: g.upTo(999), Max: g.upTo(1000),
		LateP99: milli(permille(g.late, 990)), SentP99: milli(permille(g.sent, 990)),
		PerSecond: g.perSecond(), Questions: len(g.took), Errors: g.errors,
		CPUPerQuestion: g.perQuestion(), EventsPerSecond: math.Round(g.events),
		Accounts: o.Accounts, Partitions: o.Partitions, Connections: o.Connections, Nice: o.Nice,
		APICPUPercent: g.percent(g.own), RedisCPUPercent: g.percent(g.others.servers[1]), WorkerCPUPercent: g.percent(g.worker),
		KafkaCPUPercent: g.percent(g.others.servers[0]), LoadCPUPercent: g.percent(g.others.self), Cores: runtime.NumCPU(), Go: runtime.Version(),
	}
	foreign := g.others.machine - g.others.self - g.own - g.worker
	for _, server := range g.others.servers {
		foreign -= server
	}
	result.ForeignCPUPercent = round(max(0, g.percent(foreign)/float64(runtime.NumCPU())))
	if e := &r.emptied; len(e.took) > 0 {
		result.EmptyP50, result.EmptyP90, result.EmptyP99 = new(e.upTo(500)), new(e.upTo(900)), new(e.upTo(990))
		result.EmptyP999, result.EmptyMax = new(e.upTo(999)), new(e.upTo(1000))
		result.EmptyPerSecond, result.EmptyErrors, result.EmptyCPUPerQuestion = new(e.perSecond()), e.errors, new(e.perQuestion())
		result.P99Ratio = new(round(result.P99 / *result.EmptyP99))
	}
	if n := &r.naive; len(n.took) > 0 {
		result.BaselineP50, result.BaselineP99, result.BaselinePerSecond = new(n.upTo(500)), new(n.upTo(990)), new(n.perSecond())
		result.BaselineCPUPerQuestion, result.BaselineErrors = new(n.perQuestion()), n.errors
		if result.CPUPerQuestion > 0 { // the kernel counts in hundredths of a second: a few questions may take none
			result.Ratio = new(round(*result.BaselineCPUPerQuestion / result.CPUPerQuestion))
		}
	}
	return result
}

// upTo is how long so many of a thousand questions took at most, in milliseconds.
func (p *gatePhase) upTo(share int) float64 { return milli(permille(p.took, share)) }

// perSecond is how many questions were answered a second.
func (p *gatePhase) perSecond() float64 {
	return math.Round(float64(len(p.took)) / p.span.Seconds())
}

// perQuestion is the processor time of who answers, in microseconds.
func (p *gatePhase) perQuestion() float64 { return round(p.own.Seconds() * 1e6 / float64(len(p.took))) }

// percent is a processor time as a share of one core.
func (p *gatePhase) percent(used time.Duration) float64 {
	return round(100 * used.Seconds() / p.span.Seconds())
}

func milli(d time.Duration) float64 { return round(d.Seconds() * 1000) }

// permille returns the least duration that so many of a thousand do not exceed.
func permille(sorted []time.Duration, share int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[max(0, (len(sorted)*share+999)/1000-1)]
}

func (r *GateResult) table(out *bytes.Buffer) {
	table := newColumns(out)
	table.row("", "questions/s", "p50 ms", "p90 ms", "p99 ms", "p99.9 ms", "max ms", "errors", "CPU µs")
	table.row("the gate", thousands(int64(r.PerSecond)), r.P50, r.P90, r.P99, r.P999, r.Max, r.Errors, r.CPUPerQuestion)
	if r.EmptyPerSecond != nil {
		table.row("an empty handler", thousands(int64(*r.EmptyPerSecond)), *r.EmptyP50, *r.EmptyP90, *r.EmptyP99, *r.EmptyP999, *r.EmptyMax, r.EmptyErrors, *r.EmptyCPUPerQuestion)
	}
	if r.BaselinePerSecond != nil {
		table.row("the whole balance", thousands(int64(*r.BaselinePerSecond)), *r.BaselineP50, "", *r.BaselineP99, "", "", r.BaselineErrors, *r.BaselineCPUPerQuestion)
	}
	if r.P99Ratio != nil {
		table.row("the gate: times the empty handler's", "", "", "", *r.P99Ratio, "", "", "", "")
	}
	if r.Ratio != nil {
		table.row("the whole balance: times the gate's", "", "", "", "", "", "", "", *r.Ratio)
	}
	table.Flush()
	fmt.Fprintf(out, "\n%s accounts, %d partitions, %s usage events/s meanwhile, %d HTTP connections; questions were sent %v ms late and answered %v ms after that (p99)\n"+
		"of a core: API %v%%, Redis %v%%, worker %v%%, Kafka %v%%, the load itself %v%%; %s, %d cores, %v%% of them busy elsewhere\nwrong answers 0\n",
		thousands(int64(r.Accounts)), r.Partitions, thousands(int64(r.EventsPerSecond)), r.Connections, r.LateP99, r.SentP99,
		r.APICPUPercent, r.RedisCPUPercent, r.WorkerCPUPercent, r.KafkaCPUPercent, r.LoadCPUPercent, r.Go, r.Cores, r.ForeignCPUPercent)
}
