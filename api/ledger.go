package api

import (
	"context"
	"time"

	"drawdown/sinks/clickhouse/report"
)

// Span is a span of time that an answer is restricted to.
type Span struct {
	From timeText `query:"from" doc:"At or after it; absent: from the beginning."`
	To   timeText `query:"to" doc:"Before it; absent: to the latest."`
}

func (s *Span) parse(ctx context.Context) (from, to time.Time, err error) {
	if from, err = parseTime(ctx, "query.from", s.From); err != nil {
		return from, to, err
	}
	to, err = parseTime(ctx, "query.to", s.To)
	return from, to, err
}

// LedgerFilter restricts ledger entries.
type LedgerFilter struct {
	Span
	Type []string `query:"type" minItems:"1" maxItems:"32" minLength:"1" maxLength:"64" doc:"Types of entries, with commas between them: grant.added, purchase.settled, status.changed, notice, …" example:"[\"grant.added\",\"grant.expired\"]"`
}

type ledgerInput struct {
	AccountPath
	LedgerFilter
	Paging
}

// LedgerPage is a page of the ledger.
type LedgerPage struct {
	AsOf       timeText      `json:"as_of,omitempty" doc:"Everything that happened before it is in; absent while there is nothing."`
	Entries    []LedgerEntry `json:"entries"`
	NextCursor string        `json:"next_cursor,omitempty"`
}

// LedgerEntry is an immutable fact of a change.
type LedgerEntry struct {
	Partition int32 `json:"partition" doc:"With the entry's offset and n it names the entry."`
	Entry     line  `json:"entry"`
}

type ledgerAnswer struct {
	Link string `header:"Link"`
	Body LedgerPage
}

func (f *LedgerFilter) query(ctx context.Context, account string) (report.LedgerQuery, error) {
	from, to, err := f.parse(ctx)
	return report.LedgerQuery{Account: account, Types: f.Type, From: from, To: to}, err
}

func (s *server) ledger(ctx context.Context, in *ledgerInput) (*ledgerAnswer, error) {
	q, err := in.query(ctx, in.Account)
	if err != nil {
		return nil, err
	}
	q.Cursor, q.Limit = in.Cursor, in.Limit
	page, err := s.office.Ledger(ctx, principal(ctx), in.Account, q)
	if err != nil {
		return nil, err
	}
	return &ledgerAnswer{nextLink(ctx, page.Next), LedgerPage{
		AsOf: moment(page.AsOf), NextCursor: page.Next,
		Entries: list(page.Entries, func(e report.Entry) LedgerEntry { return LedgerEntry{e.Partition, e.Line} }),
	}}, nil
}
