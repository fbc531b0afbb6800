//go:build integration

package report

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// yearRows is how many charges the account of the benchmark has in a year: hourly syncs of 50 connections, with 23
// charges each.
const yearRows = 50 * 8760 * 23

// fillYear writes a year of charges of one account, month by month as a sink does, and notes that all of it is there.
func (w *world) fillYear(begin time.Time) {
	w.t.Helper()
	const columns = `INSERT INTO charges (partition, offset, n, at, time, account, connection, source_connector, destination_connector, job,
		attempt, stream, event, kind, meter, quantity, category, rates, credits_nano, waived_nano_low, waived_nano_high, overdraft_nano,
		burned_grants, burned_nano)`
	for month := range 12 {
		from, to := begin.AddDate(0, month, 0), begin.AddDate(0, month+1, 0)
		firstHour, hours := int(from.Sub(begin).Hours()), int(to.Sub(from).Hours())
		const hourRows = 50 * 23
		w.exec(fmt.Sprintf(columns+`
			WITH number + %[1]d AS row, intDiv(row, %[2]d) AS hour, intDiv(row %% %[2]d, 23) AS c, row %% 23 AS part
			SELECT 0, row, 0, fromUnixTimestamp64Milli(toInt64(%[3]d + hour * 3600000 + (row %% %[2]d) * 3), 'UTC') AS stamp, stamp, 'big',
				'connection-' || toString(c), 'source-' || toString(c %% 20), 'destination-' || toString(c %% 4), hour, part > 20, 'stream-' || toString(part),
				hex(cityHash64(row)), 'database', 'bytes', cityHash64(row) %% 1000000, 'billed', 'v1', cityHash64(row) %% 1000000000, 0, 0, 0,
				['big:' || toString(intDiv(hour, 200))], [cityHash64(row) %% 1000000000]
			FROM numbers(%[4]d) SETTINGS max_insert_threads = 1, max_insert_block_size = 1000000`,
			firstHour*hourRows, hourRows, begin.UnixMilli(), hours*hourRows))
	}
	w.exec(fmt.Sprintf(`INSERT INTO sink_blocks SELECT 'charges', 0, 0, -1, -1, offset, 0, 0, 0, offset + 1, 0, 1, generateUUIDv4(), now64(6), at, at, account, connection
		FROM charges WHERE offset = %d`, yearRows-1))
}

// BenchmarkYear is the time of each answer for an account with ten million charges in a year.
func BenchmarkYear(b *testing.B) {
	w := newWorld(b)
	begin := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	w.fillYear(begin)
	now := time.Date(2025, 12, 31, 23, 59, 0, 0, time.UTC)
	r := w.reports
	usage := func(window Window, by Dimension) func(context.Context) error {
		return func(ctx context.Context) error {
			u, err := r.Usage(ctx, UsageQuery{Account: "big", Window: window, By: by, Now: now, From: now.AddDate(0, -1, 0), To: now, Top: 10})
			if err == nil && (u.AsOf.IsZero() || u.Total.Total.Events == 0) {
				err = fmt.Errorf("as of %v, %d events", u.AsOf, u.Total.Total.Events)
			}
			return err
		}
	}
	export := func(from, to time.Time) func(context.Context) error {
		return func(ctx context.Context) error {
			return r.EachCharge(ctx, ChargeQuery{Account: "big", From: from, To: to}, func(*Charge) error { return nil })
		}
	}
	quantity := uint64(1_000_000)
	for _, question := range []struct {
		name string
		ask  func(context.Context) error
	}{
		{"usage/monthly/connection", usage(Monthly, ByConnection)},
		{"usage/weekly/connection", usage(Weekly, ByConnection)},
		{"usage/daily/connection", usage(Daily, ByConnection)},
		{"usage/period/connection", usage(Period, ByConnection)},
		{"usage/monthly/stream", usage(Monthly, ByStream)},
		{"usage/daily/stream", usage(Daily, ByStream)},
		{"usage/monthly/source", usage(Monthly, BySource)},
		{"usage/daily/source", usage(Daily, BySource)},
		{"syncs/all", func(ctx context.Context) error {
			_, err := r.Syncs(ctx, SyncQuery{Account: "big", Limit: 50})
			return err
		}},
		{"syncs/month", func(ctx context.Context) error {
			_, err := r.Syncs(ctx, SyncQuery{Account: "big", Limit: 50, From: now.AddDate(0, -1, 0)})
			return err
		}},
		{"syncs/connection", func(ctx context.Context) error {
			_, err := r.Syncs(ctx, SyncQuery{Account: "big", Connection: "connection-7", Limit: 50})
			return err
		}},
		{"receipt", func(ctx context.Context) error { _, err := r.Receipt(ctx, "big", "connection-7", 4000); return err }},
		{"estimate", func(ctx context.Context) error {
			_, err := r.Estimate(ctx, EstimateQuery{Account: "big", Connection: "connection-7", Now: now})
			return err
		}},
		{"estimate/connectors", func(ctx context.Context) error {
			_, err := r.Estimate(ctx, EstimateQuery{Account: "big", Connection: "new", Source: "source-7", Destination: "destination-3", Now: now, Quantity: &quantity})
			return err
		}},
		{"burn rate", func(ctx context.Context) error { _, err := r.BurnRate(ctx, "big", now); return err }},
		{"export/day", export(now.AddDate(0, 0, -2), now.AddDate(0, 0, -1))},
		{"freshness", func(ctx context.Context) error { _, err := r.freshness(ctx, charges, "big"); return err }},
	} {
		b.Run(question.name, func(b *testing.B) {
			for b.Loop() {
				if err := question.ask(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/answer")
		})
	}
}
