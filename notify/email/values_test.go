package email

import (
	"encoding/json"
	"strings"
	"testing"

	"drawdown/notify"
)

func TestAmountsAreShownExactly(t *testing.T) {
	for written, want := range map[string]string{
		"0":                    "0 credits",
		"1":                    "1 credit",
		"-1":                   "-1 credits",
		"0.000000001":          "0.000000001 credits",
		"999":                  "999 credits",
		"1000":                 "1,000 credits",
		"-123456.5":            "-123,456.5 credits",
		"1234567.125":          "1,234,567.125 credits",
		"9007199254740993.1":   "9,007,199,254,740,993.1 credits", // 2^53 + 1
		"99999999999999999999": "99,999,999,999,999,999,999 credits",
	} {
		var a amount
		if err := json.Unmarshal([]byte(`"`+written+`"`), &a); err != nil || a.Credits() != want {
			t.Errorf("%s is shown as %s, want %s (%v)", written, a.Credits(), want, err)
		}
	}
}

func TestSigns(t *testing.T) {
	for a, want := range map[amount][2]bool{
		"0": {false, false}, "0.0": {false, false}, "-0": {false, false}, "0.01": {true, false}, "10": {true, false}, "-0.01": {false, true},
	} {
		if a.Positive() != want[0] || a.Negative() != want[1] {
			t.Errorf("%s: positive %t, negative %t", a, a.Positive(), a.Negative())
		}
	}
}

func TestTheTotalOfAReceiptIsTheExactSum(t *testing.T) {
	for _, test := range []struct{ amount, tax, price, taxAmount, total string }{
		{"11.70", `"0.94"`, "USD 11.70", "USD 0.94", "USD 12.64"},
		{"0.10", `"0.20"`, "USD 0.10", "USD 0.20", "USD 0.30"},
		{"500.00", `null`, "USD 500.00", "", "USD 500.00"},
		{"90071992547409.93", `"0.01"`, "USD 90,071,992,547,409.93", "USD 0.01", "USD 90,071,992,547,409.94"},
		{"1000000000000000.00", `"1000000000000000.00"`, "USD 1,000,000,000,000,000.00", "USD 1,000,000,000,000,000.00", "USD 2,000,000,000,000,000.00"},
	} {
		n := withData(t, notify.PurchaseSettled, `{"purchase":"a:1","kind":"auto","quantity":"1","amount":"`+test.amount+`","currency":"USD","tax":`+test.tax+`}`)
		subject, text, _, err := Render(n, nil, seller())
		if err != nil {
			t.Fatal(err)
		}
		if subject != "Receipt: 1 credit for "+test.total || !strings.Contains(text, "  Price: "+test.price+"\n") ||
			!strings.Contains(text, "  Total paid: "+test.total+"\n") || strings.Contains(text, "  Tax: "+test.taxAmount+"\n") != (test.taxAmount != "") {
			t.Errorf("%s and %s: %s\n%s", test.amount, test.tax, subject, text)
		}
	}
}

func TestOnlyASafeReceiptIsALink(t *testing.T) {
	long := "https://pay.example.com/receipts/" + strings.Repeat("x", 400)
	for receipt, link := range map[string]bool{
		"https://pay.example.com/r/1":         true,
		long:                                  true,
		"http://pay.example.com/r/1":          false,
		"HTTPS://pay.example.com/r/1":         true,
		"https://":                            false,
		"https://user:word@pay.example.com/":  false,
		"javascript:alert(1)":                 false,
		"data:text/html,x":                    false,
		"//pay.example.com/r/1":               false,
		"2026-0001":                           false,
		"https://pay.example.com/ x":          false,
		"https://pay.example.com/\"onclick=x": false,
	} {
		quoted, err := json.Marshal(receipt)
		if err != nil {
			t.Fatal(err)
		}
		n := withData(t, notify.PurchaseSettled, `{"purchase":"a:1","kind":"auto","quantity":"1","amount":"2.50","currency":"USD","receipt":`+string(quoted)+`}`)
		_, text, markup, err := Render(n, nil, seller())
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(markup, "Open the receipt"); got != link {
			t.Errorf("%s is a link: %t", receipt, got)
		}
		if !strings.Contains(text, receipt) {
			t.Errorf("%s is not shown in\n%s", receipt, text)
		}
	}
}

func TestEveryReasonIsASentence(t *testing.T) {
	generic := reason("processing_error").String()
	for _, known := range []reason{"card_declined", "expired_card", "insufficient_funds", "authentication_required", "no_payment_method", "timeout"} {
		if known.String() == generic || !strings.HasSuffix(known.String(), ".") || strings.Contains(known.String(), "_") {
			t.Errorf("%s is %q", known, known.String())
		}
	}
	n := withData(t, notify.PaymentFailed, `{"purchase":"a:1","reason":"<b>weird_code</b>"}`)
	_, text, markup, err := Render(n, nil, seller())
	if err != nil || !strings.Contains(text, generic) || strings.Contains(text+markup, "weird_code") {
		t.Errorf("%v in\n%s", err, text)
	}
}

func TestNamesAreOneVisibleLine(t *testing.T) {
	for written, want := range map[string]name{
		"orders":                    "orders",
		" a \r\n\t b ":              "a b",
		"a\u0000b\u2028c":           "a b c",
		"\u202etxt.exe\u200b":       "txt.exe",
		"":                          "–",
		"\u200b":                    "–",
		strings.Repeat("ü", 300):    name(strings.Repeat("ü", 199) + "…"),
		"<script>alert(1)</script>": "<script>alert(1)</script>", // the templates escape it
	} {
		if got := clean(written); got != want {
			t.Errorf("%q becomes %q, want %q", written, got, want)
		}
	}
}

func TestFillKeepsFactsAndLinks(t *testing.T) {
	const text = "One two\nthree.\n\n  Fact: kept as it is\n  Other: fact\n\nSee here:\nhttps://example.com/\n\n--\nend of it"
	const want = "One two three.\n\n  Fact: kept as it is\n  Other: fact\n\nSee here:\nhttps://example.com/\n\n--\nend of it"
	if got := fill(text); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	long := strings.Repeat("word ", 40) + strings.Repeat("x", 100) + " end."
	for _, line := range strings.Split(fill(long), "\n") {
		if len(line) > lineRunesMax && line != strings.Repeat("x", 100) {
			t.Errorf("a line of %d: %s", len(line), line)
		}
	}
}
