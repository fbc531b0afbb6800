package demo

import (
	"slices"
	"testing"

	"drawdown"
	"drawdown/balance/ledgerevent"
	"drawdown/notify"
)

// entryOf is a ledger entry of an account at an offset of partition 2.
func entryOf(account, kind string, offset drawdown.Offset, n int, m members) *ledgerEntry {
	return &ledgerEntry{Event: ledgerevent.Event{
		Partition: 2, Type: kind, Head: drawdown.Head{Account: account, Offset: offset, N: n},
	}, members: m}
}

func TestWhichEntriesAreNews(t *testing.T) {
	for _, c := range []struct {
		entry string
		m     members
		kind  notify.Kind
	}{
		{"purchase.settled", members{}, notify.PurchaseSettled},
		{"purchase.declined", members{}, notify.PaymentDeclined},
		{"purchase.failed", members{}, notify.PaymentFailed},
		{"purchase.requested", members{}, ""},
		{"purchase.retried", members{}, ""},
		{"grant.added", members{}, ""},
		{"notice", members{Kind: "low_balance"}, notify.LowBalance},
		{"status.changed", members{From: "active", To: "purchasing"}, ""},
		{"status.changed", members{From: "active", To: "exhausted"}, notify.Exhausted},
		{"status.changed", members{From: "purchasing", To: "payment_failed"}, notify.Exhausted},
		{"status.changed", members{From: "payment_failed", To: "exhausted"}, ""},
		{"status.changed", members{From: "payment_failed", To: "purchasing"}, notify.Resumed},
		{"status.changed", members{From: "exhausted", To: "active"}, notify.Resumed},
	} {
		if kind := newsKind(entryOf("a", c.entry, 1, 0, c.m)); kind != c.kind {
			t.Errorf("%s %+v is %q, expected %q", c.entry, c.m, kind, c.kind)
		}
	}
}

// TestWhoMustBeTold: the stop that a failed payment causes is not mailed beside it, but posted.
func TestWhoMustBeTold(t *testing.T) {
	var n newsroom
	stop := members{From: "purchasing", To: "payment_failed"}
	n.take(entryOf(webhookAccount, "purchase.failed", 7, 0, members{}))
	n.take(entryOf(webhookAccount, "status.changed", 7, 1, stop))
	n.take(entryOf("birchwood", "purchase.failed", 8, 0, members{}))
	n.take(entryOf("birchwood", "status.changed", 9, 0, stop)) // by another record
	n.take(entryOf("a stranger", "purchase.settled", 10, 0, members{}))
	told := told{news: n.known()}
	want := map[message]string{
		{notify.Email, "2-7-0"}: "owner@acme-data.example", {notify.Webhook, "2-7-0"}: endpointName, {notify.Webhook, "2-7-1"}: endpointName,
		{notify.Email, "2-8-0"}: "owner@birchwood.example", {notify.Email, "2-9-0"}: "owner@birchwood.example",
	}
	expected := told.expected(story())
	for _, of := range keysOf(want, expected) {
		if expected[of] != want[of] {
			t.Errorf("%v goes to %q, expected %q", of, expected[of], want[of])
		}
	}
	told.mails = []mail{{to: "owner@acme-data.example", notice: "2-7-0"}, {to: "owner@birchwood.example", notice: "2-8-0"}}
	told.webhooks = map[string]int{"2-7-0": 1}
	if left := told.untold(story()); left != 2 {
		t.Errorf("%d messages are untold, expected 2", left)
	}
	if kinds := told.mailsByKind(); kinds != "2 payment failed" {
		t.Errorf("mails by kind: %s", kinds)
	}
}

// TestMailsOfAChangedAccountAreNotExpected: a visitor of the page may have said that others get them, or nobody.
func TestMailsOfAChangedAccountAreNotExpected(t *testing.T) {
	var n newsroom
	n.take(entryOf(webhookAccount, "purchase.settled", 7, 0, members{}))
	n.take(entryOf("birchwood", "purchase.settled", 8, 0, members{}))
	told := told{news: n.known(), changed: map[string]bool{webhookAccount: true}}
	told.mails = []mail{{to: "boss@acme-data.example", notice: "2-7-0"}, {to: "owner@birchwood.example", notice: "2-8-0"}}
	if expected := told.expected(story()); len(expected) != 2 || expected[message{notify.Webhook, "2-7-0"}] == "" || expected[message{notify.Email, "2-8-0"}] == "" {
		t.Errorf("expected are %v", expected)
	}
	if arrived := told.arrived(); len(arrived) != 1 || len(arrived[message{notify.Email, "2-8-0"}]) != 1 {
		t.Errorf("arrived are %v", arrived)
	}
}

func TestMailsByKindLeavesOutWhatIsNotReadYet(t *testing.T) {
	told := told{
		news: map[string]news{
			"1": {kind: notify.LowBalance}, "2": {kind: notify.PurchaseSettled}, "3": {kind: notify.AutoPurchaseCapped}, "4": {kind: notify.PurchaseSettled},
		},
		mails: []mail{{notice: "1"}, {notice: "2"}, {notice: "3"}, {notice: "4"}, {notice: "unread"}},
	}
	if kinds := told.mailsByKind(); kinds != "2 receipts, 1 low balance, 1 auto purchase capped" {
		t.Errorf("mails by kind: %s", kinds)
	}
}

// TestAMailIsToldAfterItsEntry: whichever of the two the demo has first.
func TestAMailIsToldAfterItsEntry(t *testing.T) {
	var n newsroom
	var order []string
	tell := func(text string) func() { return func() { order = append(order, text) } }
	n.after("2-7-0", tell("early"))
	if len(order) > 0 {
		t.Error("told before the entry was read")
	}
	n.take(entryOf("a", "purchase.settled", 7, 0, members{}))
	n.after("2-7-0", tell("late"))
	if !slices.Equal(order, []string{"early", "late"}) {
		t.Errorf("told %v", order)
	}
}
