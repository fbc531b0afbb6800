package page

import (
	"fmt"
	"math/big"

	"drawdown"
	"drawdown/sinks/clickhouse/report"
)

// chart is a column chart of usage, stacked by connection, made for SVG with a width in percent and a height in pixels, so
// that its text keeps its size on any screen. Everybody who can't see it has the table.
type chart struct {
	Height  int64
	Ticks   []tickView
	Columns []column
	Labels  []labelView
	Legend  []legend
	HasFree bool
}

// tickView is a line across the chart and the amount beside it.
type tickView struct {
	Y    string // pixels from the top
	Text string
}

// column is one point.
type column struct {
	X, Width string // percent
	Title    string
	Parts    []part
}

// part is one connection's share of a column.
type part struct {
	Y, Height string // pixels
	Class     string
}

// labelView is a date below the chart.
type labelView struct {
	X, Anchor, Text string
	Minor           bool // left out on narrow screens
}

// legend is a colour and what it stands for.
type legend struct {
	Class, Name string
}

// Sizes of the chart.
const (
	plotHeight = 220 // pixels between the zero line and the highest one
	plotTop    = 12  // pixels above the highest line, for half of its text
	colours    = 6   // connections with a colour of their own
	labelsMax  = 6
)

// chartOf draws usage; the series are those with a colour, other what the rest used.
func chartOf(usage *report.Usage, window report.Window) *chart {
	c := &chart{Height: plotTop + plotHeight}
	ticks := axis(highest(usage))
	top := ticks[len(ticks)-1]
	for _, tick := range ticks {
		c.Ticks = append(c.Ticks, tickView{pixels(plotTop+plotHeight, tick, top, true), tickText(tick)})
	}
	for i := range usage.Series {
		c.Legend = append(c.Legend, legend{Class: chartClass(i), Name: oneLine(usage.Series[i].Name)})
	}
	if usage.Other != nil {
		c.Legend = append(c.Legend, legend{Class: "rest", Name: "Other connections"})
	}
	for at := range usage.Points {
		c.Columns = append(c.Columns, columnOf(usage, at, top, window))
	}
	if c.HasFree = !usage.Total.Total.Free.IsZero(); c.HasFree {
		c.Legend = append(c.Legend, legend{Class: "free", Name: "Free (what it would have cost)"})
	}
	c.Labels = labels(usage, window)
	return c
}

// highest is the highest column.
func highest(usage *report.Usage) *big.Int {
	maximum := new(big.Int)
	for _, point := range usage.Total.Points {
		if sum := point.Billed.Plus(point.Free).Big(); sum.Cmp(maximum) > 0 {
			maximum = sum
		}
	}
	return maximum
}

// columnOf stacks one point: billed credits of each connection, and all free usage above them.
func columnOf(usage *report.Usage, at int, top *big.Int, window report.Window) column {
	const gap = 16 // percent of a column's room that is left empty on either side
	n, room := int64(len(usage.Points)), int64(10_000)
	col := column{
		X:     percent(room*int64(at)/n + room*gap/100/n),
		Width: percent(room * (100 - 2*gap) / 100 / n),
		Title: pointText(moment{usage.Points[at]}, window) + ": " + total(usage.Total.Points[at].Billed).Text(),
	}
	if free := usage.Total.Points[at].Free; !free.IsZero() {
		col.Title += ", free: " + total(free).Shown
	}
	stack := new(big.Int)
	push := func(class string, value drawdown.Total) {
		if value.IsZero() {
			return
		}
		from := new(big.Int).Set(stack)
		stack.Add(stack, value.Big())
		col.Parts = append(col.Parts, part{
			Y: pixels(plotTop+plotHeight, stack, top, true), Height: pixels(0, new(big.Int).Sub(stack, from), top, false), Class: class,
		})
	}
	for i := range usage.Series {
		push(chartClass(i), usage.Series[i].Points[at].Billed)
	}
	if usage.Other != nil {
		push("rest", usage.Other.Points[at].Billed)
	}
	push("free", usage.Total.Points[at].Free)
	return col
}

// pixels is a height in the chart, or where it is from the top, with two decimals.
func pixels(bottom int64, value, top *big.Int, fromTop bool) string {
	scaled := new(big.Int).Mul(value, big.NewInt(plotHeight*100))
	hundredths := scaled.Quo(scaled, top).Int64()
	if fromTop {
		hundredths = bottom*100 - hundredths
	}
	return fmt.Sprintf("%d.%02d", hundredths/100, hundredths%100)
}

// percent shows hundredths of a percent.
func percent(hundredths int64) string {
	return fmt.Sprintf("%d.%02d%%", hundredths/100, hundredths%100)
}

// labels are the dates below the chart, at most labelsMax, the last point always among them. On a narrow screen every
// other one is left out.
func labels(usage *report.Usage, window report.Window) []labelView {
	n := len(usage.Points)
	every := max((n+labelsMax-1)/labelsMax, 1)
	var all []labelView
	for at := (n - 1) % every; at < n; at += every {
		all = append(all, labelView{
			X: percent(int64(10_000*(2*at+1)) / int64(2*n)), Anchor: "middle", Text: axisText(moment{usage.Points[at]}, window),
			Minor: (n-1-at)/every%2 == 1,
		})
	}
	if last := len(all) - 1; last >= 0 && n > labelsMax {
		all[last].Anchor, all[last].X = "end", "100%" // a text in the middle of the last column would be cut off
	}
	return all
}

// axisText is a point below the chart.
func axisText(m moment, window report.Window) string {
	if window == report.Monthly {
		return m.UTC().Format("Jan 06")
	}
	return m.Short()
}

// pointText is a point in a table or a title.
func pointText(m moment, window report.Window) string {
	switch window {
	case report.Monthly:
		return m.UTC().Format("January 2006")
	case report.Weekly:
		return "Week of " + m.UTC().Format("2 Jan 2006")
	case report.Daily, report.Period:
		return m.UTC().Format("2 Jan 2006")
	}
	return m.UTC().Format("2 Jan 2006")
}

// chartClass is the colour of a series.
func chartClass(index int) string { return fmt.Sprintf("s%d", index+1) }
