package api

import (
	"context"

	"drawdown/sinks/clickhouse/report"
)

type usageInput struct {
	AccountPath
	Window     string `query:"window" enum:"daily,weekly,monthly,period" default:"daily" doc:"daily: 30 days; weekly: 26 weeks from Monday; monthly: 12 months; period: the plan's period by days. By UTC; the last point is the one under way."`
	By         string `query:"by" enum:"connection,stream,source,destination" default:"connection" doc:"What usage is split by. A stream is named \"connection / stream\"."`
	Connection string `query:"connection" minLength:"1" maxLength:"128" doc:"Only this connection's."`
	Top        int    `query:"top" minimum:"1" maximum:"1000" doc:"Keep the so many with the most credits, and add up the rest as other; absent: all."`
}

// Usage is what an account used in a window.
type Usage struct {
	AsOf   timeText   `json:"as_of,omitempty" doc:"Everything charged before it is in; absent while there is nothing."`
	From   timeText   `json:"from" doc:"Of the first point."`
	To     timeText   `json:"to" doc:"The end of the last point, exclusive."`
	Points []timeText `json:"points" doc:"The beginning of each point."`
	Series []Series   `json:"series" doc:"The most credits first. Removed connections are among them."`
	Other  *Series    `json:"other,omitempty" doc:"Those beyond top, together."`
	Total  Series     `json:"total"`
}

// Series is usage by points, and their sum.
type Series struct {
	Name   string    `json:"name" doc:"Of the connection, stream, source or destination; empty for other and total, and for a stream that had no name."`
	Points []Amounts `json:"points"`
	Total  Amounts   `json:"total"`
}

// Amounts are sums over charges.
type Amounts struct {
	Events     uint64      `json:"events"`
	Billed     creditsText `json:"billed"`
	Free       creditsText `json:"free" doc:"What free usage would have cost."`
	Records    countText   `json:"records"`
	Bytes      countText   `json:"bytes"`
	Operations countText   `json:"operations"`
}

type usageAnswer struct{ Body Usage }

func (s *server) usage(ctx context.Context, in *usageInput) (*usageAnswer, error) {
	usage, err := s.office.Usage(ctx, principal(ctx), in.Account, report.UsageQuery{
		Account: in.Account, Connection: in.Connection, Window: report.Window(in.Window), By: report.Dimension(in.By), Top: in.Top,
	})
	if err != nil {
		return nil, err
	}
	body := Usage{
		AsOf: moment(usage.AsOf), From: moment(usage.From), To: moment(usage.To), Points: list(usage.Points, moment),
		Series: list(usage.Series, seriesOf), Total: seriesOf(usage.Total),
	}
	if usage.Other != nil {
		other := seriesOf(*usage.Other)
		body.Other = &other
	}
	return &usageAnswer{body}, nil
}

func seriesOf(s report.Series) Series {
	return Series{s.Name, list(s.Points, amountsOf), amountsOf(s.Total)}
}

func amountsOf(a report.Amounts) Amounts {
	return Amounts{a.Events, total(a.Billed), total(a.Free), count(a.Records), count(a.Bytes), count(a.Operations)}
}

type syncsInput struct {
	AccountPath
	Connection string `query:"connection" minLength:"1" maxLength:"128" doc:"Only this connection's."`
	Span
	Paging
}

// SyncPage is a page of syncs.
type SyncPage struct {
	AsOf       timeText `json:"as_of,omitempty" doc:"Everything charged before it is in; absent while there is nothing."`
	Syncs      []Sync   `json:"syncs"`
	NextCursor string   `json:"next_cursor,omitempty"`
}

// Sync is a job of a connection: all of its attempts.
type Sync struct {
	Connection  string   `json:"connection"`
	Job         uint64   `json:"job"`
	Source      string   `json:"source_connector"`
	Destination string   `json:"destination_connector"`
	Attempts    int      `json:"attempts"`
	FirstAt     timeText `json:"first_at" doc:"When its charges were made."`
	LastAt      timeText `json:"last_at"`
	Amounts     Amounts  `json:"amounts"`
}

type syncsAnswer struct {
	Link string `header:"Link"`
	Body SyncPage
}

func (s *server) syncs(ctx context.Context, in *syncsInput) (*syncsAnswer, error) {
	from, to, err := in.parse(ctx)
	if err != nil {
		return nil, err
	}
	page, err := s.office.Syncs(ctx, principal(ctx), in.Account, report.SyncQuery{
		Account: in.Account, Connection: in.Connection, From: from, To: to, Cursor: in.Cursor, Limit: in.Limit,
	})
	if err != nil {
		return nil, err
	}
	return &syncsAnswer{nextLink(ctx, page.Next), SyncPage{moment(page.AsOf), list(page.Syncs, syncOf), page.Next}}, nil
}

func syncOf(s report.Sync) Sync {
	return Sync{s.Connection, s.Job, s.Source, s.Destination, s.Attempts, moment(s.FirstAt), moment(s.LastAt), amountsOf(s.Amounts)}
}

type receiptInput struct {
	AccountPath
	Connection string `path:"connection" minLength:"1" maxLength:"128" example:"shop"`
	Job        uint64 `path:"job" maximum:"9007199254740991" example:"7"`
}

// Receipt shows what one sync cost and why, so that it can be added up by hand.
type Receipt struct {
	AsOf      timeText         `json:"as_of,omitempty"`
	Account   string           `json:"account"`
	Sync      Sync             `json:"sync"`
	Attempts  []ReceiptAttempt `json:"attempts"`
	Burned    []Burn           `json:"burned" doc:"What was taken from which grant, over all lines."`
	Overdraft creditsText      `json:"overdraft" doc:"What no grant covered."`
}

// ReceiptAttempt is one attempt of a sync.
type ReceiptAttempt struct {
	Attempt uint64        `json:"attempt"`
	Lines   []ReceiptLine `json:"lines"`
	Amounts Amounts       `json:"amounts"`
}

// ReceiptLine is what one stream of an attempt cost under one rate.
type ReceiptLine struct {
	Stream    string      `json:"stream" doc:"Empty where the events named none."`
	Kind      string      `json:"kind" doc:"Of the source connector."`
	Meter     string      `json:"meter" enum:"records,bytes,operations"`
	Rates     string      `json:"rates" doc:"Version of the rate card."`
	Category  string      `json:"category" enum:"billed,free"`
	Quantity  countText   `json:"quantity"`
	Events    uint64      `json:"events"`
	Credits   creditsText `json:"credits"`
	Waived    creditsText `json:"waived"`
	Burned    []Burn      `json:"burned"`
	Overdraft creditsText `json:"overdraft"`
}

// Burn is what was taken from a grant.
type Burn struct {
	Grant   string      `json:"grant"`
	Credits creditsText `json:"credits"`
}

type receiptAnswer struct{ Body Receipt }

func (s *server) receipt(ctx context.Context, in *receiptInput) (*receiptAnswer, error) {
	r, err := s.office.Receipt(ctx, principal(ctx), in.Account, in.Connection, in.Job)
	if err != nil {
		return nil, err
	}
	return &receiptAnswer{Receipt{
		AsOf: moment(r.AsOf), Account: in.Account, Sync: syncOf(r.Sync), Attempts: list(r.Attempts, receiptAttemptOf),
		Burned: list(r.Burned, burnOf), Overdraft: total(r.Overdraft),
	}}, nil
}

func receiptAttemptOf(a report.ReceiptAttempt) ReceiptAttempt {
	return ReceiptAttempt{a.Attempt, list(a.Lines, receiptLineOf), amountsOf(a.Amounts)}
}

func receiptLineOf(l report.ReceiptLine) ReceiptLine {
	return ReceiptLine{
		Stream: l.Stream, Kind: l.Kind, Meter: l.Meter, Rates: l.Rates, Category: l.Category, Quantity: count(l.Quantity),
		Events: l.Events, Credits: total(l.Credits), Waived: total(l.Waived), Burned: list(l.Burned, burnOf), Overdraft: total(l.Overdraft),
	}
}

func burnOf(b report.Burn) Burn { return Burn{b.Grant, total(b.Credits)} }

type forecastInput struct{ AccountPath }

// Forecast is when credits run out at the recent rate.
type Forecast struct {
	AsOf      timeText    `json:"as_of,omitempty" doc:"Everything charged before it is in; absent while there is nothing."`
	Available creditsText `json:"available"`
	PerDay    creditsText `json:"per_day" doc:"Credits used a day."`
	RunsOutAt timeText    `json:"runs_out_at,omitempty" doc:"Absent: not within a year."`
	Basis     string      `json:"basis" doc:"What per_day is computed from."`
}

type forecastAnswer struct{ Body Forecast }

func (s *server) forecast(ctx context.Context, in *forecastInput) (*forecastAnswer, error) {
	f, err := s.office.Forecast(ctx, principal(ctx), in.Account)
	if err != nil {
		return nil, err
	}
	return &forecastAnswer{Forecast{moment(f.AsOf), credits(f.Available), total(f.PerDay), moment(f.RunsOutAt), f.Basis}}, nil
}

type estimateInput struct {
	AccountPath
	Connection  string    `query:"connection" minLength:"1" maxLength:"128" example:"shop" doc:"Its own syncs of the last 30 days are looked at, where there are enough."`
	Source      string    `query:"source" minLength:"1" maxLength:"128" doc:"Else those between the same connectors."`
	Destination string    `query:"destination" minLength:"1" maxLength:"128"`
	Quantity    countText `query:"quantity" minLength:"1" maxLength:"16" doc:"What the sync would move, by the meter that rates it, at most 2^53-1; absent: as much as usual."`
}

// Estimate is what a sync would cost, from what syncs cost in the last 30 days.
type Estimate struct {
	AsOf      timeText    `json:"as_of,omitempty"`
	Basis     string      `json:"basis" enum:"connection,connectors,none" doc:"Whose syncs it is computed from; none: there are too few."`
	Syncs     int         `json:"syncs" doc:"How many."`
	Median    creditsText `json:"median"`
	P90       creditsText `json:"p90" doc:"Nine of ten syncs cost no more."`
	Meter     string      `json:"meter,omitempty" enum:"records,bytes,operations"`
	Available creditsText `json:"available" doc:"The balance less what is held."`
	Carries   bool        `json:"carries" doc:"Whether a hold of p90 would fit now."`
}

type estimateAnswer struct{ Body Estimate }

func (s *server) estimate(ctx context.Context, in *estimateInput) (*estimateAnswer, error) {
	q := report.EstimateQuery{Account: in.Account, Connection: in.Connection, Source: in.Source, Destination: in.Destination}
	if in.Connection == "" && (in.Source == "" || in.Destination == "") {
		return nil, malformed(ctx, "query", "name the connection, or source and destination")
	}
	if in.Quantity != "" {
		quantity, ok := parseInteger(string(in.Quantity))
		if !ok {
			return nil, malformed(ctx, "query.quantity", "it is not an integer from 0 to 2^53-1")
		}
		q.Quantity = &quantity
	}
	e, err := s.office.Estimate(ctx, principal(ctx), in.Account, q)
	if err != nil {
		return nil, err
	}
	return &estimateAnswer{Estimate{
		AsOf: moment(e.AsOf), Basis: e.Basis, Syncs: e.Syncs, Median: total(e.Median), P90: total(e.P90), Meter: e.Meter,
		Available: credits(e.Available), Carries: e.Carries,
	}}, nil
}
