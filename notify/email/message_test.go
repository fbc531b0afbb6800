package email

import (
	"strings"
	"testing"
	"time"

	"drawdown/notify"
)

func TestHeaders(t *testing.T) {
	c := seller()
	c.ReplyTo = "answers@example.com"
	c.MessageIDDomain = "mail.example.com"
	message := composed(t, testSender(t, c), sample(t, notify.LowBalance))
	for header, want := range map[string]string{
		"From":                     `"Example Sync" <billing@example.com>`,
		"To":                       "<person@example.org>",
		"Reply-To":                 "<answers@example.com>",
		"Subject":                  "Credits are running low: 19.5 left",
		"Date":                     "Mon, 02 Mar 2026 09:30:01 +0000",
		"Message-Id":               "<3-1042-1.46585948dd0fba96@mail.example.com>",
		"Auto-Submitted":           "auto-generated",
		"X-Auto-Response-Suppress": "All",
		"List-Unsubscribe":         "<https://app.example.com/billing/acme>",
		"Mime-Version":             "1.0",
	} {
		if got := message.Header[header]; len(got) != 1 || got[0] != want {
			t.Errorf("%s: %q, want %q", header, got, want)
		}
	}
}

func TestOnlyWhatCustomersCanDoWithoutOffersToUnsubscribe(t *testing.T) {
	sender := testSender(t, seller())
	for _, n := range Samples() {
		required := map[notify.Kind]bool{
			notify.Exhausted: true, notify.PurchaseSettled: true, notify.PaymentDeclined: true, notify.PaymentFailed: true,
			notify.PurchaseRefunded: true, notify.LeavingFreeProgram: true, notify.Runaway: true,
		}[n.Kind]
		if offered := composed(t, sender, n).Header.Get("List-Unsubscribe") != ""; offered == required {
			t.Errorf("%s offers to unsubscribe: %t", n.Kind, offered)
		}
	}
}

func TestMessageIDsDifferByNoticeAndRecipientOnly(t *testing.T) {
	sender := testSender(t, seller())
	seen := map[string]string{}
	for _, notice := range []string{"0-1-0", "0-1-1", "0-10-1"} {
		for _, recipient := range []string{"a@example.org", "b@example.org"} {
			id, err := sender.messageID(notice, recipient)
			again, errAgain := sender.messageID(notice, recipient)
			if err != nil || errAgain != nil || id != again || !strings.HasPrefix(id, notice+".") || !strings.HasSuffix(id, "@example.com") {
				t.Errorf("%s to %s: %s, then %s (%v, %v)", notice, recipient, id, again, err, errAgain)
			}
			if other, used := seen[id]; used {
				t.Errorf("%s is that of %s too", id, other)
			}
			seen[id] = notice + " to " + recipient
		}
	}
	for _, notice := range []string{"", "1-2-3>\r\nBcc: x", "1 2 3", strings.Repeat("1", 101)} {
		if id, err := sender.messageID(notice, "a@example.org"); err == nil {
			t.Errorf("notice %q has the Message-ID %s", notice, id)
		}
	}
}

func TestAddresses(t *testing.T) {
	for address, valid := range map[string]bool{
		"person@example.org":                     true,
		"first.last+tag@sub.example.org":         true,
		"o'neill@example.org":                    true,
		"søren@bücher.example":                   true,
		"":                                       false,
		"person":                                 false,
		"@example.org":                           false,
		"person@":                                false,
		"person@localhost":                       false,
		"person@example..org":                    false,
		"person@-example.org":                    false,
		"Person <person@example.org>":            false,
		"<person@example.org>":                   false,
		"person@example.org (comment)":           false,
		"a@example.org,b@example.org":            false,
		"a@example.org b@example.org":            false,
		"group: a@example.org;":                  false,
		`"quoted name"@example.org`:              false,
		"person@[127.0.0.1]":                     false,
		"person@example.org\r\nRCPT TO:<x@y.de>": false,
		"person@example.org\n":                   false,
		"per\x00son@example.org":                 false,
		"per\u202eson@example.org":               false,
		"\xff@example.org":                       false,
		strings.Repeat("a", 65) + "@example.org": false,
		"a@" + strings.Repeat("b.", 130) + "org": false,
	} {
		if err := checkAddress(address); (err == nil) != valid {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func TestFaultyDeliveriesAreRefusedWithoutAConnection(t *testing.T) {
	c := seller() // its server does not exist: a connection would end as Retry
	c.Addr = "127.0.0.1:1"
	sender := testSender(t, c)
	for name, test := range map[string]struct {
		target string
		change func(*notify.Notice)
		detail string
	}{
		"no address":   {"person", func(*notify.Notice) {}, "not an e-mail address"},
		"no kind":      {"person@example.org", func(n *notify.Notice) { n.Kind = "lottery" }, `no templates for notices of kind "lottery"`},
		"no data":      {"person@example.org", func(n *notify.Notice) { n.Data = nil }, "data is no JSON object"},
		"no notice id": {"person@example.org", func(n *notify.Notice) { n.ID = "x y" }, "has no id"},
	} {
		n := sample(t, notify.LowBalance)
		test.change(n)
		got := sender.Send(t.Context(), &notify.Delivery{Notice: n, Target: test.target, Attempt: 1})
		if got.Verdict != notify.Refused || !strings.Contains(got.Detail, test.detail) || got.RetryAfter != 0 {
			t.Errorf("%s: %+v, want %q", name, got, test.detail)
		}
	}
	got := sender.Send(t.Context(), &notify.Delivery{Notice: sample(t, notify.LowBalance), Target: "person@example.org", Attempt: 1})
	if got.Verdict != notify.Retry || got.Detail != "connect: connect: connection refused" {
		t.Errorf("nobody listens: %+v", got)
	}
}

func TestTheDateIsThatOfTheTry(t *testing.T) {
	sender := testSender(t, seller())
	d := &notify.Delivery{Notice: sample(t, notify.LowBalance), Target: "person@example.org", Attempt: 3}
	envelope, err := sender.compose(d, time.Date(2026, time.July, 1, 12, 0, 0, 0, time.FixedZone("", 3600)))
	if err != nil || !strings.Contains(string(envelope.content), "\r\nDate: Wed, 01 Jul 2026 11:00:00 +0000\r\n") &&
		!strings.HasPrefix(string(envelope.content), "Date: Wed, 01 Jul 2026 11:00:00 +0000\r\n") {
		t.Errorf("%v in\n%s", err, envelope.content)
	}
}
