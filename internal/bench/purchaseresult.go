package bench

import (
	"bytes"
	"fmt"
	"math"
	"runtime"
	"time"
)

// PurchaseResult is what a run measured. Every purchase of it was requested, paid and settled once.
type PurchaseResult struct {
	// PurchasesPerSecond is of all accounts crossing at once, until each has what it bought.
	PurchasesPerSecond float64 `json:"purchases_per_second"`
	Seconds            float64 `json:"seconds"`
	// Lags at half load, in milliseconds, to the call of the gateway: from the publication of the request, and from the
	// moment at which the usage that crossed the threshold stood in the log.
	LagP50 float64 `json:"lag_p50_ms"`
	LagP99 float64 `json:"lag_p99_ms"`
	LagMax float64 `json:"lag_max_ms"`

	CrossingP50 float64 `json:"crossing_p50_ms"`
	CrossingP99 float64 `json:"crossing_p99_ms"`
	CrossingMax float64 `json:"crossing_max_ms"`
	// HalfLoadPerSecond is how many crossed a second, and HalfLoadPurchases how many did.
	HalfLoadPerSecond float64 `json:"half_load_per_second"`
	HalfLoadPurchases int     `json:"half_load_purchases"`
	// BaselinePerSecond and Ratio are null where the naive way was not measured.
	BaselinePerSecond *float64 `json:"baseline_per_second"`
	Ratio             *float64 `json:"ratio"`

	Accounts         int     `json:"accounts"`
	BaselineAccounts int     `json:"baseline_accounts"`
	Partitions       int     `json:"partitions"`
	GatewayDelay     float64 `json:"gateway_delay_ms"`
	// CPUPerPurchase is of worker and purchaser together, in microseconds, all at once.
	CPUPerPurchase    float64 `json:"cpu_us_per_purchase"`
	PurchaserMiB      int64   `json:"purchaser_mib"`
	ForeignCPUPercent float64 `json:"foreign_cpu_percent"`
	Drift             string  `json:"drift"` // always 0: a run with any other is an error
	Cores             int     `json:"cores"`
	Go                string  `json:"go"`
}

// result puts the figures together.
func (r *purchaseRun) result() PurchaseResult {
	o, f := r.options, &r.figures
	milli := func(d time.Duration) float64 { return round(d.Seconds() * 1000) }
	result := PurchaseResult{
		PurchasesPerSecond: math.Round(f.burst.perSecond()), Seconds: round(f.burst.took.Seconds()),
		LagP50: milli(percentile(f.lags.published, 50)), LagP99: milli(percentile(f.lags.published, 99)), LagMax: milli(percentile(f.lags.published, 100)),
		CrossingP50: milli(percentile(f.lags.crossed, 50)), CrossingP99: milli(percentile(f.lags.crossed, 99)), CrossingMax: milli(percentile(f.lags.crossed, 100)),
		HalfLoadPerSecond: math.Round(f.steady.perSecond()), HalfLoadPurchases: len(f.lags.published),
		Accounts: o.Accounts, BaselineAccounts: f.naive.purchases, Partitions: o.Partitions, GatewayDelay: milli(o.GatewayDelay),
		CPUPerPurchase: round(f.own * 1e6 / float64(f.burst.purchases)), PurchaserMiB: f.purchaser.MaxRSSBytes >> 20,
		Drift: "0", Cores: runtime.NumCPU(), Go: runtime.Version(),
	}
	foreign := f.others.machine - f.others.self - time.Duration(f.own*float64(time.Second))
	for _, server := range f.others.servers {
		foreign -= server
	}
	result.ForeignCPUPercent = round(max(0, 100*foreign.Seconds()/f.burst.took.Seconds()/float64(runtime.NumCPU())))
	if f.naive.purchases > 0 {
		rate, ratio := math.Round(f.naive.perSecond()), round(f.burst.perSecond()/f.naive.perSecond())
		result.BaselinePerSecond, result.Ratio = &rate, &ratio
	}
	return result
}

func (r *PurchaseResult) table(out *bytes.Buffer) {
	table := newColumns(out)
	table.row("", "purchases/s", "seconds", "")
	table.row("all at once, until each is settled", thousands(int64(r.PurchasesPerSecond)), r.Seconds, "")
	if r.Ratio != nil {
		table.row("the naive way", thousands(int64(*r.BaselinePerSecond)), "", "")
		table.row("times as fast", *r.Ratio, "", "")
	}
	table.row("", "", "", "")
	table.row(fmt.Sprintf("to the gateway at %s/s, ms", thousands(int64(r.HalfLoadPerSecond))), "p50", "p99", "max")
	table.row("from the request's publication", r.LagP50, r.LagP99, r.LagMax)
	table.row("from the usage's append", r.CrossingP50, r.CrossingP99, r.CrossingMax)
	table.Flush()
	fmt.Fprintf(out, "\n%s accounts, %d partitions, gateway %v ms, %v µs of CPU a purchase; purchaser %d MiB; %s, %d cores, %v%% of them busy elsewhere\ndrift 0\n",
		thousands(int64(r.Accounts)), r.Partitions, r.GatewayDelay, r.CPUPerPurchase, r.PurchaserMiB, r.Go, r.Cores, r.ForeignCPUPercent)
}
