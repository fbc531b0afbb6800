//go:build integration

package report

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"drawdown"
)

// chargeAt is a charge of account a and connection c for one credit at an instant.
func chargeAt(offset drawdown.Offset, instant string) *drawdown.Charge {
	moment := drawdown.TimeOf(at(instant))
	return &drawdown.Charge{
		Head: drawdown.Head{Offset: offset, At: moment, Account: "a"}, Time: moment, Connection: "c", SourceConnector: "s", DestinationConnector: "d",
		Job: 1, Event: fmt.Appendf(nil, "e%d", offset), Kind: "api", Meter: drawdown.Records, Quantity: 10,
		Credits: drawdown.TotalOf(drawdown.Credit), Rates: "v1", Burned: []drawdown.Burn{{Grant: "g", Credits: drawdown.Credit}},
	}
}

// ofJob makes a charge one of another connection and job.
func ofJob(c *drawdown.Charge, connection string, job uint64) *drawdown.Charge {
	c.Connection, c.Job = connection, job
	return c
}

// TestWindowEdges: a charge at the edge of a point is in the one that begins with it, be the day read from the rollup or
// from charges; and every point is there, with zeros where nothing was used.
func TestWindowEdges(t *testing.T) {
	w := newWorld(t).run()
	w.charge(0,
		chargeAt(0, "2027-02-28T23:59:59.999Z"), // the last instant before 12 months
		chargeAt(1, "2027-03-01T00:00:00Z"),
		chargeAt(2, "2027-12-31T23:59:59.999Z"),
		chargeAt(3, "2028-01-01T00:00:00Z"),
		chargeAt(4, "2028-01-02T23:59:59.999Z"), // a Sunday
		chargeAt(5, "2028-01-03T00:00:00Z"),
		chargeAt(6, "2028-01-31T23:59:59.999Z"),
		chargeAt(7, "2028-02-01T00:00:00Z"),
		chargeAt(8, "2028-02-28T23:59:59.999Z"),
		chargeAt(9, "2028-02-29T00:00:00Z"),
		chargeAt(10, "2028-02-29T10:17:00Z"),
		chargeAt(11, "2028-02-29T23:59:59.999Z"))
	w.arrive()
	now := at("2028-02-29T12:00:00Z")
	for _, test := range []struct {
		rule   string
		q      UsageQuery
		points int
		want   string // points that are not zero: beginning and credits
	}{
		{"monthly", UsageQuery{Window: Monthly, Now: now}, 12, "2027-03-01T00:00:00Z 1, 2027-12-01T00:00:00Z 1, 2028-01-01T00:00:00Z 4, 2028-02-01T00:00:00Z 5"},
		{"weekly", UsageQuery{Window: Weekly, Now: now}, 26, "2027-12-27T00:00:00Z 3, 2028-01-03T00:00:00Z 1, 2028-01-31T00:00:00Z 2, 2028-02-28T00:00:00Z 4"},
		{"daily", UsageQuery{Window: Daily, Now: now}, 30, "2028-01-31T00:00:00Z 1, 2028-02-01T00:00:00Z 1, 2028-02-28T00:00:00Z 1, 2028-02-29T00:00:00Z 3"},
		{"daily, long after", UsageQuery{Window: Daily, Now: at("2029-01-01T00:00:00Z")}, 30, ""},
		{"a period from an instant to just before another", UsageQuery{Window: Period, From: at("2028-01-31T23:59:59.999Z"), To: at("2028-02-29T10:17:00Z")}, 30,
			"2028-01-31T23:59:59Z 1, 2028-02-01T00:00:00Z 1, 2028-02-28T00:00:00Z 1, 2028-02-29T00:00:00Z 1"},
		{"a period of whole days", UsageQuery{Window: Period, From: at("2028-02-01T00:00:00Z"), To: at("2028-02-29T00:00:00Z")}, 28,
			"2028-02-01T00:00:00Z 1, 2028-02-28T00:00:00Z 1"},
	} {
		for _, by := range []Dimension{ByConnection, BySource} {
			test.q.Account, test.q.By = "a", by
			usage, err := w.reports.Usage(t.Context(), test.q)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for i, amounts := range usage.Total.Points {
				if amounts != (Amounts{}) {
					got = append(got, usage.Points[i].Format(time.RFC3339)+" "+amounts.Billed.String())
				}
			}
			if strings.Join(got, ", ") != test.want || len(usage.Points) != test.points || len(usage.Total.Points) != test.points {
				t.Errorf("%s by %s: %d points\ngot  %s\nwant %s", test.rule, by, len(usage.Points), strings.Join(got, ", "), test.want)
			}
		}
	}
}

// TestTop: the top series are kept in order, the rest is one, and the total is all.
func TestTop(t *testing.T) {
	w := newWorld(t).run()
	odd := "x'\"\\\n\x00 / ü"
	var all []*drawdown.Charge
	for i, name := range []string{"b", "b", "a", "a", odd, odd, odd, "free", "removed"} {
		all = append(all, ofJob(chargeAt(drawdown.Offset(i), "2028-02-01T00:00:00Z"), name, 1))
	}
	all[7].Free, all[7].Credits, all[7].Waived = true, drawdown.Total{}, drawdown.TotalOf(4*drawdown.Credit)
	w.charge(0, all...)
	w.arrive()
	ask := func(q UsageQuery) string {
		q.Account, q.Window, q.Now = "a", Daily, at("2028-02-02T00:00:00Z")
		usage, err := w.reports.Usage(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		var parts []string
		for _, s := range usage.Series {
			parts = append(parts, fmt.Sprintf("%s %v+%v", s.Name, s.Total.Billed, s.Total.Free))
		}
		if usage.Other != nil {
			parts = append(parts, fmt.Sprintf("other %v+%v of %d", usage.Other.Total.Billed, usage.Other.Total.Free, usage.Other.Total.Events))
		}
		return strings.Join(parts, ", ") + fmt.Sprintf("; all %v+%v", usage.Total.Total.Billed, usage.Total.Total.Free)
	}
	for _, test := range []struct {
		rule string
		q    UsageQuery
		want string
	}{
		{"all", UsageQuery{By: ByConnection}, "free 0+4, " + odd + " 3+0, a 2+0, b 2+0, removed 1+0; all 8+4"},
		{"two", UsageQuery{By: ByConnection, Top: 2}, "free 0+4, " + odd + " 3+0, other 5+0 of 5; all 8+4"},
		{"as many as there are", UsageQuery{By: ByConnection, Top: 5}, "free 0+4, " + odd + " 3+0, a 2+0, b 2+0, removed 1+0; all 8+4"},
		{"one connection, whatever its name", UsageQuery{By: ByConnection, Connection: odd}, odd + " 3+0; all 3+0"},
		{"its streams", UsageQuery{By: ByStream, Connection: odd}, odd + " /  3+0; all 3+0"},
		{"one that never was", UsageQuery{By: ByConnection, Connection: "x'"}, "; all 0+0"},
	} {
		if got := ask(test.q); got != test.want {
			t.Errorf("%s:\ngot  %q\nwant %q", test.rule, got, test.want)
		}
	}
	if receipt, err := w.reports.Receipt(t.Context(), "a", odd, 1); err != nil || receipt.Sync.Amounts.Events != 3 {
		t.Errorf("receipt: %+v, %v", receipt, err)
	}
	if syncs := w.allSyncs(SyncQuery{Account: "a", Connection: odd, Limit: 10}); len(syncs) != 1 || syncs[0].Connection != odd {
		t.Errorf("syncs: %+v", syncs)
	}
}

// TestPagesWhileRowsAreAdded: each sync and entry that was there when the first page was read is on one page, although
// syncs go on and new ones begin between any two pages.
func TestPagesWhileRowsAreAdded(t *testing.T) {
	w := newWorld(t).run()
	moment := at("2028-02-01T00:00:00Z")
	var offset drawdown.Offset
	add := func(job uint64) {
		// So that in a day some syncs begin, fewer than a page has, and as many old ones go on.
		moment = moment.Add(3 * time.Hour)
		c := ofJob(chargeAt(offset, moment.Format("2006-01-02T15:04:05.999Z07:00")), "c", job)
		w.charge(0, c)
		w.enter(0, &drawdown.GrantExpired{Head: c.Head, Grant: fmt.Sprint(job), Amount: 1})
		offset++
	}
	for job := range uint64(40) {
		add(job)
		add(job / 2) // an earlier one goes on
	}
	w.arrive()
	q, l := SyncQuery{Account: "a", Limit: 5}, LedgerQuery{Account: "a", Limit: 10} // as many pages
	var jobs []uint64
	var entries []drawdown.Offset
	for next := uint64(100); next < 200; next++ {
		page, err := w.reports.Syncs(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range page.Syncs {
			jobs = append(jobs, s.Job)
		}
		ledgerPage, err := w.reports.Ledger(t.Context(), l)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range ledgerPage.Entries {
			entries = append(entries, e.Offset)
		}
		if q.Cursor, l.Cursor = page.Next, ledgerPage.Next; q.Cursor == "" && l.Cursor == "" {
			break
		} else if q.Cursor == "" || l.Cursor == "" {
			t.Fatalf("pages end apart: %q, %q", q.Cursor, l.Cursor)
		}
		add(next)
		add(next % 40) // one that is already listed, or is yet to be, goes on
		w.arrive()
	}
	var wantJobs []uint64
	for job := range uint64(40) {
		wantJobs = append(wantJobs, 39-job)
	}
	if !slices.Equal(jobs, wantJobs) {
		t.Errorf("syncs: got %v", jobs)
	}
	var wantEntries []drawdown.Offset
	for o := range drawdown.Offset(80) {
		wantEntries = append(wantEntries, 79-o)
	}
	if !slices.Equal(entries, wantEntries) {
		t.Errorf("entries: got %v", entries)
	}
}

// TestFilters: types, bounds of time and jobs, and what can't be asked.
func TestFilters(t *testing.T) {
	w := newWorld(t).run()
	var all []*drawdown.Charge
	for i, instant := range []string{"2028-02-01T00:00:00Z", "2028-02-01T00:00:00.001Z", "2028-02-02T00:00:00Z", "2028-02-03T00:00:00Z"} {
		c := ofJob(chargeAt(drawdown.Offset(i), instant), "c", uint64(i/2))
		all = append(all, c)
		w.enter(0, &drawdown.GrantExpired{Head: c.Head, Grant: "g", Amount: 1}, &drawdown.LowBalanceNotice{Head: drawdown.Head{Offset: c.Offset, N: 1, At: c.At, Account: "a"}})
	}
	w.charge(0, all...)
	w.arrive()
	from, to := at("2028-02-01T00:00:00.001Z"), at("2028-02-03T00:00:00Z")
	one := uint64(1)
	export := func(q ChargeQuery) (offsets []drawdown.Offset) {
		q.Account = "a"
		if err := w.reports.EachCharge(t.Context(), q, func(c *Charge) error { offsets = append(offsets, c.Offset); return nil }); err != nil {
			t.Fatal(err)
		}
		return offsets
	}
	entries := func(q LedgerQuery) (places []string) {
		q.Account, q.Limit = "a", 100
		page, err := w.reports.Ledger(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range slices.Backward(page.Entries) {
			places = append(places, fmt.Sprint(e.Offset, ".", e.N))
		}
		var exported []string
		if err := w.reports.EachEntry(t.Context(), q, func(e *Entry) error { exported = append(exported, fmt.Sprint(e.Offset, ".", e.N)); return nil }); err != nil {
			t.Fatal(err)
		}
		w.compare("exported", exported, places)
		return places
	}
	for _, test := range []struct {
		rule      string
		got, want any
	}{
		{"from is in, to is not", export(ChargeQuery{From: from, To: to}), "[1 2]"},
		{"an instant between milliseconds", export(ChargeQuery{From: from.Add(-1), To: to.Add(1)}), "[1 2 3]"},
		{"one job", export(ChargeQuery{Job: &one}), "[2 3]"},
		{"one connection", export(ChargeQuery{Connection: "c"}), "[0 1 2 3]"},
		{"another connection", export(ChargeQuery{Connection: "other"}), "[]"},
		{"entries in a time", entries(LedgerQuery{From: from, To: to}), "[1.0 1.1 2.0 2.1]"},
		{"entries of a type", entries(LedgerQuery{Types: []string{"notice"}}), "[0.1 1.1 2.1 3.1]"},
		{"entries of two types", entries(LedgerQuery{Types: []string{"notice", "grant.expired"}, To: from}), "[0.0 0.1]"},
		{"no such type", entries(LedgerQuery{Types: []string{"notice') OR ('' = '"}}), "[]"},
	} {
		if got := fmt.Sprint(test.got); got != test.want {
			t.Errorf("%s: got %s, want %s", test.rule, got, test.want)
		}
	}
	syncs := w.allSyncs(SyncQuery{Account: "a", From: from, To: to, Limit: 1})
	if len(syncs) != 2 || syncs[0].Job != 1 || syncs[0].Amounts.Events != 1 || syncs[1].Amounts.Events != 1 {
		t.Errorf("syncs: %+v", syncs)
	}
	w.refused()
}

// TestExportEndsWhereItBegan: what is charged while an export goes on is left out, whichever hour it is of; and pages end
// within hours and between them.
func TestExportEndsWhereItBegan(t *testing.T) {
	w := newWorld(t).run()
	w.reports.exportPage = 2
	instants := []string{"2028-02-01T00:00:00Z", "2028-02-01T00:30:00Z", "2028-02-01T00:30:00Z", "2028-02-01T00:59:59.999Z", "2028-02-01T01:00:00Z",
		"2028-02-01T03:00:00Z", "2028-02-01T04:00:00Z"}
	var all []*drawdown.Charge
	for i, instant := range instants {
		all = append(all, ofJob(chargeAt(drawdown.Offset(i), instant), fmt.Sprint("c", i%3), 1))
	}
	w.charge(0, all...)
	w.arrive()
	var got []drawdown.Offset
	err := w.reports.EachCharge(t.Context(), ChargeQuery{Account: "a"}, func(c *Charge) error {
		if got = append(got, c.Offset); len(got) == 1 {
			w.charge(0, chargeAt(7, "2028-02-01T04:00:00Z"))
			w.arrive()
		}
		return nil
	})
	if err != nil || !slices.Equal(got, []drawdown.Offset{0, 1, 2, 3, 4, 5, 6}) {
		t.Errorf("%v, %v", got, err)
	}
}

// refused asks what can't be answered.
func (w *world) refused() {
	w.t.Helper()
	ctx, r := w.t.Context(), w.reports
	page, err := r.Syncs(ctx, SyncQuery{Account: "a", Limit: 1})
	if err != nil || page.Next == "" {
		w.t.Fatal(page, err)
	}
	for _, limit := range []int{0, -1, LimitMax + 1} {
		_, ledgerErr := r.Ledger(ctx, LedgerQuery{Account: "a", Limit: limit})
		_, syncsErr := r.Syncs(ctx, SyncQuery{Account: "a", Limit: limit})
		_, purchasesErr := r.Purchases(ctx, PurchaseQuery{Account: "a", Limit: limit})
		for _, err := range []error{ledgerErr, syncsErr, purchasesErr} {
			var refused *QueryError
			if !errors.As(err, &refused) || refused.Member != "limit" {
				w.t.Errorf("limit %d: %v", limit, err)
			}
		}
	}
	for _, q := range []UsageQuery{{Window: "hourly", By: ByConnection}, {Window: Daily, By: "account"}, {Window: Daily, By: ByStream, Top: -1}, {Window: Period, By: ByStream}} {
		var refused *QueryError
		if _, err := r.Usage(ctx, q); !errors.As(err, &refused) {
			w.t.Errorf("%+v: %v", q, err)
		}
	}
	_, ledgerErr := r.Ledger(ctx, LedgerQuery{Account: "a", Limit: 1, Cursor: page.Next})
	_, syncsErr := r.Syncs(ctx, SyncQuery{Account: "b", Limit: 1, Cursor: page.Next})
	_, filterErr := r.Syncs(ctx, SyncQuery{Account: "a", Connection: "c", Limit: 1, Cursor: page.Next})
	_, purchasesErr := r.Purchases(ctx, PurchaseQuery{Account: "a", Limit: 1, Cursor: "x"})
	for i, err := range []error{ledgerErr, syncsErr, filterErr, purchasesErr} {
		if !errors.Is(err, ErrBadCursor) {
			w.t.Errorf("cursor of another list, %d: %v", i, err)
		}
	}
	if _, err := r.Receipt(ctx, "a", "c", 17); !errors.Is(err, ErrNoSync) {
		w.t.Errorf("a receipt of a sync that never was: %v", err)
	}
	stop := errors.New("stop")
	if err := r.EachCharge(ctx, ChargeQuery{Account: "a"}, func(*Charge) error { return stop }); !errors.Is(err, stop) {
		w.t.Errorf("EachCharge ends with %v", err)
	}
	if err := r.EachEntry(ctx, LedgerQuery{Account: "a"}, func(*Entry) error { return stop }); !errors.Is(err, stop) {
		w.t.Errorf("EachEntry ends with %v", err)
	}
}
