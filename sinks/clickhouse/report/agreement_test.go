//go:build integration

package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"drawdown"
	"drawdown/balance"
	"drawdown/consumer/decode"
	"drawdown/internal/loggen"
)

// keeper is an output that keeps copies.
type keeper struct {
	charges []*drawdown.Charge
	entries []drawdown.Entry
	lines   map[string][]string // of the ledger, by account
	prefix  string              // of accounts, to tell partitions apart
}

func (k *keeper) Charge(c *drawdown.Charge) {
	own := *c
	own.Stream, own.Event, own.Burned = slices.Clone(c.Stream), slices.Clone(c.Event), slices.Clone(c.Burned)
	own.Account = k.prefix + c.Account
	k.charges = append(k.charges, &own)
}

func (k *keeper) Ledger(e drawdown.Entry) {
	e.Where().Account = k.prefix + e.Where().Account
	k.entries = append(k.entries, e)
	account := e.Where().Account
	k.lines[account] = append(k.lines[account], string(drawdown.AppendLedger(nil, e)))
}

func (k *keeper) Rejected(*drawdown.Rejected)   {}
func (k *keeper) Duplicate(*drawdown.Duplicate) {}

// engineRun is a random log through the real engine, with what it caused published to a partition.
func (w *world) engineRun(seed uint64, partition int32, prefix string, records int) (*keeper, []drawdown.Balance) {
	log := loggen.Generate(seed, records, loggen.Options{Accounts: 4, Weirdness: -1})
	machine := balance.NewPartition(partition)
	out := &keeper{lines: map[string][]string{}, prefix: prefix}
	var decoder decode.Decoder
	var record drawdown.Record
	for offset, line := range bytes.Split(bytes.TrimSuffix(log, []byte{'\n'}), []byte{'\n'}) {
		decoder.Reset()
		record.Offset = drawdown.Offset(offset)
		decoder.Decode(line, drawdown.NoTime, &record)
		if record.Account != nil && machine.Missing(record.Account) {
			if _, err := machine.Restore(balance.Stored{Account: string(record.Account)}); err != nil {
				w.t.Fatal(err)
			}
		}
		charges, entries := len(out.charges), len(out.entries)
		machine.Apply(&record, out)
		w.enter(partition, out.entries[entries:]...)
		if new := out.charges[charges:]; len(new) > 0 || offset%50 == 0 {
			w.batch(partition, drawdown.Offset(offset)+1, machine.Clock(), new...)
		}
	}
	return out, machine.Balances()
}

// plain adds up amounts with big integers, apart from the code that is tested.
type plain struct {
	events       uint64
	billed, free *big.Int
	quantity     [drawdown.MeterCount]*big.Int
}

func newPlain() *plain {
	p := &plain{billed: new(big.Int), free: new(big.Int)}
	for m := range p.quantity {
		p.quantity[m] = new(big.Int)
	}
	return p
}

func (p *plain) charge(c *drawdown.Charge) {
	p.events++
	p.billed.Add(p.billed, c.Credits.Big())
	p.free.Add(p.free, c.Waived.Big())
	p.quantity[c.Meter].Add(p.quantity[c.Meter], new(big.Int).SetUint64(c.Quantity))
}

func (p *plain) String() string {
	return fmt.Sprint(p.events, " ", p.billed, " ", p.free, " ", p.quantity[0], " ", p.quantity[1], " ", p.quantity[2])
}

func plainOf(a Amounts) string {
	return (&plain{a.Events, a.Billed.Big(), a.Free.Big(), [drawdown.MeterCount]*big.Int{a.Records.Big(), a.Bytes.Big(), a.Operations.Big()}}).String()
}

// sumBy adds up charges of one account by a key.
func sumBy[K comparable](charges []*drawdown.Charge, account string, key func(*drawdown.Charge) (K, bool)) map[K]string {
	sums := map[K]*plain{}
	for _, c := range charges {
		k, counts := key(c)
		if c.Account != account || !counts {
			continue
		}
		if sums[k] == nil {
			sums[k] = newPlain()
		}
		sums[k].charge(c)
	}
	texts := map[K]string{}
	for k, sum := range sums {
		texts[k] = sum.String()
	}
	return texts
}

// job identifies a sync.
type job struct {
	connection string
	number     uint64
}

func jobOf(c *drawdown.Charge) (job, bool) { return job{c.Connection, c.Job}, true }

// TestAnswersAgree: on random logs through the real engine, what connections used is the same to the nano-credit by the
// balance, the exported charges, the syncs, their receipts and the windows of usage, and the ledger accounts for it; and
// nothing of another account is in any of them, be it in the same partition or another.
func TestAnswersAgree(t *testing.T) {
	used, purchases := 0, 0
	for seed := range uint64(2) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			w := newWorld(t).run()
			w.reports.exportPage = 37
			out, balances := w.engineRun(seed, 0, "", 800)
			_, _ = w.engineRun(seed, 1, "other-", 400) // the same jobs, connections and purchases, of others
			w.arrive()
			for i := range balances {
				b := &balances[i]
				used += len(b.Connections)
				w.checkExport(out, b.Account)
				w.checkSyncs(out, b)
				w.checkLedger(out, b)
				w.checkUsage(out, b.Account)
				purchases += w.checkPurchases(out, b.Account)
			}
		})
	}
	if used < 10 || purchases < 10 {
		t.Errorf("the logs were too dull: %d connections had usage, and there were %d purchases", used, purchases)
	}
}

// checkExport compares every member of every charge.
func (w *world) checkExport(out *keeper, account string) {
	w.t.Helper()
	var got, want []string
	err := w.reports.EachCharge(w.t.Context(), ChargeQuery{Account: account}, func(c *Charge) error {
		got = append(got, fmt.Sprintf("%+v", *c))
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, c := range out.charges {
		if c.Account == account {
			want = append(want, fmt.Sprintf("%+v", chargeOf(c, 0)))
		}
	}
	w.compare(account+": exported charges", got, want)
}

// chargeOf is a charge as the report should show it.
func chargeOf(c *drawdown.Charge, partition int32) Charge {
	want := Charge{
		Partition: partition, Offset: c.Offset, N: c.N, At: timeOf(c.At), Time: timeOf(c.Time), Connection: c.Connection,
		Source: c.SourceConnector, Destination: c.DestinationConnector, Job: c.Job, Attempt: c.Attempt, Stream: string(c.Stream),
		Event: string(c.Event), Kind: c.Kind, Meter: c.Meter.String(), Rates: c.Rates, Category: c.Category(), Quantity: c.Quantity,
		Credits: c.Credits, Waived: c.Waived, Overdraft: drawdown.TotalOf(c.Overdraft),
	}
	for _, b := range c.Burned {
		want.Burned = append(want.Burned, Burn{b.Grant, drawdown.TotalOf(b.Credits)})
	}
	return want
}

func timeOf(t drawdown.Time) time.Time { return time.UnixMilli(int64(t)).UTC() }

// compare reports the first difference of two lists.
func (w *world) compare(what string, got, want []string) {
	w.t.Helper()
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			w.t.Fatalf("%s: at %d of %d\ngot  %s\nwant %s", what, i, len(want), got[i], want[i])
		}
	}
	if len(got) != len(want) {
		w.t.Fatalf("%s: %d, want %d", what, len(got), len(want))
	}
}

// checkSyncs compares syncs with charges, each receipt with its sync, and their sums with the balance.
func (w *world) checkSyncs(out *keeper, b *drawdown.Balance) {
	w.t.Helper()
	want := sumBy(out.charges, b.Account, jobOf)
	got := map[job]string{}
	credits := map[string][2]drawdown.Total{}
	for i, s := range w.allSyncs(SyncQuery{Account: b.Account, Limit: 7}) {
		key := job{s.Connection, s.Job}
		if _, twice := got[key]; twice {
			w.t.Fatalf("%s: %v is on two pages", b.Account, key)
		}
		got[key] = plainOf(s.Amounts)
		c := credits[s.Connection]
		credits[s.Connection] = [2]drawdown.Total{c[0].Plus(s.Amounts.Billed), c[1].Plus(s.Amounts.Free)}
		if i%5 == 0 { // a part of them, for time
			w.checkReceipt(out, b.Account, &s)
		}
	}
	if !maps.Equal(got, want) {
		w.t.Fatalf("%s: syncs\ngot  %v\nwant %v", b.Account, got, want)
	}
	for _, c := range b.Connections {
		if credits[c.Connection] != [2]drawdown.Total{c.Used, c.Waived} {
			w.t.Errorf("%s, %s: syncs add up to %v, the balance says %v used and %v waived", b.Account, c.Connection, credits[c.Connection], c.Used, c.Waived)
		}
	}
}

func (w *world) allSyncs(q SyncQuery) (all []Sync) {
	w.t.Helper()
	for {
		page, err := w.reports.Syncs(w.t.Context(), q)
		if err != nil {
			w.t.Fatal(err)
		}
		all = append(all, page.Syncs...)
		if q.Cursor = page.Next; q.Cursor == "" {
			return all
		}
	}
}

// checkReceipt adds up a receipt by hand: lines to attempts, attempts to the sync, grants and overdraft to what was
// billed, each grant to what charges took from it.
func (w *world) checkReceipt(out *keeper, account string, s *Sync) {
	w.t.Helper()
	r, err := w.reports.Receipt(w.t.Context(), account, s.Connection, s.Job)
	if err != nil {
		w.t.Fatal(err)
	}
	if fmt.Sprintf("%+v", r.Sync) != fmt.Sprintf("%+v", *s) {
		w.t.Errorf("%s: the receipt is of\n%+v\nthe sync is\n%+v", account, r.Sync, *s)
	}
	type line struct {
		attempt                              uint64
		stream, kind, meter, rates, category string
	}
	want := sumBy(out.charges, account, func(c *drawdown.Charge) (line, bool) {
		return line{c.Attempt, string(c.Stream), c.Kind, c.Meter.String(), c.Rates, c.Category()}, c.Connection == s.Connection && c.Job == s.Job
	})
	got := map[line]string{}
	var all, burned, overdraft drawdown.Total
	for _, a := range r.Attempts {
		var attempt Amounts
		for _, l := range a.Lines {
			part := receiptPart{meter: l.Meter, events: l.Events, quantity: l.Quantity, credits: l.Credits, waived: l.Waived}
			got[line{a.Attempt, l.Stream, l.Kind, l.Meter, l.Rates, l.Category}] = plainOf(part.amounts())
			attempt = attempt.plus(part.amounts())
			paid := l.Overdraft
			for _, b := range l.Burned {
				paid = paid.Plus(b.Credits)
			}
			if paid != l.Credits {
				w.t.Errorf("%s, %s %d: a line of %v credits was paid with %v", account, s.Connection, s.Job, l.Credits, paid)
			}
			overdraft = overdraft.Plus(l.Overdraft)
		}
		if attempt != a.Amounts {
			w.t.Errorf("%s, %s %d: lines of attempt %d add up to %+v, not %+v", account, s.Connection, s.Job, a.Attempt, attempt, a.Amounts)
		}
		all = all.Plus(a.Amounts.Billed)
	}
	if !maps.Equal(got, want) {
		w.t.Errorf("%s, %s %d: lines\ngot  %v\nwant %v", account, s.Connection, s.Job, got, want)
	}
	grants, order := grantsOf(out.charges, account, s)
	var gotOrder []string
	for _, b := range r.Burned {
		gotOrder = append(gotOrder, b.Grant)
		if grants[b.Grant] != b.Credits {
			w.t.Errorf("%s, %s %d: %v from grant %s, want %v", account, s.Connection, s.Job, b.Credits, b.Grant, grants[b.Grant])
		}
		burned = burned.Plus(b.Credits)
	}
	if !slices.Equal(gotOrder, order) {
		w.t.Errorf("%s, %s %d: grants %v, want %v", account, s.Connection, s.Job, gotOrder, order)
	}
	if burned.Plus(r.Overdraft) != s.Amounts.Billed || all != s.Amounts.Billed || overdraft != r.Overdraft {
		w.t.Errorf("%s, %s %d: billed %v, by attempts %v, burned %v and overdraft %v", account, s.Connection, s.Job, s.Amounts.Billed, all, burned, r.Overdraft)
	}
}

// grantsOf is what a sync's charges took from each grant, and the grants by first use.
func grantsOf(charges []*drawdown.Charge, account string, s *Sync) (taken map[string]drawdown.Total, order []string) {
	taken = map[string]drawdown.Total{}
	for _, c := range charges {
		if c.Account != account || c.Connection != s.Connection || c.Job != s.Job {
			continue
		}
		for _, b := range c.Burned {
			if _, known := taken[b.Grant]; !known {
				order = append(order, b.Grant)
			}
			taken[b.Grant] = taken[b.Grant].Plus(drawdown.TotalOf(b.Credits))
		}
	}
	return taken, order
}

// checkLedger compares each line, by pages and exported, and the account with its balance: what was given less what
// went, by the ledger, less what was used, by charges, is what there is.
func (w *world) checkLedger(out *keeper, b *drawdown.Balance) {
	w.t.Helper()
	var exported, paged []string
	sum := new(big.Int)
	err := w.reports.EachEntry(w.t.Context(), LedgerQuery{Account: b.Account}, func(e *Entry) error {
		exported = append(exported, string(e.Line))
		sum.Add(sum, changeOf(w.t, e))
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.compare(b.Account+": exported ledger", exported, out.lines[b.Account])
	for q := (LedgerQuery{Account: b.Account, Limit: 9}); ; {
		page, err := w.reports.Ledger(w.t.Context(), q)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, e := range page.Entries {
			paged = append(paged, string(e.Line))
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
	}
	slices.Reverse(paged)
	w.compare(b.Account+": ledger by pages", paged, out.lines[b.Account])
	for _, c := range out.charges {
		if c.Account == b.Account {
			sum.Sub(sum, c.Credits.Big())
		}
	}
	if want := big.NewInt(int64(b.Available + b.Held)); sum.Cmp(want) != 0 {
		w.t.Errorf("%s: by the ledger and the charges there are %v nano-credits, by the balance %v", b.Account, sum, want)
	}
}

// changeOf is what an entry changes of what an account has, in nano-credits.
func changeOf(t testing.TB, e *Entry) *big.Int {
	sign := map[string]int64{"grant.added": 1, "grant.expired": -1, "grant.voided": -1, "grant.refunded": -1}[e.Type]
	if sign == 0 {
		return new(big.Int)
	}
	var line struct{ Amount string }
	if err := json.Unmarshal(e.Line, &line); err != nil {
		t.Fatal(err)
	}
	amount, ok := new(big.Rat).SetString(line.Amount)
	if !ok {
		t.Fatalf("amount %q", line.Amount)
	}
	amount.Mul(amount, big.NewRat(sign*int64(drawdown.Credit), 1))
	return amount.Num()
}

// checkUsage compares every window, by every dimension, as seen at several moments.
func (w *world) checkUsage(out *keeper, account string) {
	w.t.Helper()
	charges := slices.DeleteFunc(slices.Clone(out.charges), func(c *drawdown.Charge) bool { return c.Account != account })
	if len(charges) == 0 {
		return
	}
	for _, i := range []int{len(charges) / 2, len(charges) - 1} {
		now := timeOf(charges[i].At)
		for _, window := range []Window{Daily, Weekly, Monthly, Period} {
			for _, by := range []Dimension{ByConnection, ByStream, BySource, ByDestination} {
				q := UsageQuery{Account: account, Window: window, By: by, Now: now, From: now.AddDate(0, -1, 0), To: now.Add(time.Hour)}
				usage, err := w.reports.Usage(w.t.Context(), q)
				if err != nil {
					w.t.Fatal(err)
				}
				w.checkSeries(charges, account, &q, usage)
			}
		}
	}
}

type cell struct {
	name  string
	point int
}

// checkSeries compares each point of each series, and the totals.
func (w *world) checkSeries(charges []*drawdown.Charge, account string, q *UsageQuery, usage *Usage) {
	w.t.Helper()
	name := func(c *drawdown.Charge) string {
		return map[Dimension]string{ByConnection: c.Connection, ByStream: c.Connection + " / " + string(c.Stream), BySource: c.SourceConnector,
			ByDestination: c.DestinationConnector}[q.By]
	}
	point := func(c *drawdown.Charge) (int, bool) {
		at := timeOf(c.At)
		for i, begin := range usage.Points {
			next := usage.To
			if i+1 < len(usage.Points) {
				next = usage.Points[i+1]
			}
			if !at.Before(begin) && at.Before(next) {
				return i, true
			}
		}
		return 0, false
	}
	want := sumBy(charges, account, func(c *drawdown.Charge) (cell, bool) {
		i, within := point(c)
		return cell{name(c), i}, within
	})
	maps.Insert(want, maps.All(sumBy(charges, account, func(c *drawdown.Charge) (cell, bool) {
		_, within := point(c)
		return cell{name(c), -1}, within
	})))
	maps.Insert(want, maps.All(sumBy(charges, account, func(c *drawdown.Charge) (cell, bool) {
		i, within := point(c)
		return cell{"all", i}, within
	})))
	got := map[cell]string{}
	keep := func(name string, point int, a Amounts) {
		if a != (Amounts{}) {
			got[cell{name, point}] = plainOf(a)
		}
	}
	for _, s := range usage.Series {
		for i, a := range s.Points {
			keep(s.Name, i, a)
		}
		keep(s.Name, -1, s.Total)
	}
	for i, a := range usage.Total.Points {
		keep("all", i, a)
	}
	if !maps.Equal(got, want) {
		w.t.Fatalf("%+v\ngot  %v\nwant %v", *q, got, want)
	}
}

// checkPurchases compares purchases with the entries about them and returns how many there are.
func (w *world) checkPurchases(out *keeper, account string) int {
	w.t.Helper()
	want := map[string]string{}
	var order []string
	for _, e := range out.entries {
		if e.Where().Account == account {
			if id, state := stateOf(e, want); id != "" {
				if _, known := want[id]; !known {
					order = append(order, id)
				}
				want[id] = state
			}
		}
	}
	slices.Reverse(order)
	var gotOrder []string
	got := map[string]string{}
	for q := (PurchaseQuery{Account: account, Limit: 2}); ; {
		page, err := w.reports.Purchases(w.t.Context(), q)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, p := range page.Purchases {
			gotOrder = append(gotOrder, p.ID)
			got[p.ID] = fmt.Sprint(p.State, " ", p.Quantity, " ", p.Amount)
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
	}
	w.compare(account+": purchases", gotOrder, order)
	if !maps.Equal(got, want) {
		w.t.Errorf("%s: purchases\ngot  %v\nwant %v", account, got, want)
	}
	return len(order)
}

// stateOf is what an entry makes of the purchase that it is about.
func stateOf(e drawdown.Entry, states map[string]string) (id, state string) {
	switch e := e.(type) {
	case *drawdown.PurchaseRequested:
		return e.Purchase, fmt.Sprint("open ", e.Quantity, " ", e.Amount)
	case *drawdown.PurchaseSettledEntry:
		return e.Purchase, fmt.Sprint("settled ", e.Quantity, " ", e.Amount)
	case *drawdown.PurchaseFailedEntry:
		return e.Purchase, strings.Replace(states[e.Purchase], "open", "failed", 1)
	default:
		return "", ""
	}
}
