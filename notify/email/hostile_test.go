package email

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"testing"
	"time"
	"unicode"

	"pgregory.net/rapid"

	"drawdown"
	"drawdown/notify"
)

// hostileNames are what somebody might name a connection, a grant or an account to get something into a message.
var hostileNames = []string{
	"a\r\nBcc: everybody@example.net\r\n\r\n<h1>You have won</h1>",
	"a\n.\nMAIL FROM:<x@example.net>",
	`<script>alert(1)</script>`,
	`"><img src=x onerror=alert(1)>`,
	`' onmouseover='alert(1)`,
	`</td></tr></table><a href="https://evil.example.net">Pay here</a>`,
	`javascript:alert(1)`,
	`{{.Link}} {{template "layout" .}}`,
	"=?utf-8?q?Subject=3A_fake?=",
	"\u202egnp.exe",
	"zero\u200bwidth\u2028line\u0000nul\x1b[31m",
	"\xff\xfe invalid",
	strings.Repeat("very-long-", 40),
	"  --  ",
}

// hostileNotices are notices of every kind with a name in every place where there can be one.
func hostileNotices(text string) []*notify.Notice {
	quoted, _ := json.Marshal(text)
	place := func(format string) json.RawMessage {
		return json.RawMessage(strings.ReplaceAll(format, "NAME", string(quoted)))
	}
	data := map[notify.Kind]json.RawMessage{
		notify.Exhausted:          place(`{"from":NAME,"to":NAME}`),
		notify.Resumed:            place(`{"from":NAME,"to":NAME}`),
		notify.PurchaseSettled:    place(`{"purchase":NAME,"kind":NAME,"quantity":"1","amount":"2.50","currency":"EUR","receipt":NAME}`),
		notify.PaymentDeclined:    place(`{"purchase":NAME,"attempt":1,"reason":NAME,"retry_at":"2026-03-02T13:30:00Z","method":NAME}`),
		notify.PaymentFailed:      place(`{"purchase":NAME,"reason":NAME}`),
		notify.PurchaseRefunded:   place(`{"grant":NAME,"amount":"1","overdraft":"0"}`),
		notify.CreditsExpiring:    place(`{"grant":NAME,"remaining":"1","expires_at":"2026-04-01T00:00:00Z"}`),
		notify.CreditsExpired:     place(`{"grant":NAME,"amount":"1"}`),
		notify.LeavingFreeProgram: place(`{"connection":NAME,"ga_at":"2026-04-01T00:00:00Z"}`),
		notify.WebhookDisabled:    place(`{"endpoint":NAME,"reason":NAME}`),
		notify.Runaway:            place(`{"connection":NAME,"job":1,"used":"2","usual":"0"}`),
	}
	all := Samples()
	for _, n := range all {
		n.Account = text
		if hostile, replaced := data[n.Kind]; replaced {
			n.Data = hostile
		}
	}
	return all
}

func TestNamesAreOnlyText(t *testing.T) {
	sender := testSender(t, seller())
	for _, name := range hostileNames {
		for _, n := range hostileNotices(name) {
			checkHarmless(t, sender, n)
		}
	}
}

func TestAnyNameIsOnlyText(t *testing.T) {
	sender := testSender(t, seller())
	rapid.Check(t, func(t *rapid.T) {
		visible := func(s string) bool { return oneLine(s) != "" } // a receipt without any text is none
		for _, n := range hostileNotices(rapid.String().Filter(visible).Draw(t, "name")) {
			checkHarmless(t, sender, n)
		}
	})
}

// fataler is a test, of rapid or not.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// checkHarmless compares the message of a hostile notice with that of a harmless one: the same headers, the same tags.
func checkHarmless(t fataler, sender *Sender, n *notify.Notice) {
	t.Helper()
	message := composed(t, sender, n)
	if got := message.Header["To"]; len(got) != 1 || got[0] != "<person@example.org>" {
		t.Fatalf("%s: To is %q", n.Kind, got)
	}
	for header := range message.Header {
		if !expectedHeaders[header] {
			t.Fatalf("%s: there is a header %s: %q", n.Kind, header, message.Header[header])
		}
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(message.Header.Get("Subject"))
	if err != nil || strings.ContainsFunc(subject, unicode.IsControl) || strings.Contains(subject, "\u202e") {
		t.Fatalf("%s: the subject is %q (%v)", n.Kind, subject, err)
	}
	text, markup := parts(t, message)
	if strings.ContainsFunc(strings.ReplaceAll(text, "\r\n", ""), unicode.IsControl) || strings.ContainsAny(text+markup, "\u202e\u2028\u200b") {
		t.Fatalf("%s: control characters in\n%q", n.Kind, text)
	}
	got, want := tagNames(markup), harmlessTags(t, n.Kind)
	if got != want {
		t.Fatalf("%s: the tags are\n%s\nwant\n%s\nin\n%s", n.Kind, got, want, markup)
	}
	if strings.Contains(markup, "evil.example.net\"") || strings.Contains(markup, `href="javascript:`) {
		t.Fatalf("%s: a link of the customer's own in\n%s", n.Kind, markup)
	}
}

var expectedHeaders = map[string]bool{
	"Auto-Submitted": true, "Content-Type": true, "Date": true, "From": true, "List-Unsubscribe": true, "Message-Id": true,
	"Mime-Version": true, "Subject": true, "To": true, "X-Auto-Response-Suppress": true,
}

// tagNames are the tags of a page with the names of their attributes, in order; but for the values, all that a browser
// makes of it.
func tagNames(markup string) string {
	var names []string
	for _, found := range tag.FindAllString(styleSheet.ReplaceAllString(markup, ""), -1) {
		names = append(names, attributeValue.ReplaceAllString(found, ""))
	}
	return strings.Join(names, "")
}

// harmlessTags are the tags of a notice of that kind in which the names are plain, on the same way through the template.
func harmlessTags(t fataler, kind notify.Kind) string {
	t.Helper()
	for _, n := range hostileNotices("plain") {
		if n.Kind == kind {
			_, _, markup, err := Render(n, nil, seller())
			if err != nil {
				t.Fatalf("%v", err)
			}
			return tagNames(markup)
		}
	}
	return ""
}

func testSender(t *testing.T, c Config) *Sender {
	t.Helper()
	sender, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sender.Close(); err != nil {
			t.Error(err)
		}
	})
	return sender
}

func composed(t fataler, sender *Sender, n *notify.Notice) *mail.Message {
	t.Helper()
	delivery := &notify.Delivery{Notice: n, Channel: notify.Email, Target: "person@example.org", Attempt: 1, Profile: &drawdown.Profile{Account: n.Account}}
	envelope, err := sender.compose(delivery, time.Date(2026, time.March, 2, 9, 30, 1, 0, time.UTC))
	if err != nil {
		t.Fatalf("%s: %v", n.Kind, err)
	}
	message, err := mail.ReadMessage(strings.NewReader(string(envelope.content)))
	if err != nil {
		t.Fatalf("%s: %v", n.Kind, err)
	}
	return message
}

// parts are the text and the HTML of a message.
func parts(t fataler, message *mail.Message) (text, markup string) {
	t.Helper()
	kind, parameters, err := mime.ParseMediaType(message.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("the message is %s (%v)", kind, err)
	}
	reader := multipart.NewReader(message.Body, parameters["boundary"])
	for {
		part, err := reader.NextRawPart()
		if errors.Is(err, io.EOF) {
			return text, markup
		}
		if err != nil {
			t.Fatalf("%v", err)
		}
		content, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil {
			t.Fatalf("%v", err)
		}
		switch part.Header.Get("Content-Type") {
		case "text/plain; charset=UTF-8":
			text = string(content)
		case "text/html; charset=UTF-8":
			markup = string(content)
		default:
			t.Fatalf("there is a part of type %s", part.Header.Get("Content-Type"))
		}
	}
}
