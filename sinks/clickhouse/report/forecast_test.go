package report

import (
	"math"
	"testing"
	"time"

	"drawdown"
)

// rateOf is 30 days of which the last ones are given.
func rateOf(last ...uint64) BurnRate {
	rate := BurnRate{Days: make([]drawdown.Total, rateDays)}
	for i, used := range last {
		rate.Days[rateDays-len(last)+i] = drawdown.Total128(0, used)
	}
	return rate
}

func TestForecast(t *testing.T) {
	now := at("2028-02-28T12:00:00.5Z")
	older := rateOf(60e9, 0, 0, 0, 0, 0, 0, 0)
	huge := rateOf(1)
	huge.Days[rateDays-1] = drawdown.Total128(math.MaxInt64, 0)
	withToday := rateOf(7e9)
	withToday.Today = drawdown.Total128(0, 700e9)
	for _, test := range []struct {
		rule      string
		rate      BurnRate
		available drawdown.Credits
		perDay    string
		runsOut   string // "" where it does not within a year
		days      int
	}{
		{"the mean of 7 days", rateOf(1e9, 2e9, 3e9, 4e9, 5e9, 6e9, 7e9), 8e9, "4", "2028-03-01T12:00:00.5Z", 7},
		{"older days don't count", rateOf(900e9, 7e9, 0, 0, 0, 0, 0, 0), 1e9, "1", "2028-02-29T12:00:00.5Z", 7},
		{"unless the 7 are empty", older, 2e9, "2", "2028-02-29T12:00:00.5Z", 30},
		{"the day under way does not count", withToday, 1e9, "1", "2028-02-29T12:00:00.5Z", 7},
		{"a day's use is rounded down, the instant is not computed from it", rateOf(8), 8, "0.000000001", "2028-03-06T12:00:00.5Z", 7},
		{"the instant is rounded down", rateOf(3), 1, "0", "2028-03-01T20:00:00.5Z", 7},
		{"nothing used", rateOf(), 5, "0", "", 0},
		{"nothing used and nothing there", rateOf(), 0, "0", "2028-02-28T12:00:00.5Z", 0},
		{"overdraft", rateOf(7e9), -5, "1", "2028-02-28T12:00:00.5Z", 7},
		{"at the end of a year", rateOf(7e9), 366e9, "1", "2029-02-28T12:00:00.5Z", 7},
		{"after a year", rateOf(7e9), 366e9 + 1e9, "1", "", 7},
		{"never as good as", rateOf(1), math.MaxInt64, "0", "", 7},
		{"at once as good as", huge, 1, huge.Days[rateDays-1].Big().String(), "2028-02-28T12:00:00.5Z", 7},
	} {
		perDay, runsOut, ok := Forecast(test.rate, test.available, now)
		if test.rule != "at once as good as" && perDay.String() != test.perDay {
			t.Errorf("%s: %v a day, want %s", test.rule, perDay, test.perDay)
		}
		if ok != (test.runsOut != "") || ok && !runsOut.Equal(at(test.runsOut)) || !ok && !runsOut.IsZero() {
			t.Errorf("%s: runs out at %v, %v, want %q", test.rule, runsOut.Format(time.RFC3339Nano), ok, test.runsOut)
		}
		if days := test.rate.BasisDays(); days != test.days {
			t.Errorf("%s: by %d days, want %d", test.rule, days, test.days)
		}
	}
}
