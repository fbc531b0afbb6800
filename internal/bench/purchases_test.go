package bench

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"drawdown"
	"drawdown/consumer/decode"
)

// TestEachCrossingIsOnePurchase: whatever is not requested, paid and settled once, or is no crossing's, is a drift.
func TestEachCrossingIsOnePurchase(t *testing.T) {
	type world struct {
		found    map[string]*purchaseEntries
		payments map[string]payment
	}
	for name, change := range map[string]func(w *world){
		"":                           func(*world) {},
		"purchase b-000000:2":        func(w *world) { w.found["b-000000:2"].requested = 2 },
		"purchase b-000001:1":        func(w *world) { w.found["b-000001:1"].settled = 0 },
		"purchase b-000000:1":        func(w *world) { w.payments["b-000000:1"] = payment{Requests: 2} },
		"purchases at the gateway":   func(w *world) { w.payments["b-000001:2"] = payment{Requests: 1} },
		"purchases in the ledger":    func(w *world) { w.found["b-000001:2"] = &purchaseEntries{requested: 1} },
		"found requested 0, paid 0,": func(w *world) { delete(w.found, "b-000000:1"); delete(w.payments, "b-000000:1") },
	} {
		b := newBuyers(3, 2) // of which the last never crosses
		w := world{map[string]*purchaseEntries{}, map[string]payment{}}
		for account, times := range []int{2, 1} {
			for n := range times {
				b.cross(account)
				id := b.accounts[account] + ":" + string(rune('1'+n))
				w.found[id], w.payments[id] = &purchaseEntries{requested: 1, settled: 1}, payment{Requests: 1}
			}
		}
		change(&w)
		var d drifts
		d.purchases(b, w.found, w.payments)
		err := errors.Join(d.list...)
		if (name == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), name) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// TestACrossingUsesAPackAndNoneRepeatsAnother: a duplicate would cross nothing.
func TestACrossingUsesAPackAndNoneRepeatsAnother(t *testing.T) {
	b := newBuyers(2, 1)
	seen := map[string]bool{}
	for _, account := range []int{0, 1, 0, 0} {
		var decoder decode.Decoder
		var rec drawdown.Record
		value := b.cross(account)
		decoder.Decode(value, drawdown.TimeOf(time.Now()), &rec)
		if rec.Reject != "" || rec.Type != drawdown.SyncUsage || !bytes.Contains(value, []byte(`"operations":10`)) {
			t.Errorf("rejected as %q: %s", rec.Reject, value)
		}
		id := string(rec.Account) + " " + string(rec.ID)
		if seen[id] {
			t.Errorf("%s is repeated", id)
		}
		seen[id] = true
	}
}

func TestPercentiles(t *testing.T) {
	var sorted []time.Duration
	for n := range 200 {
		sorted = append(sorted, time.Duration(n+1))
	}
	for percent, want := range map[int]time.Duration{50: 100, 99: 198, 100: 200} {
		if found := percentile(sorted, percent); found != want {
			t.Errorf("of 200, %d percent are up to %d, found %d", percent, want, found)
		}
	}
	if one, none := percentile(sorted[:1], 99), percentile(nil, 99); one != 1 || none != 0 {
		t.Errorf("of one %v, of none %v", one, none)
	}
}

// TestLagsAreOfHalfLoadOnly: what was asked for before and after is another load.
func TestLagsAreOfHalfLoadOnly(t *testing.T) {
	at := func(milliseconds int) time.Time { return testTime.Add(time.Duration(milliseconds) * time.Millisecond) }
	found, payments := map[string]*purchaseEntries{}, map[string]payment{}
	for id, times := range map[string][3]int{ // appended, published, at the gateway
		"before": {900, 910, 999}, "late from before": {900, 910, 1001}, "first": {1000, 1003, 1010}, "second": {1500, 1510, 1540}, "after": {2000, 2003, 2010},
	} {
		found[id] = &purchaseEntries{asked: at(times[0]), published: at(times[1])}
		payments[id] = payment{Purchase: id, Asked: at(times[2])}
	}
	l := lags{begun: at(1000), ended: at(2000)}
	l.collect(found, payments)
	if len(l.published) != 2 || l.published[0] != 7*time.Millisecond || l.published[1] != 30*time.Millisecond {
		t.Errorf("from publication: %v", l.published)
	}
	if len(l.crossed) != 2 || l.crossed[0] != 10*time.Millisecond || l.crossed[1] != 40*time.Millisecond {
		t.Errorf("from the append: %v", l.crossed)
	}
}

func TestFaultsOfPurchasesAreReportedAtOnce(t *testing.T) {
	o := DefaultPurchases()
	if err := o.Validate(); err != nil {
		t.Fatalf("the default: %v", err)
	}
	o.Accounts, o.Partitions, o.GatewayDelay, o.SteadyFor = 0, -1, -1, 0
	err := o.Validate()
	for _, name := range []string{"accounts", "partitions", "gateway-delay", "steady-for"} {
		if err == nil || !strings.Contains(err.Error(), name+": ") {
			t.Errorf("%s is not reported: %v", name, err)
		}
	}
}

func TestTheLastLineIsTheResultOfPurchases(t *testing.T) {
	r := PurchaseResult{PurchasesPerSecond: 4000, LagP99: 12.5, Drift: "0"}
	for _, onlyJSON := range []bool{false, true} {
		var out bytes.Buffer
		if err := show(&out, &r, onlyJSON); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
		var members map[string]any
		if err := json.Unmarshal([]byte(lines[len(lines)-1]), &members); err != nil || onlyJSON != (len(lines) == 1) {
			t.Fatalf("only JSON %v, %d lines: %v", onlyJSON, len(lines), err)
		}
		for name, want := range map[string]any{"purchases_per_second": 4000.0, "lag_p99_ms": 12.5, "ratio": nil, "drift": "0"} {
			if found, there := members[name]; !there || found != want {
				t.Errorf("%s is %v, expected %v", name, found, want)
			}
		}
	}
}
