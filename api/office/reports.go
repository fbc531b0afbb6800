package office

import (
	"context"
	"errors"
	"time"

	"drawdown"
	"drawdown/api/access"
	"drawdown/notify"
	"drawdown/sinks/clickhouse/report"
)

// reading checks that a principal may read an account, and that it is there.
func (o *Office) reading(ctx context.Context, p *access.Principal, account string) error {
	if err := may(p, account, access.ReadAccount); err != nil {
		return err
	}
	_, err := o.exists(ctx, account)
	return err
}

// past turns an error of a report into a refusal.
func past(ctx context.Context, err error) error {
	var query *report.QueryError
	switch {
	case errors.As(err, &query):
		return &Error{Kind: Invalid, Reason: string(drawdown.Malformed), Detail: query.Member + ": " + query.Rule + "."}
	case errors.Is(err, report.ErrBadCursor):
		return badCursor(err)
	case errors.Is(err, report.ErrNoSync):
		return &Error{Kind: NotFound, Reason: "no_such_sync", Detail: "No charge of such a sync is known. Reports are some seconds behind."}
	default:
		return unavailable(ctx, "reports", err)
	}
}

// Ledger is a page of the account's ledger, the latest entry first.
func (o *Office) Ledger(ctx context.Context, p *access.Principal, account string, q report.LedgerQuery) (*report.LedgerPage, error) {
	if err := o.reading(ctx, p, account); err != nil {
		return nil, err
	}
	q.Account = account
	page, err := o.deps.Reports.Ledger(ctx, q)
	if err != nil {
		return nil, past(ctx, err)
	}
	return page, nil
}

// ExportLedger hands over the account's ledger, the oldest entry first. An error of take ends it and is returned as it is.
func (o *Office) ExportLedger(ctx context.Context, p *access.Principal, account string, q report.LedgerQuery, take func(*report.Entry) error) error {
	if err := o.reading(ctx, p, account); err != nil {
		return err
	}
	q.Account = account
	return export(ctx, take, func(take func(*report.Entry) error) error { return o.deps.Reports.EachEntry(ctx, q, take) })
}

// ExportCharges hands over the account's charges, the oldest first. An error of take ends it and is returned as it is.
func (o *Office) ExportCharges(ctx context.Context, p *access.Principal, account string, q report.ChargeQuery, take func(*report.Charge) error) error {
	if err := o.reading(ctx, p, account); err != nil {
		return err
	}
	q.Account = account
	return export(ctx, take, func(take func(*report.Charge) error) error { return o.deps.Reports.EachCharge(ctx, q, take) })
}

// export tells the errors of whoever takes from those of whoever gives.
func export[T any](ctx context.Context, take func(*T) error, each func(func(*T) error) error) error {
	var refused error
	err := each(func(one *T) error {
		refused = take(one)
		return refused
	})
	switch {
	case refused != nil:
		return refused
	case err != nil:
		return past(ctx, err)
	default:
		return nil
	}
}

// Usage is what the account used in a window. [report.Period] without From and To is the account's present period.
func (o *Office) Usage(ctx context.Context, p *access.Principal, account string, q report.UsageQuery) (*report.Usage, error) {
	if err := may(p, account, access.ReadAccount); err != nil {
		return nil, err
	}
	q.Account, q.Now = account, o.deps.Now().UTC()
	if q.Window == report.Period && q.From.IsZero() && q.To.IsZero() {
		overview, err := o.overview(ctx, account)
		if err != nil {
			return nil, err
		}
		q.From, q.To = timeOf(overview.Balance.PeriodFrom), timeOf(overview.Balance.PeriodTo)
	} else if _, err := o.exists(ctx, account); err != nil {
		return nil, err
	}
	usage, err := o.deps.Reports.Usage(ctx, q)
	if err != nil {
		return nil, past(ctx, err)
	}
	return usage, nil
}

// Syncs is a page of the account's syncs, the latest first.
func (o *Office) Syncs(ctx context.Context, p *access.Principal, account string, q report.SyncQuery) (*report.SyncPage, error) {
	if err := o.reading(ctx, p, account); err != nil {
		return nil, err
	}
	q.Account = account
	page, err := o.deps.Reports.Syncs(ctx, q)
	if err != nil {
		return nil, past(ctx, err)
	}
	return page, nil
}

// Receipt shows what one sync cost and why.
func (o *Office) Receipt(ctx context.Context, p *access.Principal, account, connection string, job uint64) (*report.Receipt, error) {
	if err := o.reading(ctx, p, account); err != nil {
		return nil, err
	}
	receipt, err := o.deps.Reports.Receipt(ctx, account, connection, job)
	if err != nil {
		return nil, past(ctx, err)
	}
	return receipt, nil
}

// Purchases is a page of the account's purchases, the latest first.
func (o *Office) Purchases(ctx context.Context, p *access.Principal, account string, q report.PurchaseQuery) (*report.PurchasePage, error) {
	if err := o.reading(ctx, p, account); err != nil {
		return nil, err
	}
	q.Account = account
	page, err := o.deps.Reports.Purchases(ctx, q)
	if err != nil {
		return nil, past(ctx, err)
	}
	return page, nil
}

// Forecast tells when the account's credits run out if it goes on as it did.
func (o *Office) Forecast(ctx context.Context, p *access.Principal, account string) (*Forecast, error) {
	if err := may(p, account, access.ReadAccount); err != nil {
		return nil, err
	}
	overview, err := o.overview(ctx, account)
	if err != nil {
		return nil, err
	}
	rate, err := o.deps.Reports.BurnRate(ctx, account, overview.Now)
	if err != nil {
		return nil, past(ctx, err)
	}
	// What is held will be used as well, so the whole balance counts.
	available := overview.Balance.Available + overview.Balance.Held
	f := &Forecast{AsOf: rate.AsOf, Available: available, Basis: "the recent days"}
	if perDay, runsOutAt, ok := report.Forecast(*rate, available, overview.Now); ok {
		f.PerDay = perDay
		if runsOutAt.Before(overview.Now.AddDate(1, 0, 0)) {
			f.RunsOutAt = runsOutAt
		}
	}
	return f, nil
}

// Estimate tells what a sync would cost, and whether the account can carry it. Without connectors in the query, those that
// the connection has now are taken.
func (o *Office) Estimate(ctx context.Context, p *access.Principal, account string, q report.EstimateQuery) (*Estimate, error) {
	gate, err := o.Gate(ctx, p, account, q.Connection, nil)
	if err != nil {
		return nil, err
	}
	if q.Source == "" && q.Destination == "" {
		overview, err := o.overview(ctx, account)
		if err != nil {
			return nil, err
		}
		q.Source, q.Destination = connectorsOf(overview, q.Connection)
	}
	q.Account, q.Now = account, o.deps.Now().UTC()
	estimate, err := o.deps.Reports.Estimate(ctx, q)
	if err != nil {
		return nil, past(ctx, err)
	}
	return &Estimate{
		Estimate: *estimate, Available: gate.Available,
		Carries: carries(gate.Available, gate.Reserve, gate.Priority, estimate.P90),
	}, nil
}

// Deliveries is what the account was told, and what came of it, the oldest first.
func (o *Office) Deliveries(ctx context.Context, p *access.Principal, account string, f notify.Filter) ([]notify.DeliveryRecord, error) {
	if err := o.reading(ctx, p, account); err != nil {
		return nil, err
	}
	f.Account = account
	list, err := o.deps.Deliveries.List(ctx, f)
	if err != nil {
		return nil, unavailable(ctx, "notices", err)
	}
	return list, nil
}

// WebhookSecret is what an endpoint's notices are signed with.
func (o *Office) WebhookSecret(ctx context.Context, p *access.Principal, account, endpoint string) (string, error) {
	if err := may(p, account, access.SetAccount); err != nil {
		return "", err
	}
	profile, err := o.exists(ctx, account)
	if err != nil {
		return "", err
	}
	if o.deps.Endpoints == nil {
		return "", noWebhooks()
	}
	found := endpointOf(profile, endpoint)
	if found == nil {
		return "", refusalOf(drawdown.UnknownEndpoint)
	}
	if err := o.audit(ctx, p, account, "webhook.secret_shown", "", detail(map[string]any{"endpoint": endpoint})); err != nil {
		return "", err
	}
	return o.deps.Endpoints.Secret(account, endpoint, found.SecretVersion), nil
}

func timeOf(t drawdown.Time) time.Time { return time.UnixMilli(int64(t)).UTC() }
