package page

import (
	"math/big"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"drawdown"
	"drawdown/sinks/clickhouse/report"
)

func TestCreditsAreShownWithAtMostThreeDecimals(t *testing.T) {
	for exact, shown := range map[string]string{
		"0": "0", "1": "1", "12.5": "12.5", "1234567.891": "1,234,567.891", "0.0005": "0.001", "0.000499999": "< 0.001", "-0.000000001": "> −0.001",
		"-1234.5": "−1,234.5", "9.9995": "10", "0.100": "0.1", "100000000": "100,000,000",
	} {
		c, ok := drawdown.ParseCredits([]byte(exact))
		if !ok {
			t.Fatal(exact)
		}
		if found := credits(c); found.Shown != shown || found.Exact != c.String() {
			t.Errorf("%s is shown as %q (%s), expected %q", exact, found.Shown, found.Exact, shown)
		}
	}
}

func TestWhatIsShownIsNeverFurtherThanHalfAThousandth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nano := rapid.Int64Range(-int64(drawdown.MaxHeld), int64(drawdown.MaxHeld)).Draw(t, "nano")
		a := credits(drawdown.Credits(nano))
		if strings.ContainsAny(a.Shown, "<>") {
			if nano == 0 || nano >= 500_000 || nano <= -500_000 {
				t.Fatalf("%s for %s", a.Shown, a.Exact)
			}
			return
		}
		back, ok := new(big.Rat).SetString(strings.NewReplacer(",", "", "−", "-").Replace(a.Shown))
		if !ok {
			t.Fatalf("%q is no number", a.Shown)
		}
		off := back.Sub(back, big.NewRat(nano, int64(drawdown.Credit)))
		if off.Abs(off).Cmp(big.NewRat(1, 2000)) > 0 {
			t.Fatalf("%s for %s", a.Shown, a.Exact)
		}
	})
}

func planAt(unitPrice string, surcharge int64) (*drawdown.Plan, int64) {
	price, ok := drawdown.ParseUnitPrice([]byte(unitPrice))
	if !ok {
		panic(unitPrice)
	}
	return &drawdown.Plan{Currency: "USD", Purchase: drawdown.PurchaseTerms{UnitPrice: &price}}, surcharge
}

func TestPricesAreExactAndRoundedOnceHalfUp(t *testing.T) {
	for _, c := range []struct {
		unitPrice string
		surcharge int64
		quantity  int64
		price     string
		text      string
	}{
		{"2.50", 0, 300, "USD 750.00", "USD 2.50 per credit"},
		{"0.0009", 30, 10_000, "USD 11.70", "USD 0.0009 per credit"},
		{"0.005", 0, 1, "USD 0.01", "USD 0.005 per credit"},
		{"0.004999999", 0, 1, "USD 0.00", "USD 0.004999999 per credit"},
		{"1000000", 1000, 100_000_000, "USD 1,100,000,000,000,000.00", "USD 1,000,000.00 per credit"},
		{"0", 0, 5, "USD 0.00", "USD 0.00 per credit"},
	} {
		p := priceOf(planAt(c.unitPrice, c.surcharge))
		if found := p.Shown(c.quantity); found != c.price || p.Text != c.text {
			t.Errorf("%d at %s + %d%%: %s (%s), expected %s (%s)", c.quantity, c.unitPrice, c.surcharge, found, p.Text, c.price, c.text)
		}
	}
	nine, _ := drawdown.ParseMoney([]byte("9.00"))
	subscribed := &drawdown.Plan{Currency: "USD", Subscription: &drawdown.Subscription{Credits: 10_000 * drawdown.Credit, Price: nine}}
	if p := priceOf(subscribed, 30); p.Shown(10_000) != "USD 11.70" || p.Text != "USD 9.00 per 10,000 credits" {
		t.Errorf("a pack under a subscription: %s (%s)", p.Shown(10_000), p.Text)
	}
}

func TestAnAxisReachesTheMaximumInNiceSteps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		maximum := new(big.Int).SetUint64(rapid.Uint64().Draw(t, "nano"))
		maximum.Lsh(maximum, rapid.UintRange(0, 64).Draw(t, "shift"))
		ticks := axis(maximum)
		if ticks[len(ticks)-1].Cmp(maximum) < 0 || len(ticks) < 2 || len(ticks) > ticksMax+1 || ticks[0].Sign() != 0 {
			t.Fatalf("the axis of %s: %v", maximum, ticks)
		}
		step := strings.TrimRight(ticks[1].String(), "0")
		if step != "1" && step != "2" && step != "5" {
			t.Fatalf("the step of %s is %s", maximum, ticks[1])
		}
	})
}

func TestTicksAreWrittenShort(t *testing.T) {
	for nano, text := range map[int64]string{
		0: "0", 1: "0.000000001", 20_000_000: "0.02", 5_000_000_000: "5", 2_000_000_000_000: "2,000", 20_000_000_000_000: "20k",
		5_000_000_000_000_000: "5M",
	} {
		if found := tickText(big.NewInt(nano)); found != text {
			t.Errorf("%d is written %q, expected %q", nano, found, text)
		}
	}
}

// usageOf is usage of connections by point, in whole credits.
func usageOf(points int, used map[string][]int64, free []int64) *report.Usage {
	u := &report.Usage{}
	for i := range points {
		u.Points = append(u.Points, time.Date(2026, 1, 1+i, 0, 0, 0, 0, time.UTC))
	}
	u.Total.Points = make([]report.Amounts, points)
	add := func(a *report.Amounts, n int64, isFree bool) {
		amount := drawdown.TotalOf(drawdown.Credits(n) * drawdown.Credit)
		if isFree {
			a.Free = a.Free.Plus(amount)
			return
		}
		a.Billed = a.Billed.Plus(amount)
	}
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		amounts, known := used[name]
		if !known {
			continue
		}
		s := report.Series{Name: name, Points: make([]report.Amounts, points)}
		for i, n := range amounts {
			for _, sum := range []*report.Amounts{&s.Points[i], &s.Total, &u.Total.Points[i], &u.Total.Total} {
				add(sum, n, false)
			}
		}
		u.Series = append(u.Series, s)
	}
	for i, n := range free {
		add(&u.Total.Points[i], n, true)
		add(&u.Total.Total, n, true)
	}
	return u
}

func TestAChartStacksConnectionsOnTheZeroLine(t *testing.T) {
	c := chartOf(usageOf(2, map[string][]int64{"a": {10, 0}, "b": {5, 4}}, []int64{5, 0}), report.Daily)
	expected := [][]part{
		{{"122.00", "110.00", "s1"}, {"67.00", "55.00", "s2"}, {"12.00", "55.00", "free"}}, // of 20 credits in 220 pixels, below 12
		{{"188.00", "44.00", "s2"}},
	}
	for i, column := range c.Columns {
		if len(column.Parts) != len(expected[i]) {
			t.Fatalf("column %d: %+v, expected %+v", i, column.Parts, expected[i])
		}
		for j, p := range column.Parts {
			if p != expected[i][j] {
				t.Errorf("column %d, part %d: %+v, expected %+v", i, j, p, expected[i][j])
			}
		}
	}
	if c.Columns[0].X != "8.00%" || c.Columns[0].Width != "34.00%" || c.Columns[0].Title != "1 Jan 2026: 15 credits, free: 5" {
		t.Errorf("the first column: %+v", c.Columns[0])
	}
	if last := c.Ticks[len(c.Ticks)-1]; last.Text != "20" || last.Y != "12.00" || c.Ticks[0].Y != "232.00" {
		t.Errorf("the axis: %+v", c.Ticks)
	}
}

func TestConnectionsBeyondTheColoursAreOneSeries(t *testing.T) {
	used := map[string][]int64{}
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		used[name] = []int64{1, 2}
	}
	all := usageOf(2, used, nil)
	drawn := topOf(all, colours)
	if len(drawn.Series) != colours || drawn.Other == nil || drawn.Other.Points[1].Billed != drawdown.TotalOf(4*drawdown.Credit) {
		t.Errorf("%d series, the others: %+v", len(drawn.Series), drawn.Other)
	}
	if len(all.Series) != 8 {
		t.Error("the table has lost connections")
	}
	if c := chartOf(drawn, report.Daily); len(c.Legend) != colours+1 || c.Legend[colours].Class != "rest" {
		t.Errorf("the legend: %+v", c.Legend)
	}
}

func TestAChartOfNothingHasAnAxis(t *testing.T) {
	c := chartOf(usageOf(30, nil, nil), report.Daily)
	if len(c.Ticks) != 2 || c.Ticks[1].Text != "1" || len(c.Columns) != 30 || len(c.Columns[7].Parts) != 0 {
		t.Errorf("ticks %+v", c.Ticks)
	}
	if last := c.Labels[len(c.Labels)-1]; last.Text != "30 Jan" || last.Anchor != "end" || last.Minor || len(c.Labels) > labelsMax {
		t.Errorf("labels %+v", c.Labels)
	}
}

func TestLimitsAreReadAsPeopleWriteThem(t *testing.T) {
	for text, limit := range map[string]string{"50": "50.00", "49.9": "49.90", "1,000.00": "1000.00", ".5": "0.50", "007": "7.00"} {
		found, fault := limitOf(text)
		if fault != "" || found == nil || found.String() != limit {
			t.Errorf("%q: %v %s, expected %s", text, found, fault, limit)
		}
	}
	for _, text := range []string{"-1", "1.005", "abc", "1e3", "1.2.3", "99999999999999999", "٣"} {
		if found, fault := limitOf(text); fault == "" {
			t.Errorf("%q was read as %v", text, found)
		}
	}
	if found, fault := limitOf(""); found != nil || fault != "" {
		t.Errorf("nothing was read as %v, %s", found, fault)
	}
}

func TestNamesAreOneLineOfVisibleText(t *testing.T) {
	for raw, shown := range map[string]string{
		"plain": "plain", "two\nlines\t": "two lines", "\u202eevil\u2066": "evil", "\x00\u200b": "–", "\xff\xfe": "–", "<b>": "<b>",
		strings.Repeat("ä", 300): strings.Repeat("ä", 199) + "…",
	} {
		if found := oneLine(raw); found != shown {
			t.Errorf("%q is shown as %q, expected %q", raw, found, shown)
		}
	}
}

func TestSharesOfGrantsDoNotOverflow(t *testing.T) {
	for _, c := range []struct {
		part, all drawdown.Credits
		share     int64
	}{
		{0, drawdown.Credit, 0}, {1, drawdown.MaxHeld, 1}, {drawdown.MaxHeld, drawdown.MaxHeld, 10_000}, {drawdown.MaxHeld / 2, drawdown.MaxHeld, 5000},
		{1, 3, 3333}, {-1, 5, 0},
	} {
		if found := shareOf(c.part, c.all, 10_000); found != c.share {
			t.Errorf("%d of %d: %d, expected %d", c.part, c.all, found, c.share)
		}
	}
}
