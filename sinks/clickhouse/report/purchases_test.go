package report

import (
	"reflect"
	"testing"

	"drawdown"
)

// TestPurchaseOf: what a purchase's lines make of it.
func TestPurchaseOf(t *testing.T) {
	requested := &drawdown.PurchaseRequested{Purchase: "p", Quantity: 20 * drawdown.Credit, Amount: money("50.00"), Currency: "USD"}
	tax, receipt := money("9.50"), "https://pay.example/r/1"
	settled := &drawdown.PurchaseSettledEntry{Purchase: "p", Kind: "auto", Quantity: 20 * drawdown.Credit, Amount: money("50.00"), Currency: "USD",
		Tax: &tax, Receipt: &receipt}
	manual := &drawdown.PurchaseSettledEntry{Purchase: "p", Kind: "manual", Quantity: 300 * drawdown.Credit, Amount: money("750.00"), Currency: "EUR"}
	failed := &drawdown.PurchaseFailedEntry{Purchase: "p", Reason: "timeout"}
	declined := &drawdown.PurchaseDeclined{Purchase: "p", Attempt: 1, Reason: "card_declined", RetryAt: 99}
	retried := &drawdown.PurchaseRetried{Purchase: "p", Attempt: 2, Backup: true, Quantity: 20 * drawdown.Credit, Amount: money("50.00"), Currency: "USD"}
	refund := func(c drawdown.Credits) *drawdown.GrantRefunded {
		return &drawdown.GrantRefunded{Grant: "p", Amount: c}
	}
	open := Purchase{ID: "p", Kind: "auto", State: "open", Quantity: "20", Amount: "50.00", Currency: "USD", Attempts: 1, RequestedAt: instant(1000)}
	change := func(p Purchase, change func(*Purchase)) Purchase {
		change(&p)
		return p
	}
	paid := change(open, func(p *Purchase) { p.State, p.SettledAt, p.Tax, p.Receipt = "settled", instant(2000), "9.50", receipt })
	for _, test := range []struct {
		rule    string
		entries []drawdown.Entry
		want    Purchase
	}{
		{"requested", []drawdown.Entry{requested}, open},
		{"settled", []drawdown.Entry{requested, settled}, paid},
		{"failed", []drawdown.Entry{requested, failed}, change(open, func(p *Purchase) { p.State, p.FailedAt, p.Reason = "failed", instant(2000), "timeout" })},
		{"settled late", []drawdown.Entry{requested, failed, settled}, change(paid, func(p *Purchase) {
			p.FailedAt, p.SettledAt, p.Reason = instant(2000), instant(3000), "timeout"
		})},
		{"by hand", []drawdown.Entry{manual}, Purchase{ID: "p", Kind: "manual", State: "settled", Quantity: "300", Amount: "750.00", Currency: "EUR",
			Attempts: 1, SettledAt: instant(1000)}},
		{"waits for a retry", []drawdown.Entry{requested, declined}, change(open, func(p *Purchase) { p.Reason = "card_declined" })},
		{"retried", []drawdown.Entry{requested, declined, retried}, change(open, func(p *Purchase) { p.Reason, p.Attempts = "card_declined", 2 })},
		{"refunded twice", []drawdown.Entry{requested, settled, refund(1), refund(2*drawdown.Credit + 1)}, change(paid, func(p *Purchase) {
			p.Refunded = "2.000000002"
		})},
		{"a refund of nothing is none", []drawdown.Entry{requested, settled, refund(0)}, paid},
	} {
		var instants []int64
		var types, lines []string
		for i, e := range test.entries {
			*e.Where() = drawdown.Head{At: drawdown.Time(1000 * (i + 1)), Account: "a"}
			instants, types = append(instants, int64(e.Where().At)), append(types, e.EntryType())
			lines = append(lines, string(drawdown.AppendLedger(nil, e)))
		}
		got, err := purchaseOf("p", instants, types, lines)
		if err != nil || !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %v\ngot  %+v\nwant %+v", test.rule, err, got, test.want)
		}
	}
	if _, err := purchaseOf("p", []int64{1}, []string{"grant.refunded"}, []string{`{"amount":"-1"}`}); err == nil {
		t.Error("a refund below zero is taken")
	}
}

func money(text string) drawdown.Money {
	m, ok := drawdown.ParseMoney([]byte(text))
	if !ok {
		panic(text)
	}
	return m
}
