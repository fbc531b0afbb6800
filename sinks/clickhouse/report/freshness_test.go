//go:build integration

package report

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"drawdown"
	sink "drawdown/sinks/clickhouse"
)

// TestAsOf: what each step of the sink does to an answer and to how fresh it says it is. The steps are made by hand.
func TestAsOf(t *testing.T) {
	w := newWorld(t)
	first, second := at("2028-02-01T10:00:00Z"), at("2028-02-02T10:00:00Z")
	insert := func(offset drawdown.Offset, moment time.Time) {
		w.exec(fmt.Sprintf(`INSERT INTO charges (partition, offset, n, at, time, account, connection, source_connector, destination_connector, job,
			attempt, stream, event, kind, meter, quantity, category, rates, credits_nano, waived_nano_low, waived_nano_high, overdraft_nano,
			burned_grants, burned_nano) SELECT 0, %d, 0, fromUnixTimestamp64Milli(toInt64(%d), 'UTC') AS stamp, stamp, 'a', 'c', 's', 'd', 1, 0, '', 'e',
			'api', 'records', 1, 'billed', 'v1', 1000000000, 0, 0, 0, ['g'], [1000000000]`, offset, moment.UnixMilli()))
	}
	propose := func(block uint64, from, to drawdown.Offset, rows uint64, until, last time.Time) {
		t.Helper()
		err := w.db.Propose(t.Context(), sink.Intent{Stream: sink.Charges, Block: block, From: sink.Position{Offset: from}, To: sink.Position{Offset: to},
			Rows: rows, Month: 202802, Covered: to + 1, Writer: uuid.New(), Until: drawdown.TimeOf(until),
			Last: sink.Key{At: drawdown.TimeOf(last), Account: "a", Connection: "c"}})
		if err != nil {
			t.Fatal(err)
		}
	}
	check := func(step string, asOf time.Time, credits string) {
		t.Helper()
		for _, by := range []Dimension{ByConnection, BySource} {
			usage, err := w.reports.Usage(t.Context(), UsageQuery{Account: "a", Window: Daily, By: by, Now: second})
			if err != nil {
				t.Fatal(err)
			}
			if !usage.AsOf.Equal(asOf) || usage.Total.Total.Billed.String() != credits {
				t.Errorf("%s, by %s: %v credits as of %v, want %s as of %v", step, by, usage.Total.Total.Billed, usage.AsOf, credits, asOf)
			}
		}
		rate, err := w.reports.BurnRate(t.Context(), "a", second)
		if err != nil || !rate.AsOf.Equal(asOf) || rate.Days[rateDays-1].Plus(rate.Today).String() != credits {
			t.Errorf("%s: %+v, %v", step, rate, err)
		}
	}
	views := func(do string) {
		for _, view := range []string{"usage_by_day_view", "usage_by_hour_view"} {
			w.exec(do + " TABLE " + view)
		}
	}
	check("an account that nobody knows", time.Time{}, "0")
	propose(0, -1, 0, 1, first, first)
	check("the first block is announced", time.Time{}, "0")
	insert(0, first)
	check("and written", first, "1")
	nextDay := second.Add(24 * time.Hour) // the clock has moved on before the block was cut
	propose(1, 0, 1, 1, nextDay, second)
	check("the second is announced", first, "1")
	views("DETACH")
	insert(1, second)
	check("it is in charges, and not in the rollups", nextDay, "2")
	views("ATTACH")
	later := nextDay.Add(3 * time.Hour)
	propose(2, 1, 1, 0, later, second)
	w.exec(`INSERT INTO usage_by_day (account, connection, stream, day, partition, events, credits) VALUES ('a', 'c', '', '2028-02-02', 0, 1, 1)`)
	check("it was completed, and the clock has moved on since", later, "2")
	w.exec(`INSERT INTO sink_blocks SELECT * REPLACE (inserted_at + INTERVAL 1 SECOND AS inserted_at, until + INTERVAL 1 DAY AS until)
		FROM sink_blocks WHERE block = 2`)
	check("of two intents for a number the first counts", later, "2")
	propose(3, 1, 2, 1, later.Add(time.Hour), later)
	check("the third is announced", later, "2")
}

// TestAsOfMovesOn: with the real sink, what is said of freshness follows the log, also where nothing is charged.
func TestAsOfMovesOn(t *testing.T) {
	w := newWorld(t).run()
	w.charge(0, chargeAt(0, "2028-02-01T10:00:00Z"))
	clock := at("2028-02-01T12:00:00Z")
	w.batch(0, 5, drawdown.TimeOf(clock)) // ticks, say
	w.enter(0, &drawdown.GrantExpired{Head: chargeAt(0, "2028-02-01T10:00:00Z").Head, Grant: "g", Amount: 1},
		&drawdown.GrantExpired{Head: drawdown.Head{Offset: 4, At: drawdown.TimeOf(at("2028-01-01T00:00:00Z")), Account: "b"}, Grant: "g", Amount: 1})
	w.arrive()
	w.await("the clock is noted", fmt.Sprintf(`SELECT count() > 0 FROM sink_blocks WHERE stream = 'charges' AND partition = 0
		AND until = fromUnixTimestamp64Milli(toInt64(%d), 'UTC')`, clock.UnixMilli()))
	receipt, err := w.reports.Receipt(t.Context(), "a", "c", 1)
	if err != nil || !receipt.AsOf.Equal(clock) {
		t.Errorf("charges: %+v, %v; want %v", receipt, err, clock)
	}
	// An entry that was due long ago does not make the ledger older.
	ledger, err := w.reports.Ledger(t.Context(), LedgerQuery{Account: "b", Limit: 1})
	if err != nil || len(ledger.Entries) != 1 || !ledger.AsOf.Equal(at("2028-02-01T10:00:00Z")) {
		t.Errorf("ledger: %+v, %v", ledger, err)
	}
}

// TestForeignAccounts: of an account that shares partition, connections, jobs and connectors with others, and has
// nothing itself, no answer shows anything; nor of one whose name is like a pattern or part of another.
func TestForeignAccounts(t *testing.T) {
	w := newWorld(t).run()
	var all []*drawdown.Charge
	for i := range 10 {
		all = append(all, ofJob(chargeAt(drawdown.Offset(i), fmt.Sprintf("2028-02-%02dT00:00:00Z", i+1)), "c", uint64(i)))
	}
	w.charge(0, all...)
	head := all[9].Head
	w.enter(0, &drawdown.PurchaseRequested{Head: head, Purchase: "a:1", Quantity: drawdown.Credit, Amount: money("1.00"), Currency: "USD"})
	w.arrive()
	ctx, r, now := t.Context(), w.reports, at("2028-02-11T00:00:00Z")
	shows := func(account string) (parts []string) {
		note := func(what string, shown bool, err error) {
			if err != nil && !errors.Is(err, ErrNoSync) {
				t.Errorf("%s of %q: %v", what, account, err)
			}
			if shown {
				parts = append(parts, what)
			}
		}
		for _, by := range []Dimension{ByConnection, ByStream, BySource, ByDestination} {
			usage, err := r.Usage(ctx, UsageQuery{Account: account, Window: Daily, By: by, Now: now})
			note("usage by "+string(by), err == nil && len(usage.Series) > 0, err)
		}
		syncs, err := r.Syncs(ctx, SyncQuery{Account: account, Limit: 5})
		note("syncs", err == nil && len(syncs.Syncs) > 0, err)
		receipt, err := r.Receipt(ctx, account, "c", 1)
		note("receipt", receipt != nil, err)
		page, err := r.Ledger(ctx, LedgerQuery{Account: account, Limit: 5})
		note("ledger", err == nil && len(page.Entries) > 0, err)
		count := 0
		err = r.EachEntry(ctx, LedgerQuery{Account: account}, func(*Entry) error { count++; return nil })
		note("entries", count > 0, err)
		count = 0
		err = r.EachCharge(ctx, ChargeQuery{Account: account}, func(*Charge) error { count++; return nil })
		note("charges", count > 0, err)
		purchases, err := r.Purchases(ctx, PurchaseQuery{Account: account, Limit: 5})
		note("purchases", err == nil && len(purchases.Purchases) > 0, err)
		own, err := r.Estimate(ctx, EstimateQuery{Account: account, Connection: "c", Now: now})
		note("estimate", err == nil && own.Basis == BasisConnection, err)
		others, err := r.Estimate(ctx, EstimateQuery{Account: account, Connection: "new", Source: "s", Destination: "d", Now: now})
		note("estimate by connectors", err == nil && others.Basis == BasisConnectors, err)
		rate, err := r.BurnRate(ctx, account, now)
		note("burn rate", err == nil && rate.BasisDays() > 0, err)
		return parts
	}
	if got := shows("a"); len(got) != 13 {
		t.Errorf("the account itself sees %d answers of 13: %q", len(got), got)
	}
	for _, account := range []string{"b", "A", "", "%", "a:", "a' OR '1' = '1", "*"} {
		if got := shows(account); len(got) != 0 {
			t.Errorf("%q sees of another: %q", account, got)
		}
	}
}

// TestEstimate: what a sync would cost, from whose syncs, and of how long ago.
func TestEstimate(t *testing.T) {
	w := newWorld(t).run()
	now := at("2028-03-02T00:00:00Z")
	var all []*drawdown.Charge
	add := func(connection, instant string, job, credits uint64, quantity uint64) {
		c := ofJob(chargeAt(drawdown.Offset(len(all)), instant), connection, job)
		c.Credits, c.Quantity, c.Burned = drawdown.Total128(0, credits), quantity, []drawdown.Burn{{Grant: "g", Credits: drawdown.Credits(credits)}}
		all = append(all, c)
	}
	add("old", "2028-01-31T23:59:59.999Z", 1, 900, 1) // before 30 days
	add("old", "2028-02-01T00:00:00Z", 2, 1, 10)
	add("old", "2028-02-02T00:00:00Z", 3, 2, 10)
	add("full", "2028-02-03T00:00:00Z", 1, 10, 100)
	add("full", "2028-02-04T00:00:00Z", 1, 10, 100) // of the same sync
	add("full", "2028-02-04T00:00:00Z", 2, 30, 100)
	add("full", "2028-02-05T00:00:00Z", 3, 50, 100)
	add("elsewhere", "2028-02-06T00:00:00Z", 1, 7, 100)
	all[len(all)-1].DestinationConnector = "d2"
	w.charge(0, all...)
	w.arrive()
	quantity := uint64(7)
	for _, test := range []struct {
		rule string
		q    EstimateQuery
		want string
	}{
		{"its own", EstimateQuery{Connection: "full"}, "connection 3 30 50 records"},
		{"its own price", EstimateQuery{Connection: "full", Quantity: &quantity}, "connection 3 3 4 records"},
		{"too few of its own, with the others of its connectors", EstimateQuery{Connection: "old"}, "connectors 5 20 50 records"},
		{"a new one", EstimateQuery{Connection: "new", Source: "s", Destination: "d"}, "connectors 5 20 50 records"},
		{"a new one of which nothing is known", EstimateQuery{Connection: "new"}, "none 0 0 0 "},
		{"too few of either", EstimateQuery{Connection: "elsewhere"}, "none 0 0 0 "},
		{"connectors asked for count more than those it had", EstimateQuery{Connection: "old", Source: "s", Destination: "d2"}, "none 0 0 0 "},
		{"long after", EstimateQuery{Connection: "full", Now: now.AddDate(1, 0, 0)}, "none 0 0 0 "},
	} {
		test.q.Account = "a"
		if test.q.Now.IsZero() {
			test.q.Now = now
		}
		e, err := w.reports.Estimate(t.Context(), test.q)
		if err != nil {
			t.Fatal(err)
		}
		got := fmt.Sprintf("%s %d %s %s %s", e.Basis, e.Syncs, e.Median.Big(), e.P90.Big(), e.Meter)
		if got != test.want {
			t.Errorf("%s: got %q, want %q", test.rule, got, test.want)
		}
	}
}
