package report

import (
	"context"
	"math"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"drawdown"
)

// Syncs returns a page of an account's syncs, the latest begun first: by the first of its charges within the bounds, which
// does not change while the sync goes on. Only charges within the bounds count. Errors: ErrBadCursor, *QueryError for
// the limit.
func (r *Reports) Syncs(ctx context.Context, q SyncQuery) (*SyncPage, error) {
	if err := checkLimit(q.Limit); err != nil {
		return nil, err
	}
	list := list{"syncs", q.Account, q.Connection, bound(q.From), bound(q.To)}
	before, err := list.place(q.Cursor)
	if err != nil {
		return nil, err
	}
	fresh, err := r.freshness(ctx, charges, q.Account)
	if err != nil {
		return nil, err
	}
	page := &SyncPage{AsOf: fresh.asOf}
	var places []place
	p := parameters{}.text("account", q.Account).text("connection", q.Connection).within(q.From, q.To).
		before(before).integer("limit", int64(q.Limit)+1)
	err = r.each(ctx, "syncs", p, func(rows driver.Rows) error {
		s, at, err := scanSync(rows)
		page.Syncs, places = append(page.Syncs, s), append(places, at)
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(page.Syncs) > q.Limit {
		page.Syncs = page.Syncs[:q.Limit]
		page.Next = list.cursor(places[q.Limit-1])
	}
	return page, nil
}

func scanSync(rows driver.Rows) (s Sync, first place, err error) {
	var offset, attempts uint64
	var firstAt, lastAt int64
	var sum sums
	columns := []any{&s.Connection, &s.Job, &offset, &first.n, &s.Source, &s.Destination, &attempts, &firstAt, &lastAt}
	if err := rows.Scan(append(columns, sum.columns()...)...); err != nil {
		return s, first, err
	}
	first.offset = drawdown.Offset(offset)
	s.Attempts = int(min(attempts, math.MaxInt32))
	s.FirstAt, s.LastAt, s.Amounts = instant(firstAt), instant(lastAt), sum.amounts()
	return s, first, nil
}
