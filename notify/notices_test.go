package notify

import (
	"errors"
	"testing"
	"time"

	"drawdown"
	"drawdown/balance/ledgerevent"
	"drawdown/consumer/feed"
)

func at(e drawdown.Entry) drawdown.Entry {
	e.Where().Account, e.Where().At, e.Where().Offset, e.Where().N = "acme", 1_769_904_000_123, 7, 2
	return e
}

func TestWhatIsNews(t *testing.T) {
	amount := drawdown.Money{Cents: drawdown.Total128(0, 1170)}
	held := drawdown.HeldFor{Hold: "h", Connection: "c", Job: 7}
	for name, c := range map[string]struct {
		entry drawdown.Entry
		kind  Kind
		data  string
	}{
		"low balance":     {&drawdown.LowBalanceNotice{Available: -drawdown.Credit}, LowBalance, `{"kind":"low_balance","available":"-1"}`},
		"usage":           {&drawdown.UsagePercentNotice{Percent: 75}, UsagePercent, `{"kind":"usage_percent","percent":75,"used":"0"}`},
		"expiring":        {&drawdown.CreditsExpiringNotice{Grant: "<g&>", Remaining: 1, ExpiresAt: 0}, CreditsExpiring, `{"kind":"credits_expiring","grant":"<g&>","remaining":"0.000000001","expires_at":"1970-01-01T00:00:00Z"}`},
		"leaving":         {&drawdown.LeavingFreeProgramNotice{Connection: "c", GAAt: 0}, LeavingFreeProgram, `{"kind":"leaving_free_program","connection":"c","ga_at":"1970-01-01T00:00:00Z"}`},
		"capped":          {&drawdown.AutoPurchaseCappedNotice{AutoPurchases: 8}, AutoPurchaseCapped, `{"kind":"auto_purchase_capped","auto_purchases":8}`},
		"disabled":        {&drawdown.WebhookDisabledNotice{Endpoint: "e", Reason: "gone"}, WebhookDisabled, `{"kind":"webhook_disabled","endpoint":"e","reason":"gone"}`},
		"runaway":         {&drawdown.RunawayNotice{Connection: "c", Job: 1<<53 - 1, Used: drawdown.TotalOf(20 * drawdown.Credit), Usual: drawdown.TotalOf(drawdown.Credit / 2)}, Runaway, `{"kind":"runaway","connection":"c","job":9007199254740991,"used":"20","usual":"0.5"}`},
		"settled":         {&drawdown.PurchaseSettledEntry{Purchase: "p", Kind: "auto", Quantity: drawdown.Credit, Amount: amount, Currency: "USD"}, PurchaseSettled, `{"purchase":"p","kind":"auto","quantity":"1","amount":"11.70","currency":"USD","tax":null,"receipt":null}`},
		"declined":        {&drawdown.PurchaseDeclined{Purchase: "p", Attempt: 1, Reason: "card_declined", RetryAt: 0}, PaymentDeclined, `{"purchase":"p","attempt":1,"reason":"card_declined","retry_at":"1970-01-01T00:00:00Z","method":"primary"}`},
		"failed":          {&drawdown.PurchaseFailedEntry{Purchase: "p", Reason: "über\x01"}, PaymentFailed, `{"purchase":"p","reason":"über\u0001"}`},
		"refunded":        {&drawdown.GrantRefunded{Grant: "p", Amount: 2 * drawdown.Credit, Overdraft: drawdown.Credit}, PurchaseRefunded, `{"grant":"p","amount":"2","overdraft":"1"}`},
		"expired":         {&drawdown.GrantExpired{Grant: "p", Amount: drawdown.Credit}, CreditsExpired, `{"grant":"p","amount":"1"}`},
		"looks like ours": {&drawdown.GrantExpired{Grant: "other:sub:x", Amount: 1}, CreditsExpired, `{"grant":"other:sub:x","amount":"0.000000001"}`},
		"stops":           {&drawdown.StatusChanged{From: drawdown.Grace, To: drawdown.Exhausted}, Exhausted, `{"from":"grace","to":"exhausted"}`},
		"stops unpaid":    {&drawdown.StatusChanged{From: drawdown.Purchasing, To: drawdown.PaymentFailed}, Exhausted, `{"from":"purchasing","to":"payment_failed"}`},
		"resumes":         {&drawdown.StatusChanged{From: drawdown.PaymentFailed, To: drawdown.Purchasing}, Resumed, `{"from":"payment_failed","to":"purchasing"}`},

		"stays stopped":        {&drawdown.StatusChanged{From: drawdown.Exhausted, To: drawdown.PaymentFailed}, "", ""},
		"goes on":              {&drawdown.StatusChanged{From: drawdown.Active, To: drawdown.Grace}, "", ""},
		"a subscription's end": {&drawdown.GrantExpired{Grant: "acme:sub:2026-01-01T00:00:00Z", Amount: 1}, "", ""},
		"a grant":              {&drawdown.GrantAdded{Grant: "g"}, "", ""},
		"a void":               {&drawdown.GrantVoided{Grant: "g"}, "", ""},
		"a period":             {&drawdown.PeriodStarted{}, "", ""},
		"a request":            {&drawdown.PurchaseRequested{Purchase: "p", Amount: amount, Currency: "USD"}, "", ""},
		"a retry":              {&drawdown.PurchaseRetried{Purchase: "p", Amount: amount, Currency: "USD"}, "", ""},
		"a hold":               {&drawdown.HoldPlacedEntry{HeldFor: held, Amount: 1}, "", ""},
		"a hold that waits":    {&drawdown.HoldQueuedEntry{HeldFor: held, Amount: 1}, "", ""},
		"a hold that ended":    {&drawdown.HoldReleasedEntry{HeldFor: held, Used: 1}, "", ""},
		"a hold that expired":  {&drawdown.HoldExpiredEntry{HeldFor: held, Amount: 1}, "", ""},
	} {
		notice, err := noticeOf(event(t, at(c.entry), 0))
		switch {
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case notice == nil && c.kind == "":
		case notice == nil || notice.Kind != c.kind || string(notice.Data) != c.data:
			t.Errorf("%s: got %+v, want %q %s", name, notice, c.kind, c.data)
		case notice.ID != "0-7-2" || notice.Account != "acme" || !notice.At.Equal(time.UnixMilli(1_769_904_000_123)):
			t.Errorf("%s: got %+v", name, notice)
		}
	}
}

func TestALaterVersionsNotice(t *testing.T) {
	notice, err := noticeOf(lineEvent("notice", `{"offset":7,"n":2,"type":"notice","at":"2026-02-01T00:00:00Z","account":"acme","kind":"sunny_weather"}`))
	if err != nil || notice != nil {
		t.Errorf("got %v, %v", notice, err)
	}
}

func TestAnUnreadableEntryStopsThePartition(t *testing.T) {
	for _, e := range []*feed.Event{
		lineEvent("status.changed", `{"from":1}`), lineEvent("grant.expired", `]`), lineEvent("purchase.failed", `[]`),
		lineEvent("purchase.failed", `{"purchase":`), lineEvent("notice", `{"kind":{}}`),
	} {
		var stop *feed.StopError
		if notice, err := noticeOf(e); !errors.As(err, &stop) {
			t.Errorf("%s: got %v, %v", e.Line, notice, err)
		}
	}
}

func lineEvent(entryType, line string) *feed.Event {
	return &feed.Event{Event: ledgerevent.Event{Head: drawdown.Head{Account: "acme"}, Type: entryType, Line: []byte(line)}}
}
