package email

import (
	"encoding/json"
	"flag"
	"html"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"drawdown"
	"drawdown/notify"
)

var update = flag.Bool("update", false, "write what is rendered into testdata")

// seller is the configuration that the golden files are rendered with.
func seller() Config {
	c := Default()
	c.Addr = "mail.example.com:587"
	c.From = "Example Sync <billing@example.com>"
	c.SellerName = "Example Sync"
	c.BillingURL = "https://app.example.com/billing/{account}"
	c.SupportEmail = "help@example.com"
	return c
}

func sample(t *testing.T, kind notify.Kind) *notify.Notice {
	t.Helper()
	at := slices.IndexFunc(Samples(), func(n *notify.Notice) bool { return n.Kind == kind })
	if at < 0 {
		t.Fatalf("there is no sample of kind %s", kind)
	}
	return Samples()[at]
}

// withData is the sample of a kind with other data.
func withData(t *testing.T, kind notify.Kind, data string) *notify.Notice {
	t.Helper()
	n := sample(t, kind)
	n.Data = json.RawMessage(data)
	return n
}

func packPlan() *drawdown.Plan {
	return &drawdown.Plan{
		ID:           "make-10k",
		Subscription: &drawdown.Subscription{Credits: 80_000 * drawdown.Credit},
		AutoPurchase: &drawdown.AutoPurchase{Pack: 10_000, Cap: drawdown.Cap{Kind: drawdown.CapSubscription}},
	}
}

func TestEveryKindHasEverythingAndNothingElseDoes(t *testing.T) {
	var want []string
	for _, kind := range notify.Kinds {
		if _, known := contents[kind]; !known {
			t.Errorf("%s has no contents", kind)
		}
		want = append(want, string(kind)+".html", string(kind)+".txt")
	}
	if len(contents) != len(notify.Kinds) {
		t.Errorf("there are contents of %d kinds, want %d", len(contents), len(notify.Kinds))
	}
	want = append(want, "layout.html", "layout.txt")
	slices.Sort(want)
	entries, err := files.ReadDir("templates")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, entry := range entries {
		got = append(got, entry.Name())
	}
	if !slices.Equal(got, want) {
		t.Errorf("templates are %q, want %q", got, want)
	}
	var sampled []notify.Kind
	for _, n := range Samples() {
		sampled = append(sampled, n.Kind)
	}
	if !slices.Equal(sampled, notify.Kinds) {
		t.Errorf("samples are %q, want one of each kind: %q", sampled, notify.Kinds)
	}
}

// variants are notices that take another way through their templates than the samples.
func variants(t *testing.T) map[string]rendering {
	noMethod := &drawdown.Profile{Account: "acme", Plan: packPlan()}
	withMethod := &drawdown.Profile{Account: "acme", Plan: packPlan(), Primary: drawdown.PaymentMethod{Method: "pm_1"}}
	return map[string]rendering{
		"low_balance.overdrawn":         {withData(t, notify.LowBalance, `{"available":"-1234.000000001"}`), withMethod},
		"low_balance.no_method":         {sample(t, notify.LowBalance), noMethod},
		"usage_percent.all":             {withData(t, notify.UsagePercent, `{"percent":100,"used":"80000"}`), noMethod},
		"exhausted.no_method":           {sample(t, notify.Exhausted), noMethod},
		"exhausted.payment_failed":      {withData(t, notify.Exhausted, `{"from":"purchasing","to":"payment_failed"}`), withMethod},
		"resumed.purchasing":            {withData(t, notify.Resumed, `{"from":"exhausted","to":"purchasing"}`), nil},
		"resumed.grace":                 {withData(t, notify.Resumed, `{"from":"exhausted","to":"grace"}`), nil},
		"purchase_settled.manual":       {withData(t, notify.PurchaseSettled, `{"purchase":"cs_1","kind":"manual","quantity":"1","amount":"2.50","currency":"EUR","tax":null,"receipt":null}`), nil},
		"purchase_settled.reference":    {withData(t, notify.PurchaseSettled, `{"purchase":"cs_1","kind":"manual","quantity":"200","amount":"500.00","currency":"EUR","tax":"0.00","receipt":"2026-1234"}`), nil},
		"payment_declined.now":          {withData(t, notify.PaymentDeclined, `{"purchase":"acme:8","attempt":1,"reason":"expired_card","retry_at":"2026-03-02T09:30:00Z","method":"backup"}`), nil},
		"payment_failed.authentication": {withData(t, notify.PaymentFailed, `{"purchase":"acme:8","reason":"authentication_required"}`), nil},
		"purchase_refunded.unused":      {withData(t, notify.PurchaseRefunded, `{"grant":"acme:7","amount":"1","overdraft":"0"}`), nil},
		"purchase_refunded.nothing":     {withData(t, notify.PurchaseRefunded, `{"grant":"acme:7","amount":"0","overdraft":"0"}`), nil},
		"credits_expiring.one":          {withData(t, notify.CreditsExpiring, `{"grant":"acme:3","remaining":"1","expires_at":"2026-04-01T00:00:00Z"}`), nil},
		"credits_expired.one":           {withData(t, notify.CreditsExpired, `{"grant":"acme:3","amount":"1"}`), nil},
		"runaway.one":                   {withData(t, notify.Runaway, `{"connection":"c","job":1,"used":"1","usual":"0"}`), nil},
		"auto_purchase_capped.plan":     {sample(t, notify.AutoPurchaseCapped), withMethod},
		"auto_purchase_capped.limit":    {withData(t, notify.AutoPurchaseCapped, `{"auto_purchases":2}`), withMethod},
	}
}

type rendering struct {
	notice  *notify.Notice
	profile *drawdown.Profile
}

// TestGolden compares what is rendered with testdata; `go test ./notify/email -run Golden -update` writes it anew.
func TestGolden(t *testing.T) {
	all := variants(t)
	for _, n := range Samples() {
		all[string(n.Kind)] = rendering{n, nil}
	}
	var want []string
	for name, r := range all {
		subject, text, html, err := Render(r.notice, r.profile, seller())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		golden(t, name+".txt", "Subject: "+subject+"\n\n"+text+"\n")
		golden(t, name+".html", html+"\n")
		want = append(want, name+".txt", name+".html")
		sameFacts(t, name, text, html)
	}
	slices.Sort(want)
	found, err := filepath.Glob("testdata/golden/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range found {
		if !slices.Contains(want, filepath.Base(path)) {
			t.Errorf("%s is of no notice that is rendered", path)
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "golden", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: rendered\n%s\nwant\n%s", name, got, want)
	}
}

var (
	styleSheet     = regexp.MustCompile(`(?s)<(style|title)>.*?</(style|title)>`)
	tag            = regexp.MustCompile(`<[^>]*>`)
	attributeValue = regexp.MustCompile(`"[^"]*"`)
	word           = regexp.MustCompile(`[\p{L}\p{N}]+`)
)

// sameFacts checks that the two forms of a message say the same: the same words in the same order, but for links, whose
// addresses only the text shows.
func sameFacts(t *testing.T, name, text, markup string) {
	t.Helper()
	text = regexp.MustCompile(`https://\S+`).ReplaceAllString(text, "")
	shown := html.UnescapeString(tag.ReplaceAllString(styleSheet.ReplaceAllString(markup, ""), " "))
	got, want := word.FindAllString(shown, -1), word.FindAllString(text, -1)
	if !slices.Equal(got, want) {
		t.Errorf("%s: the HTML says\n%q\nand the text\n%q", name, got, want)
	}
}

func TestNoticesSayWhatHappenedAndWhatToDo(t *testing.T) {
	for _, n := range Samples() {
		subject, text, markup, err := Render(n, nil, seller())
		if err != nil {
			t.Fatal(err)
		}
		link := "https://app.example.com/billing/acme"
		if !strings.Contains(text, link) || !strings.Contains(markup, `href="`+link+`"`) {
			t.Errorf("%s: the billing page is not linked", n.Kind)
		}
		if !strings.Contains(strings.ToLower(text), "sync") {
			t.Errorf("%s: nothing is said of syncs", n.Kind)
		}
		if length := len([]rune(subject)); length > 78 {
			t.Errorf("%s: the subject has %d characters: %s", n.Kind, length, subject)
		}
		if strings.Contains(text, "<no value>") || strings.Contains(markup, "ZgotmplZ") {
			t.Errorf("%s: a template is not filled in:\n%s\n%s", n.Kind, text, markup)
		}
		for _, outside := range []string{"<img", "<script", "<link", "@import", "url(", " src="} {
			if strings.Contains(markup, outside) {
				t.Errorf("%s: the HTML has %q: messages load nothing", n.Kind, outside)
			}
		}
	}
}

func TestRenderingIsRepeatable(t *testing.T) {
	for _, n := range Samples() {
		subject, text, markup, err := Render(n, nil, seller())
		if err != nil {
			t.Fatal(err)
		}
		again, textAgain, markupAgain, err := Render(n, nil, seller())
		if err != nil || again != subject || textAgain != text || markupAgain != markup {
			t.Errorf("%s: the second rendering differs (%v)", n.Kind, err)
		}
	}
}

func TestFaultyNoticesAreErrors(t *testing.T) {
	for name, n := range map[string]*notify.Notice{
		"unknown kind":        {ID: "1-2-3", Kind: "lottery", Data: json.RawMessage(`{}`)},
		"no object":           {ID: "1-2-3", Kind: notify.LowBalance, Data: json.RawMessage(`[]`)},
		"no data":             {ID: "1-2-3", Kind: notify.LowBalance},
		"a member is missing": {ID: "1-2-3", Kind: notify.PaymentFailed, Data: json.RawMessage(`{"purchase":"a:1"}`)},
		"a member is null":    {ID: "1-2-3", Kind: notify.CreditsExpired, Data: json.RawMessage(`{"grant":"g","amount":null}`)},
		"a float":             {ID: "1-2-3", Kind: notify.LowBalance, Data: json.RawMessage(`{"available":19.5}`)},
		"an exponent":         {ID: "1-2-3", Kind: notify.LowBalance, Data: json.RawMessage(`{"available":"1e3"}`)},
		"no money":            {ID: "1-2-3", Kind: notify.PurchaseSettled, Data: json.RawMessage(`{"purchase":"a:1","kind":"auto","quantity":"1","amount":"1.5","currency":"USD"}`)},
		"no currency":         {ID: "1-2-3", Kind: notify.PurchaseSettled, Data: json.RawMessage(`{"purchase":"a:1","kind":"auto","quantity":"1","amount":"1.50","currency":"usd"}`)},
		"no time":             {ID: "1-2-3", Kind: notify.LeavingFreeProgram, Data: json.RawMessage(`{"connection":"c","ga_at":"tomorrow"}`)},
	} {
		if subject, text, markup, err := Render(n, nil, seller()); err == nil || subject+text+markup != "" {
			t.Errorf("%s: rendered %q, %v", name, subject, err)
		}
	}
}

func TestWhatStopsAutoPurchase(t *testing.T) {
	count := func(n int64) *drawdown.Plan {
		return &drawdown.Plan{AutoPurchase: &drawdown.AutoPurchase{Cap: drawdown.Cap{Kind: drawdown.CapCount, Count: n}}}
	}
	for _, test := range []struct {
		name          string
		plan          *drawdown.Plan
		autoPurchases int64
		want          stop
	}{
		{"no plan is known", nil, 8, stopUnknown},
		{"the plan has no auto-purchase", &drawdown.Plan{}, 8, stopUnknown},
		{"subscription of 8 packs, all bought", packPlan(), 8, stopPlan},
		{"subscription of 8 packs, 7 bought", packPlan(), 7, stopLimit},
		{"a count, reached", count(3), 3, stopPlan},
		{"a count of none", count(0), 0, stopPlan},
		{"a count, not reached", count(3), 2, stopLimit},
		{"no cap", &drawdown.Plan{AutoPurchase: &drawdown.AutoPurchase{}}, 1_000_000, stopLimit},
	} {
		notice := capped{AutoPurchases: test.autoPurchases}
		if got := notice.stop(test.plan); got != test.want {
			t.Errorf("%s: %d, want %d", test.name, got, test.want)
		}
	}
}

func TestTimesAreInUTC(t *testing.T) {
	n := sample(t, notify.CreditsExpired)
	n.At = time.Date(2026, time.January, 1, 1, 5, 0, 0, time.FixedZone("", 2*60*60))
	_, text, _, err := Render(n, nil, seller())
	if err != nil || !strings.Contains(text, "31 December 2025 at 23:05 UTC") {
		t.Errorf("%v in\n%s", err, text)
	}
}
