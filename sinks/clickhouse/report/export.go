package report

import (
	"context"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"drawdown"
)

// export calls use for each row of a query, the oldest first, and ends with the first error of use. It reads page by page,
// each after the last row of the one before, so that no query is open while the reader is slow. The query takes the
// parameters after_offset, after_n and limit beside those given.
func export[T any](ctx context.Context, r *Reports, query string, p parameters, scan func(driver.Rows) (T, error),
	position func(*T) (drawdown.Offset, int), use func(*T) error,
) error {
	after, afterN := drawdown.Offset(-1), 0
	p.integer("limit", int64(r.exportPage))
	for {
		var page []T
		p.integer("after_offset", int64(after)).integer("after_n", int64(afterN))
		err := r.each(ctx, query, p, func(rows driver.Rows) error {
			row, err := scan(rows)
			page = append(page, row)
			return err
		})
		if err != nil {
			return err
		}
		for i := range page {
			if err := use(&page[i]); err != nil {
				return err
			}
		}
		if len(page) < r.exportPage {
			return nil
		}
		after, afterN = position(&page[len(page)-1])
	}
}
