package report

import (
	"context"
	"math"
	"time"

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
	p := parameters{}.text("account", q.Account).text("connection", q.Connection).within(q.From, q.To).
		before(before).integer("limit", int64(q.Limit)+1)
	var places []place
	for _, since := range lookBack(q.From, q.To, before, fresh.asOf) {
		page.Syncs, places, err = r.syncsSince(ctx, p.integer("since", since.UnixMilli()))
		if err != nil {
			return nil, err
		}
		if len(page.Syncs) > q.Limit {
			page.Syncs = page.Syncs[:q.Limit]
			page.Next = list.cursor(places[q.Limit-1])
			break
		}
	}
	return page, nil
}

// lookBackDays is how far a page of syncs looks back before it looks at everything. An account with very many charges
// has a page of syncs in a day; one that has few in a month costs little to read as a whole.
var lookBackDays = [...]int{1, 30}

// lookBack returns the instants since which a page looks for syncs, until it has enough: the last is the lower bound.
func lookBack(from, to time.Time, before place, asOf time.Time) (since []time.Time) {
	if from.IsZero() {
		from = beginning
	}
	latest := asOf
	if before.at != 0 {
		latest = time.UnixMilli(before.at)
	}
	if !to.IsZero() && to.Before(latest) {
		latest = to
	}
	for _, days := range lookBackDays {
		if instant := latest.AddDate(0, 0, -days); instant.After(from) {
			since = append(since, instant)
		}
	}
	return append(since, from)
}

func (r *Reports) syncsSince(ctx context.Context, p parameters) (syncs []Sync, places []place, err error) {
	err = r.each(ctx, "syncs", p, func(rows driver.Rows) error {
		s, at, err := scanSync(rows)
		syncs, places = append(syncs, s), append(places, at)
		return err
	})
	return syncs, places, err
}

func scanSync(rows driver.Rows) (s Sync, first place, err error) {
	var offset, attempts uint64
	var firstAt, lastAt int64
	var sum sums
	columns := []any{&s.Connection, &s.Job, &offset, &first.n, &s.Source, &s.Destination, &attempts, &firstAt, &lastAt}
	if err := rows.Scan(append(columns, sum.columns()...)...); err != nil {
		return s, first, err
	}
	first.offset, first.at = drawdown.Offset(offset), firstAt
	s.Attempts = int(min(attempts, math.MaxInt32))
	s.FirstAt, s.LastAt, s.Amounts = instant(firstAt), instant(lastAt), sum.amounts()
	return s, first, nil
}
