package report

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// Usage returns what an account used in a window: a series for each connection, stream, source or destination that had
// usage in it, whether its connection is still known or not, each with all points. Errors: *QueryError.
//
// By connection and stream it reads rollups for days that are final and charges for the rest (see freshness), by source
// and destination charges only.
func (r *Reports) Usage(ctx context.Context, q UsageQuery) (*Usage, error) {
	s, err := q.Window.span(q.Now, q.From, q.To)
	if err != nil {
		return nil, err
	}
	if q.By != ByConnection && q.By != ByStream && q.By != BySource && q.By != ByDestination {
		return nil, &QueryError{"by", fmt.Sprintf("is %q; it must be connection, stream, source or destination", q.By)}
	}
	if q.Top < 0 {
		return nil, &QueryError{"top", "must not be below 0"}
	}
	fresh, err := r.freshness(ctx, charges, q.Account)
	if err != nil {
		return nil, err
	}
	all, err := r.series(ctx, &q, &s, fresh.final)
	if err != nil {
		return nil, err
	}
	usage := &Usage{AsOf: fresh.asOf, From: s.from, To: s.to, Points: s.points}
	usage.Series, usage.Other, usage.Total = rank(all, q.Top, len(s.points))
	return usage, nil
}

// seriesKey is what a series is of. A stream's name alone does not tell: connections have names with slashes, too.
type seriesKey struct{ first, stream string }

// series reads the sums of each series by point.
func (r *Reports) series(ctx context.Context, q *UsageQuery, s *span, final time.Time) (map[seriesKey]*Series, error) {
	all := map[seriesKey]*Series{}
	p := parameters{"window": string(q.Window), "by": string(q.By)}.text("account", q.Account).text("connection", q.Connection).within(s.from, s.to)
	name := "usage_by_connector"
	if q.By == ByConnection || q.By == ByStream {
		from, to := s.rollup(final)
		p.integer("rollup_from", from.UnixMilli()).integer("rollup_to", to.UnixMilli())
		name = "usage_by_connection"
	}
	err := r.each(ctx, name, p, func(rows driver.Rows) error {
		var key seriesKey
		var day int32
		var sum sums
		if err := rows.Scan(append([]any{&key.first, &key.stream, &day}, sum.columns()...)...); err != nil {
			return err
		}
		series := all[key]
		if series == nil {
			series = &Series{Name: key.first, Points: make([]Amounts, len(s.points))}
			if q.By == ByStream {
				series.Name = key.first + " / " + key.stream
			}
			all[key] = series
		}
		amounts := sum.amounts()
		point := &series.Points[s.point(beginning.AddDate(0, 0, int(day)))]
		*point = point.plus(amounts)
		series.Total = series.Total.plus(amounts)
		return nil
	})
	return all, err
}

// rank sorts the series, keeps the top ones, and adds up the rest and all of them.
func rank(all map[seriesKey]*Series, top, points int) (kept []Series, other *Series, total Series) {
	total.Points = make([]Amounts, points)
	for _, s := range all {
		kept = append(kept, *s)
		total.add(s)
	}
	slices.SortFunc(kept, func(a, b Series) int {
		return cmp.Or(b.Total.Billed.Plus(b.Total.Free).Compare(a.Total.Billed.Plus(a.Total.Free)), strings.Compare(a.Name, b.Name))
	})
	if top > 0 && len(kept) > top {
		other = &Series{Points: make([]Amounts, points)}
		for i := range kept[top:] {
			other.add(&kept[top+i])
		}
		kept = kept[:top]
	}
	return kept, other, total
}

func (s *Series) add(t *Series) {
	for i := range t.Points {
		s.Points[i] = s.Points[i].plus(t.Points[i])
	}
	s.Total = s.Total.plus(t.Total)
}
