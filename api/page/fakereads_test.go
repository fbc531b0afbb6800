package page_test

import (
	"context"
	"encoding/json"
	"math/big"
	"slices"
	"strings"
	"time"

	"drawdown"
	"drawdown/api/access"
	"drawdown/api/office"
	"drawdown/sinks/clickhouse/report"
)

var errNoSuchAccount = &office.Error{Kind: office.NotFound, Reason: "no_such_account", Detail: "There is no such account."}

// ask begins every answer: who may see what, and what a test has fail.
func (o *fakeOffice) ask(p *access.Principal, account, what string) error {
	if !p.Sees(account) || account != "acme" {
		return errNoSuchAccount
	}
	return o.fails[what]
}

func (o *fakeOffice) Plans(context.Context) ([]*drawdown.Plan, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.plans, o.fails["plans"]
}

func (o *fakeOffice) Accounts(_ context.Context, p *access.Principal, cursor string, _ int) ([]string, string, error) {
	if !p.May(access.ReadAccounts) {
		return nil, "", &office.Error{Kind: office.Forbidden, Reason: "forbidden", Detail: "You may not list accounts."}
	}
	if cursor == "" {
		return []string{"acme"}, "second", nil
	}
	return []string{"zeta"}, "", nil
}

func (o *fakeOffice) Overview(_ context.Context, p *access.Principal, account string) (*office.Overview, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.ask(p, account, "overview"); err != nil {
		return nil, err
	}
	overview := o.overview
	overview.Balance.Grants = slices.Clone(overview.Balance.Grants)
	overview.Connections = slices.Clone(overview.Connections)
	return &overview, nil
}

func (o *fakeOffice) Ledger(_ context.Context, p *access.Principal, account string, q report.LedgerQuery) (*report.LedgerPage, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.ask(p, account, "ledger"); err != nil {
		return nil, err
	}
	page := &report.LedgerPage{AsOf: now}
	for _, entry := range o.ledger {
		if slices.Contains(q.Types, entry.Type) && !entry.At.Before(q.From) {
			page.Entries = append(page.Entries, entry)
		}
	}
	return page, nil
}

// leave gives the notice that a connection leaves the Free Connector Program.
func (o *fakeOffice) leave(connection string, gaAt drawdown.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	line, err := json.Marshal(map[string]string{"type": "notice", "kind": "leaving_free_program", "connection": connection, "ga_at": gaAt.String()})
	if err != nil {
		panic(err)
	}
	o.ledger = append(o.ledger, report.Entry{At: now.AddDate(0, 0, -1), Type: "notice", Line: line})
}

func (o *fakeOffice) Usage(_ context.Context, p *access.Principal, account string, q report.UsageQuery) (*report.Usage, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.ask(p, account, "usage"); err != nil {
		return nil, err
	}
	return o.usageIn(q), nil
}

// usageIn cuts the days into a window's points; a week and a month have those of their days that are known.
func (o *fakeOffice) usageIn(q report.UsageQuery) *report.Usage {
	u := &report.Usage{AsOf: now.Add(-3 * time.Second)}
	today := now.Truncate(24 * time.Hour)
	switch q.Window {
	case report.Weekly:
		for i := range 26 {
			u.Points = append(u.Points, today.AddDate(0, 0, -4-7*(25-i))) // Monday
		}
	case report.Monthly:
		for i := range 12 {
			u.Points = append(u.Points, time.Date(2026, time.Month(3-11+i), 1, 0, 0, 0, 0, time.UTC))
		}
	case report.Daily:
		for i := range 30 {
			u.Points = append(u.Points, today.AddDate(0, 0, i-29))
		}
	case report.Period:
		for day := q.From.Truncate(24 * time.Hour); day.Before(q.To); day = day.AddDate(0, 0, 1) {
			u.Points = append(u.Points, day)
		}
	}
	u.Total.Points = make([]report.Amounts, len(u.Points))
	for name, days := range o.usage {
		s := report.Series{Name: name, Points: make([]report.Amounts, len(u.Points))}
		for i, used := range days {
			day := today.AddDate(0, 0, i-len(days)+1)
			point, _ := slices.BinarySearchFunc(u.Points, day, func(point, day time.Time) int {
				if point.After(day) {
					return 1
				}
				return -1
			})
			if point == 0 {
				continue
			}
			amount := report.Amounts{Events: 1, Billed: drawdown.TotalOf(credits(used))}
			if o.free[name] {
				amount.Billed, amount.Free = amount.Free, amount.Billed
			}
			for _, sum := range []*report.Amounts{&s.Points[point-1], &s.Total, &u.Total.Points[point-1], &u.Total.Total} {
				sum.Billed, sum.Free = sum.Billed.Plus(amount.Billed), sum.Free.Plus(amount.Free)
			}
		}
		u.Series = append(u.Series, s)
	}
	slices.SortFunc(u.Series, func(a, b report.Series) int {
		if c := b.Total.Billed.Plus(b.Total.Free).Compare(a.Total.Billed.Plus(a.Total.Free)); c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
	if q.Top > 0 && len(u.Series) > q.Top {
		u.Series = u.Series[:q.Top]
	}
	return u
}

func (o *fakeOffice) Syncs(_ context.Context, p *access.Principal, account string, q report.SyncQuery) (*report.SyncPage, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.ask(p, account, "syncs"); err != nil {
		return nil, err
	}
	page := &report.SyncPage{AsOf: now, Next: "more"}
	if q.Cursor != "" {
		page.Next = ""
	}
	for _, name := range []string{"crm → warehouse", "shop orders"} {
		if q.Connection == "" || q.Connection == name {
			page.Syncs = append(page.Syncs, report.Sync{Connection: name, Job: 41, Attempts: 2, LastAt: now, Amounts: report.Amounts{Billed: drawdown.TotalOf(credits(3))}})
		}
	}
	return page, nil
}

func (o *fakeOffice) Receipt(_ context.Context, p *access.Principal, account, connection string, job uint64) (*report.Receipt, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.ask(p, account, "receipt"); err != nil {
		return nil, err
	}
	if job != 41 {
		return nil, &office.Error{Kind: office.NotFound, Reason: "no_such_sync", Detail: "There is no such sync."}
	}
	billed := report.Amounts{Billed: drawdown.TotalOf(credits(3)), Free: drawdown.TotalOf(credits(1))}
	return &report.Receipt{
		AsOf: now, Account: account,
		Sync: report.Sync{Connection: connection, Job: job, Source: "source-salesforce", Destination: "destination-snowflake", Attempts: 1, FirstAt: now.Add(-time.Hour), LastAt: now, Amounts: billed},
		Attempts: []report.ReceiptAttempt{{Attempt: 1, Amounts: billed, Lines: []report.ReceiptLine{
			{Stream: "contacts", Kind: "api", Meter: "records", Rates: "2026-01", Category: "billed", Quantity: drawdown.TotalOfBig(big.NewInt(500_000)), Credits: drawdown.TotalOf(credits(3))},
			{Kind: "api", Meter: "records", Rates: "2026-01", Category: "free", Quantity: drawdown.TotalOfBig(big.NewInt(1000)), Waived: drawdown.TotalOf(credits(1))},
		}}},
		Burned: []report.Burn{{Grant: "order-1", Credits: drawdown.TotalOf(credits(2))}}, Overdraft: drawdown.TotalOf(credits(1)),
	}, nil
}

func (o *fakeOffice) Purchases(_ context.Context, p *access.Principal, account string, _ report.PurchaseQuery) (*report.PurchasePage, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.ask(p, account, "purchases"); err != nil {
		return nil, err
	}
	return &report.PurchasePage{AsOf: now, Purchases: slices.Clone(o.purchases)}, nil
}

func (o *fakeOffice) Forecast(_ context.Context, p *access.Principal, account string) (*office.Forecast, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.ask(p, account, "forecast"); err != nil {
		return nil, err
	}
	return &office.Forecast{AsOf: now, PerDay: drawdown.TotalOf(o.perDay), Available: o.overview.Balance.Available, RunsOutAt: o.runsOut}, nil
}
