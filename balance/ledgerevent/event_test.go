package ledgerevent

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"drawdown"
)

var head = drawdown.Head{Offset: 5_000_000_000, N: 2, At: 1_769_904_000_123, Account: "shop.example:eu"}

// entries has one of each type, and texts that JSON must escape.
func entries() []drawdown.Entry {
	held := drawdown.HeldFor{Hold: "h\"", Connection: "c", Job: drawdown.MaxInteger}
	tax, receipt := drawdown.Money{Cents: drawdown.Total128(0, 190)}, "r\"1\"\n"
	return []drawdown.Entry{
		&drawdown.PeriodStarted{Head: head, From: 0, To: 2_678_400_000},
		&drawdown.GrantAdded{Head: head, Grant: "g\\1", Category: drawdown.PurchasedGrant, Amount: 5, ExpiresAt: drawdown.Never, Repaid: 1},
		&drawdown.GrantExpired{Head: head, Grant: "g", Amount: 1},
		&drawdown.GrantVoided{Head: head, Grant: "g", Amount: 1},
		&drawdown.PurchaseRequested{Head: head, Purchase: "p", Quantity: drawdown.Credit, Amount: tax, Currency: "USD"},
		&drawdown.PurchaseSettledEntry{Head: head, Purchase: "p", Kind: "auto", Quantity: drawdown.Credit, Amount: tax, Currency: "USD", Tax: &tax, Receipt: &receipt},
		&drawdown.PurchaseFailedEntry{Head: head, Purchase: "p", Reason: "über\x01"},
		&drawdown.StatusChanged{Head: head, From: drawdown.Active, To: drawdown.Grace},
		&drawdown.LowBalanceNotice{Head: head, Available: -1},
		&drawdown.UsagePercentNotice{Head: head, Percent: 75, Used: drawdown.Total128(3, 4)},
		&drawdown.CreditsExpiringNotice{Head: head, Grant: "g", Remaining: 1, ExpiresAt: 1},
		&drawdown.LeavingFreeProgramNotice{Head: head, Connection: "c", GAAt: 1},
		&drawdown.AutoPurchaseCappedNotice{Head: head, AutoPurchases: 3},
		&drawdown.HoldPlacedEntry{Head: head, HeldFor: held, Amount: 5, ExpiresAt: 1},
		&drawdown.HoldQueuedEntry{Head: head, HeldFor: held, Amount: 5, ExpiresAt: 1},
		&drawdown.HoldReleasedEntry{Head: head, HeldFor: held, Amount: 3, Used: 2},
		&drawdown.HoldExpiredEntry{Head: head, HeldFor: held, Amount: 3, Used: 2},
		&drawdown.RunawayNotice{Head: head, Connection: "c", Job: drawdown.MaxInteger, Used: drawdown.Total128(3, 4), Usual: drawdown.Total128(0, 4)},
	}
}

func TestForm(t *testing.T) {
	const want = `{"specversion":"1.0","id":"3-5000000000-2","source":"drawdown/3","type":"drawdown.grant.expired",` +
		`"subject":"shop.example:eu","time":"2026-02-01T00:00:00.123Z","datacontenttype":"application/json",` +
		`"partition":3,"offset":"5000000000","n":2,` +
		`"data":{"offset":5000000000,"n":2,"type":"grant.expired","at":"2026-02-01T00:00:00.123Z",` +
		`"account":"shop.example:eu","grant":"g","amount":"0.000000001"}}`
	if got := string(Append(nil, 3, entries()[2])); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestRoundTrip(t *testing.T) {
	for _, entry := range entries() {
		value := Append([]byte("before"), 3, entry)[len("before"):]
		if !json.Valid(value) {
			t.Errorf("%T is no JSON: %s", entry, value)
		}
		got, err := Decode(value)
		if err != nil {
			t.Errorf("%T: %v", entry, err)
			continue
		}
		clear(value)
		want := Event{Partition: 3, Head: head, Type: entry.EntryType(), Line: drawdown.AppendLedger(nil, entry)}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%T: got %+v, want %+v", entry, got, want)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	valid := string(Append(nil, 3, entries()[2]))
	for name, change := range map[string][2]string{
		"not JSON":              {`}}`, `}`},
		"another specversion":   {`"1.0"`, `"0.3"`},
		"another source":        {`"drawdown/3"`, `"other/3"`},
		"no partition":          {`"drawdown/3"`, `"drawdown/x"`},
		"another partition":     {`"drawdown/3"`, `"drawdown/4"`},
		"another id":            {`"id":"3-5000000000-2"`, `"id":"3-5000000000-1"`},
		"another type":          {`"type":"drawdown.grant.expired"`, `"type":"drawdown.grant.added"`},
		"another account":       {`"subject":"shop.example:eu"`, `"subject":"shop"`},
		"no offset in the data": {`"data":{"offset":5000000000,`, `"data":{`},
		"no n in the data":      {`"n":2,"type":"grant`, `"type":"grant`},
		"no time in the data":   {`"at":"2026-02-01T00:00:00.123Z"`, `"at":null`},
		"no data":               {`"data"`, `"other"`},
		"an offset below zero":  {`"data":{"offset":5000000000`, `"data":{"offset":-1`},
	} {
		changed := strings.Replace(valid, change[0], change[1], 1)
		if changed == valid {
			t.Fatalf("%s: nothing to change in %s", name, valid)
		}
		if _, err := Decode([]byte(changed)); err == nil {
			t.Errorf("%s: no error for %s", name, changed)
		}
	}
	if _, err := Decode([]byte(strings.Replace(valid, `"n":2,`, `"n":2,"added":"later",`, 1))); err != nil {
		t.Errorf("a further attribute: %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	for _, entry := range entries() {
		f.Add(Append(nil, 3, entry))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		event, err := Decode(value)
		if err != nil {
			return
		}
		if !json.Valid(event.Line) || event.Partition < 0 || event.Offset < 0 || !drawdown.ValidAccount([]byte(event.Account)) {
			t.Fatalf("accepted %q as %+v", value, event)
		}
	})
}
