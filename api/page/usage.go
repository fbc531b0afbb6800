package page

import (
	"net/http"

	"drawdown/sinks/clickhouse/report"
)

// usagePage is what used the credits.
type usagePage struct {
	*shell
	Window  report.Window
	Windows []tab
	Trouble string
	Period  usedView
	PeriodTo,
	AsOf moment
	Billed, Free amount // of the window
	Chart        *chart
	Rows         []usageRow
	Points       []pointRow
	Columns      []legend
	Leaving      []banner
}

// usageRow is one connection.
type usageRow struct {
	Name                string // as it is
	Shown               string
	Source, Destination string
	Class               string // its colour in the chart
	Removed, Stopped    bool
	IsFree              bool
	Billed, Free        amount
}

// pointRow is one day, week or month.
type pointRow struct {
	Label        string
	Cells        []amount
	Billed, Free amount
}

// windows are what customers may choose.
var windows = []struct {
	window report.Window
	label  string
}{{report.Daily, "30 days"}, {report.Weekly, "26 weeks"}, {report.Monthly, "12 months"}}

func (v *visit) usage() error {
	f, err := v.facts()
	if err != nil {
		return err
	}
	page := &usagePage{shell: v.shell("usage", "Usage").of(f, ""), Window: report.Daily, PeriodTo: momentOf(f.Balance.PeriodTo)}
	for _, w := range windows {
		if asked := v.r.URL.Query().Get("window"); asked == string(w.window) {
			page.Window = w.window
		}
	}
	for _, w := range windows {
		page.Windows = append(page.Windows, tab{w.label, v.url("usage", "window", string(w.window)), w.window == page.Window})
	}
	if page.Period, err = v.used(f); err != nil {
		return err
	}
	all, err := v.Office.Usage(v.ctx(), v.principal, v.account, report.UsageQuery{Window: page.Window, By: report.ByConnection, Now: f.Now})
	if err != nil {
		if page.Trouble, err = v.unavailable(err, "your usage"); err != nil {
			return err
		}
	} else {
		page.fill(all, f)
	}
	page.Leaving = v.leaving(f)
	return v.render(http.StatusOK, "usage", page)
}

// fill shows usage of all connections.
func (p *usagePage) fill(all *report.Usage, f *facts) {
	p.AsOf, p.Billed, p.Free = moment{all.AsOf}, total(all.Total.Total.Billed), total(all.Total.Total.Free)
	drawn := topOf(all, colours)
	p.Chart = chartOf(drawn, p.Window)
	for i := range all.Series {
		p.Rows = append(p.Rows, rowOf(&all.Series[i], i, f))
	}
	p.Columns = p.Chart.Legend
	if p.Chart.HasFree {
		p.Columns = p.Columns[:len(p.Columns)-1]
	}
	for at := len(drawn.Points) - 1; at >= 0; at-- { // the latest first
		row := pointRow{
			Label:  pointText(moment{drawn.Points[at]}, p.Window),
			Billed: total(drawn.Total.Points[at].Billed), Free: total(drawn.Total.Points[at].Free),
		}
		for i := range drawn.Series {
			row.Cells = append(row.Cells, total(drawn.Series[i].Points[at].Billed))
		}
		if drawn.Other != nil {
			row.Cells = append(row.Cells, total(drawn.Other.Points[at].Billed))
		}
		p.Points = append(p.Points, row)
	}
}

func rowOf(series *report.Series, index int, f *facts) usageRow {
	row := usageRow{
		Name: series.Name, Shown: oneLine(series.Name), Class: "rest",
		Billed: total(series.Total.Billed), Free: total(series.Total.Free), Removed: true,
	}
	if index < colours {
		row.Class = chartClass(index)
	}
	if c := f.connection(series.Name); c != nil {
		row.Source, row.Destination = oneLine(c.SourceConnector), oneLine(c.DestinationConnector)
		row.Removed, row.Stopped, row.IsFree = !c.Known, c.Stopped, c.Free
	}
	return row
}

// topOf keeps the first series and adds the rest up.
func topOf(all *report.Usage, keep int) *report.Usage {
	drawn := *all
	if len(all.Series) <= keep {
		return &drawn
	}
	drawn.Series = all.Series[:keep]
	other := report.Series{Points: make([]report.Amounts, len(all.Points))}
	if all.Other != nil {
		copy(other.Points, all.Other.Points)
	}
	for _, series := range all.Series[keep:] {
		for at := range series.Points {
			other.Points[at].Billed = other.Points[at].Billed.Plus(series.Points[at].Billed)
			other.Points[at].Free = other.Points[at].Free.Plus(series.Points[at].Free)
		}
	}
	drawn.Other = &other
	return &drawn
}
