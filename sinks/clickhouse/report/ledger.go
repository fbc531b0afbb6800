package report

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"drawdown"
)

// Ledger returns a page of an account's ledger, the latest first. Errors: ErrBadCursor, *QueryError for the limit.
func (r *Reports) Ledger(ctx context.Context, q LedgerQuery) (*LedgerPage, error) {
	if err := checkLimit(q.Limit); err != nil {
		return nil, err
	}
	list := q.list()
	before, err := list.place(q.Cursor)
	if err != nil {
		return nil, err
	}
	fresh, err := r.freshness(ctx, ledger, q.Account)
	if err != nil {
		return nil, err
	}
	page := &LedgerPage{AsOf: fresh.asOf}
	p := q.parameters().before(before).integer("limit", int64(q.Limit)+1)
	err = r.each(ctx, "ledger", p, func(rows driver.Rows) error {
		e, err := scanEntry(rows)
		page.Entries = append(page.Entries, e)
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(page.Entries) > q.Limit {
		page.Entries = page.Entries[:q.Limit]
		last := &page.Entries[q.Limit-1]
		page.Next = list.cursor(place{offset: last.Offset, n: uint32(last.N)})
	}
	return page, nil
}

// EachEntry calls use for each entry that the query asks for, the oldest first, whatever its cursor and limit. It ends
// with the first error of use.
func (r *Reports) EachEntry(ctx context.Context, q LedgerQuery, use func(*Entry) error) error {
	return export(ctx, r, "ledger_export", q.parameters(), scanEntry, func(e *Entry) (drawdown.Offset, int) { return e.Offset, e.N }, use)
}

func (q *LedgerQuery) parameters() parameters {
	return parameters{}.text("account", q.Account).texts("types", q.Types).within(q.From, q.To)
}

// list is the same for the same types in any order.
func (q *LedgerQuery) list() list {
	types := slices.Sorted(slices.Values(q.Types))
	return append(list{ledger, q.Account, bound(q.From), bound(q.To)}, types...)
}

// bound is a time as a part of a list's name.
func bound(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return strconv.FormatInt(milliUp(t), 10)
}

func scanEntry(rows driver.Rows) (e Entry, err error) {
	var partition, n uint32
	var offset uint64
	var at int64
	var line string
	if err := rows.Scan(&partition, &offset, &n, &at, &e.Type, &line); err != nil {
		return e, err
	}
	e.Partition, e.Offset, e.N = int32(partition), drawdown.Offset(offset), int(n)
	e.At, e.Line = time.UnixMilli(at).UTC(), []byte(line)
	return e, nil
}
