package report

import (
	"context"
	"math/big"
	"time"

	"drawdown"
)

// Days that a forecast looks at: the recent ones, or, where nothing was used in them, all that a BurnRate has.
const (
	recentDays = 7
	rateDays   = 30
)

// BurnRate returns what an account used lately, by days of UTC, of which now is in the last.
func (r *Reports) BurnRate(ctx context.Context, account string, now time.Time) (*BurnRate, error) {
	today := floorDay(now)
	s := evenSpan(today.AddDate(0, 0, -rateDays), rateDays+1, 0, 1)
	fresh, err := r.freshness(ctx, charges, account)
	if err != nil {
		return nil, err
	}
	all, err := r.series(ctx, &UsageQuery{Account: account, By: ByConnection, Window: Daily}, &s, fresh.final)
	if err != nil {
		return nil, err
	}
	rate := &BurnRate{AsOf: fresh.asOf, Days: make([]drawdown.Total, rateDays)}
	for _, series := range all {
		for i := range rate.Days {
			rate.Days[i] = rate.Days[i].Plus(series.Points[i].Billed)
		}
		rate.Today = rate.Today.Plus(series.Points[rateDays].Billed)
	}
	return rate, nil
}

// basis returns what was used in the days that a forecast goes by, and how many they are; 0 days where nothing was used in
// any of them.
func (r *BurnRate) basis() (used drawdown.Total, days int) {
	for _, count := range [...]int{recentDays, rateDays} {
		for _, day := range r.Days[max(0, len(r.Days)-count):] {
			used = used.Plus(day)
		}
		if !used.IsZero() {
			return used, count
		}
	}
	return used, 0
}

// BasisDays is how many days the forecast is the mean of: 7, 30, or 0 where nothing was used in 30 days. The day under
// way is not one of them.
func (r *BurnRate) BasisDays() int {
	_, days := r.basis()
	return days
}

// Forecast returns how many nano-credits a day are used, rounded down, and when what is available will have been used at
// that rate, to the millisecond, rounded down: the mean of the recent 7 whole days, or of 30 where nothing was used in
// the 7. A new account's days before it was opened count as days without usage.
//
// ok is false where credits don't run out within a year of now; runsOutAt is zero then. Credits that are already used
// up run out now.
func Forecast(rate BurnRate, available drawdown.Credits, now time.Time) (perDay drawdown.Total, runsOutAt time.Time, ok bool) {
	used, days := rate.basis()
	if days > 0 {
		perDay = drawdown.TotalOfBig(new(big.Int).Quo(used.Big(), big.NewInt(int64(days))))
	}
	if available <= 0 {
		return perDay, now, true
	}
	if days == 0 {
		return perDay, time.Time{}, false
	}
	// available ÷ (used ÷ days), in milliseconds: one division, so that nothing is lost before it.
	left := new(big.Int).Mul(big.NewInt(int64(available)), big.NewInt(int64(days)*day.Milliseconds()))
	left.Quo(left, used.Big())
	year := now.AddDate(1, 0, 0).Sub(now)
	if !left.IsInt64() || left.Int64() > year.Milliseconds() {
		return perDay, time.Time{}, false
	}
	return perDay, now.Add(time.Duration(left.Int64()) * time.Millisecond), true
}
