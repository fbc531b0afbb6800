package page

import (
	"net/http"
	"strconv"

	"drawdown/api/office"
	"drawdown/sinks/clickhouse/report"
)

// syncsPerPage is how many syncs a page lists.
const syncsPerPage = 50

// syncsPage lists syncs, the latest first.
type syncsPage struct {
	*shell
	Connection string // "" for all
	Trouble    string
	AsOf       moment
	Syncs      []syncRow
	Next       string
}

// syncRow is one sync.
type syncRow struct {
	Connection   string
	Job          uint64
	Attempts     int64
	Last         moment
	Billed, Free amount
	URL          string
}

func (v *visit) syncs() error {
	f, err := v.facts()
	if err != nil {
		return err
	}
	query := v.r.URL.Query()
	connection := query.Get("connection")
	page := &syncsPage{shell: v.shell("usage", "Syncs").of(f, "")}
	if connection != "" {
		page.Connection = oneLine(connection)
	}
	found, err := v.Office.Syncs(v.ctx(), v.principal, v.account, report.SyncQuery{
		Connection: connection, Cursor: query.Get("cursor"), Limit: syncsPerPage,
	})
	if err != nil {
		if page.Trouble, err = v.unavailable(err, "your syncs"); err != nil {
			return err
		}
		return v.render(http.StatusOK, "syncs", page)
	}
	page.AsOf = moment{found.AsOf}
	for i := range found.Syncs {
		s := &found.Syncs[i]
		page.Syncs = append(page.Syncs, syncRow{
			Connection: oneLine(s.Connection), Job: s.Job, Attempts: int64(s.Attempts), Last: moment{s.LastAt},
			Billed: total(s.Amounts.Billed), Free: total(s.Amounts.Free),
			URL: v.url("syncs/receipt", "connection", s.Connection, "job", strconv.FormatUint(s.Job, 10)),
		})
	}
	if found.Next != "" {
		page.Next = v.url("syncs", "connection", connection, "cursor", found.Next)
	}
	return v.render(http.StatusOK, "syncs", page)
}

// receiptPage shows what one sync cost and why.
type receiptPage struct {
	*shell
	Connection, Source, Destination string
	Job                             uint64
	First, Last                     moment
	Billed, Free                    amount
	Attempts                        []attemptView
	Burned                          []burnView
	Overdraft                       amount
	AsOf                            moment
	SyncsURL                        string
}

// attemptView is one attempt of a sync.
type attemptView struct {
	Attempt      uint64
	Lines        []lineView
	Billed, Free amount
}

// lineView is what one stream cost under one rate.
type lineView struct {
	Stream, Kind, Meter, Rates string
	Free                       bool
	Quantity                   string
	Credits                    amount // charged; of a free line, what it would have cost
}

// burnView is what was taken from one grant.
type burnView struct {
	Grant   string
	Credits amount
}

func (v *visit) receipt() error {
	query := v.r.URL.Query()
	connection := query.Get("connection")
	job, err := strconv.ParseUint(query.Get("job"), 10, 64)
	if err != nil || connection == "" {
		return &office.Error{Kind: office.NotFound, Reason: "no_such_sync", Detail: "There is no such sync."}
	}
	f, err := v.facts()
	if err != nil {
		return err
	}
	r, err := v.Office.Receipt(v.ctx(), v.principal, v.account, connection, job)
	if err != nil {
		return err
	}
	page := &receiptPage{
		shell:      v.shell("usage", "Receipt of a sync").of(f, ""),
		Connection: oneLine(connection), Source: oneLine(r.Sync.Source), Destination: oneLine(r.Sync.Destination), Job: job,
		First: moment{r.Sync.FirstAt}, Last: moment{r.Sync.LastAt}, Billed: total(r.Sync.Amounts.Billed), Free: total(r.Sync.Amounts.Free),
		Overdraft: total(r.Overdraft), AsOf: moment{r.AsOf}, SyncsURL: v.url("syncs", "connection", connection),
	}
	for i := range r.Attempts {
		page.Attempts = append(page.Attempts, attemptOf(&r.Attempts[i]))
	}
	for _, burn := range r.Burned {
		page.Burned = append(page.Burned, burnView{oneLine(burn.Grant), total(burn.Credits)})
	}
	return v.render(http.StatusOK, "receipt", page)
}

func attemptOf(a *report.ReceiptAttempt) attemptView {
	view := attemptView{Attempt: a.Attempt, Billed: total(a.Amounts.Billed), Free: total(a.Amounts.Free)}
	for i := range a.Lines {
		l := &a.Lines[i]
		line := lineView{
			Kind: oneLine(l.Kind), Meter: l.Meter, Rates: oneLine(l.Rates), Free: l.Category == "free",
			Quantity: group(l.Quantity.Big().String()), Credits: total(l.Credits),
		}
		if l.Stream != "" {
			line.Stream = oneLine(l.Stream)
		}
		if line.Free {
			line.Credits = total(l.Waived)
		}
		view.Lines = append(view.Lines, line)
	}
	return view
}
