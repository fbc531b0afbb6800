package webhook

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"drawdown"
	"drawdown/notify"
)

func readDoc(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/webhooks.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Every kind has its example in docs/webhooks.md, and each example is what a receiver gets, to the byte.
func TestDocumentedPayloads(t *testing.T) {
	doc := readDoc(t)
	for _, kind := range notify.Kinds {
		section, ok := sectionOf(doc, "### `drawdown."+string(kind)+"`")
		example := regexp.MustCompile("(?s)```json\n(.*?)\n```").FindStringSubmatch(section)
		if !ok || example == nil {
			t.Errorf("%s has no example", kind)
			continue
		}
		notice := exampleOf(kind)
		want, err := Payload(notice)
		if err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		if example[1] != string(want) {
			t.Errorf("%s: documented is\n%s\nsent is\n%s", kind, example[1], want)
		}
	}
	if got := strings.Count(doc, "### `drawdown."); got != len(notify.Kinds) {
		t.Errorf("%d kinds are documented, there are %d", got, len(notify.Kinds))
	}
}

// sectionOf is the text between a heading and the next one.
func sectionOf(doc, heading string) (string, bool) {
	_, section, ok := strings.Cut(doc, heading+"\n")
	section, _, _ = strings.Cut(section, "\n#")
	return section, ok
}

// exampleOf is a notice as the ledger's lines make them (contract, sections 8 to 10).
func exampleOf(kind notify.Kind) *notify.Notice {
	data := map[notify.Kind]string{
		notify.LowBalance:         `{"kind":"low_balance","available":"12.5"}`,
		notify.UsagePercent:       `{"kind":"usage_percent","percent":90,"used":"9000.25"}`,
		notify.Exhausted:          `{"from":"active","to":"exhausted"}`,
		notify.Resumed:            `{"from":"exhausted","to":"active"}`,
		notify.PurchaseSettled:    `{"purchase":"acme:7","kind":"auto","quantity":"10000","amount":"11.70","currency":"USD","tax":"2.22","receipt":"https://pay.example.com/receipts/7"}`,
		notify.PaymentDeclined:    `{"purchase":"acme:8","attempt":1,"reason":"card_declined","retry_at":"2026-02-14T13:30:00Z","method":"backup"}`,
		notify.PaymentFailed:      `{"purchase":"acme:8","reason":"expired_card"}`,
		notify.PurchaseRefunded:   `{"grant":"acme:7","amount":"10000","overdraft":"2500"}`,
		notify.CreditsExpiring:    `{"kind":"credits_expiring","grant":"acme:7","remaining":"420","expires_at":"2026-03-16T09:30:00Z"}`,
		notify.CreditsExpired:     `{"grant":"acme:7","amount":"420"}`,
		notify.LeavingFreeProgram: `{"kind":"leaving_free_program","connection":"faker-to-warehouse","ga_at":"2026-02-28T09:30:00Z"}`,
		notify.AutoPurchaseCapped: `{"kind":"auto_purchase_capped","auto_purchases":8}`,
		notify.WebhookDisabled:    `{"kind":"webhook_disabled","endpoint":"main","reason":"HTTP 410"}`,
		notify.Runaway:            `{"kind":"runaway","connection":"faker-to-warehouse","job":4711,"used":"1250.5","usual":"42"}`,
	}
	return noticeOf(kind, data[kind])
}

// The request in the document is one that this package makes, and its secret verifies it.
func TestDocumentedRequest(t *testing.T) {
	doc := readDoc(t)
	request := regexp.MustCompile(`(?s)webhook-id: (\S+)\nwebhook-timestamp: (\d+)\nwebhook-signature: ([^\n]+)\n\n(.*?)\n` + "```").FindStringSubmatch(doc)
	secret := regexp.MustCompile("`(whsec_[^`]{20,})`").FindStringSubmatch(doc)
	if request == nil || secret == nil {
		t.Fatal("no request or secret is documented")
	}
	body, err := Payload(exampleOf(notify.LowBalance))
	if err != nil || request[4] != string(body) {
		t.Errorf("documented body %s, sent is %s (%v)", request[4], body, err)
	}
	var seconds int64
	if _, err := fmt.Sscan(request[2], &seconds); err != nil {
		t.Fatal(err)
	}
	at := time.Unix(seconds, 0)
	secrets := secretsOf(t, testMaster, "")
	if want := secrets.signatures("acme", &drawdown.Webhook{Endpoint: "main", SecretVersion: 1}, request[1], at, body); request[3] != want {
		t.Errorf("documented signature %s, sent is %s", request[3], want)
	}
	verifier, err := standardwebhooks.NewWebhook(secret[1])
	if err != nil {
		t.Fatal(err)
	}
	header := http.Header{"Webhook-Id": {request[1]}, "Webhook-Timestamp": {request[2]}, "Webhook-Signature": {request[3]}}
	if err := verifier.VerifyIgnoringTimestamp(body, header); err != nil {
		t.Error(err)
	}
}

// The code in the document is the code that is compiled and tested here.
func TestDocumentedCode(t *testing.T) {
	source, err := os.ReadFile("verify_example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, code, _ := strings.Cut(string(source), "// begin: the example in docs/webhooks.md\n\n")
	code, _, _ = strings.Cut(code, "\n// end\n")
	if len(code) < 100 || !strings.Contains(readDoc(t), "```go\n"+code+"```") {
		t.Errorf("docs/webhooks.md should have\n%s", code)
	}
}

// The waits in the document are those of the schedule.
func TestDocumentedWaits(t *testing.T) {
	doc, total := readDoc(t), time.Duration(0)
	for i, wait := range waits {
		total += wait
		row := fmt.Sprintf("| %d | %s | %s |", i+2, short(wait), short(total))
		if !strings.Contains(doc, row) {
			t.Errorf("docs/webhooks.md lacks the row %s", row)
		}
	}
}

// short is a duration without the units that are zero.
func short(d time.Duration) string {
	var parts []string
	for _, unit := range []struct {
		length time.Duration
		name   string
	}{{time.Hour, "h"}, {time.Minute, "min"}, {time.Second, "s"}} {
		if n := d / unit.length; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, unit.name))
		}
		d %= unit.length
	}
	return strings.Join(parts, " ")
}
