package page_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"drawdown/api/access"
	"drawdown/api/page"
)

// places are all pages that show an account; a page that is added belongs here.
var places = []string{"", "live", "usage", "syncs", "syncs/receipt?connection=c&job=41", "purchases", "returned", "auto-purchase", "settings"}

// forms are all forms that do something to an account.
var forms = []string{"purchases", "cards", "cards/removal", "auto-purchase", "program", "settings/contacts", "settings/priority", "settings/gate", "settings/acknowledgement"}

func TestNobodySeesAnothersAccount(t *testing.T) {
	o := newOffice()
	v := visit(t, o, "foreign")
	v.cookies = []*http.Cookie{{Name: "drawdown_begun", Value: "order.6f"}}
	for _, place := range places {
		for _, account := range []string{"", "acme"} { // of a customer's session the address chooses nothing
			address, _ := url.Parse("/billing/" + place)
			query := address.Query()
			query.Set("account", account)
			address.RawQuery = query.Encode()
			answer := v.get(address.String())
			answer.expect(t, http.StatusNotFound, "There is nothing here")
			answer.expectNot(t, "184.373", "shop orders")
		}
	}
	for _, form := range forms {
		v.post("/billing/"+form+"?account=acme", url.Values{"account": {"acme"}, "enabled": {"on"}, "email": {"a@b.example"}, "quantity": {"300"}}).expect(t, http.StatusNotFound)
	}
	if len(o.done) != 0 || len(o.keys) != 0 {
		t.Errorf("something was done: %+v", o.done)
	}
}

func TestNobodyWhoIsNotSignedInSeesAnything(t *testing.T) {
	o := newOffice()
	v := visit(t, o, "")
	for _, place := range places {
		answer := v.get("/billing/" + place)
		if place == "live" {
			answer.expect(t, http.StatusUnauthorized)
			continue
		}
		if at := answer.header.Get("Location"); answer.status != http.StatusSeeOther || !strings.HasPrefix(at, "/billing/signin") {
			t.Errorf("%q: %d to %q", place, answer.status, at)
		}
	}
	for _, form := range forms {
		v.post("/billing/"+form, url.Values{"enabled": {"on"}}).expect(t, http.StatusUnauthorized, "Sign in")
	}
	if len(o.done) != 0 {
		t.Errorf("something was done: %+v", o.done)
	}
}

func TestFormsOfOtherSitesAreRefused(t *testing.T) {
	o := newOffice()
	v := visit(t, o, "customer")
	for _, form := range append([]string{"link", "signout"}, forms...) {
		for header, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"} {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/billing/"+form, strings.NewReader("enabled=on&token=good"))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set(header, value)
			v.send(r).expect(t, http.StatusForbidden)
		}
	}
	if len(o.done) != 0 {
		t.Errorf("something was done: %+v", o.done)
	}
}

func TestHeadersKeepBrowsersFromBeingUsed(t *testing.T) {
	v := visit(t, newOffice(), "customer")
	for _, path := range append([]string{"signin", "link?token=t", "nothing", "assets/none.js"}, places...) {
		h := v.get("/billing/" + path).header
		csp := h.Get("Content-Security-Policy")
		expected := "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self' https://checkout.stripe.com; frame-ancestors 'none'; base-uri 'none'"
		if csp != expected {
			t.Errorf("%s: %s", path, csp)
		}
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "same-origin" || h.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v", path, h)
		}
	}
}

// inline is what the Content-Security-Policy forbids.
var inline = regexp.MustCompile(`(?i)<[^>]*\s(style|on[a-z]+)\s*=|<script(>|\s[^>]*>[^<])|<style|javascript:`)

func TestNothingIsInline(t *testing.T) {
	v := visit(t, newOffice(), "customer")
	for _, place := range append([]string{"signin", "link?token=t"}, places...) {
		if found := inline.FindString(v.get("/billing/" + place).body); found != "" {
			t.Errorf("%s: %s", place, found)
		}
	}
}

func TestAssetsAreKeptForEverUnderTheirNames(t *testing.T) {
	v := visit(t, newOffice(), "customer")
	found := regexp.MustCompile(`/billing/assets/[^"]+`).FindAllString(v.get("/billing/").body, -1)
	kinds := map[string]string{".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
	for _, path := range found {
		answer := v.get(path)
		if answer.status != 200 || !strings.HasPrefix(answer.header.Get("Content-Type"), kinds[path[strings.LastIndex(path, "."):]]) || !strings.Contains(answer.header.Get("Cache-Control"), "immutable") || answer.body == "" {
			t.Errorf("%s: %d %v", path, answer.status, answer.header)
		}
	}
	if len(found) < 3 {
		t.Errorf("only %v", found)
	}
}

func TestAnOperatorChoosesTheAccount(t *testing.T) {
	o := newOffice()
	v := visit(t, o, "operator")
	list := v.get("/billing/")
	list.expect(t, 200, "Choose an account", "acme", "More accounts")
	v.get("/billing/?cursor=second").expect(t, 200, "zeta")
	v.cookies = nil
	overview := v.get("/billing/?account=acme")
	overview.expect(t, 200, "Available credits 184.373", "All accounts")
	for _, path := range regexp.MustCompile(`(?:href|action|data-live)="(/billing/[^"#]*)`).FindAllStringSubmatch(overview.body, -1) {
		if p := path[1]; p != "/billing/" && p != "/billing/signout" && !strings.HasPrefix(p, "/billing/assets/") && !strings.Contains(p, "account=acme") {
			t.Errorf("%s forgets the account", p)
		}
	}
	at := v.post("/billing/settings/priority?account=acme", url.Values{"connection": {"shop orders"}, "priority": {"low"}}).header.Get("Location")
	if at != "/billing/settings?account=acme&said=priority_saved" {
		t.Errorf("it goes on to %q", at)
	}
	v.get("/billing/auto-purchase?account=acme&max_amount=5").expect(t, 200, "Your own limit is USD 5.00")
}

func TestALinkIsNotUsedUpByLookingAtIt(t *testing.T) {
	v := visit(t, newOffice(), "")
	for range 3 {
		v.get("/billing/link?token=good").expect(t, 200, "Continue")
	}
	answer := v.post("/billing/link", url.Values{"token": {"good"}})
	if at := answer.header.Get("Location"); answer.status != http.StatusSeeOther || at != "/billing/" || len(answer.header.Values("Set-Cookie")) != 1 {
		t.Errorf("%d to %q", answer.status, at)
	}
	v.get("/billing/").expect(t, 200, "Available credits")
	if at := v.post("/billing/link", url.Values{"token": {"good"}}).header.Get("Location"); at != "/billing/signin?said=sign_in_link_failed" {
		t.Errorf("the second time it goes to %q", at)
	}
	v.get("/billing/signin?said=sign_in_link_failed").expect(t, 200, "This link does not work any more")
	v.get("/billing/signin?said=Send+us+your+card+number").expectNot(t, "card number")
}

// fakeLogin is an identity provider.
type fakeLogin struct {
	returnTo string
	fails    error
}

func (l *fakeLogin) Begin(w http.ResponseWriter, r *http.Request, returnTo string) error {
	l.returnTo = returnTo
	http.Redirect(w, r, "https://id.example/", http.StatusSeeOther)
	return nil
}

func (l *fakeLogin) Finish(http.ResponseWriter, *http.Request) (*access.Principal, string, error) {
	return customer, l.returnTo, l.fails
}

func TestSigningInAtAnIdentityProvider(t *testing.T) {
	login := &fakeLogin{}
	handler, err := page.New(configured(), page.Deps{Office: newOffice(), Sessions: sessions, Links: fakeLinks{}, Login: login})
	if err != nil {
		t.Fatal(err)
	}
	v := &visitor{t: t, handler: handler}
	at := v.get("/billing/usage?window=weekly").header.Get("Location")
	begin := regexp.MustCompile(`href="(/billing/signin/begin[^"]*)"`).FindStringSubmatch(v.get(at).body)
	if begin == nil {
		t.Fatal("there is no way to the identity provider")
	}
	if to := v.get(strings.ReplaceAll(begin[1], "&amp;", "&")).header.Get("Location"); to != "https://id.example/" || login.returnTo != "/billing/usage?window=weekly" {
		t.Errorf("to %q and back to %q", to, login.returnTo)
	}
	if to := v.get("/billing/signin/finish").header.Get("Location"); to != "/billing/usage?window=weekly" {
		t.Errorf("back to %q", to)
	}
	for _, evil := range []string{"https://evil.example/", "//evil.example/", "/billing/../v1", "/other", `/billing/\evil`, "javascript:alert(1)"} {
		v.get("/billing/signin/begin?next=" + url.QueryEscape(evil))
		if login.returnTo != "/billing/" {
			t.Errorf("%s leads to %q", evil, login.returnTo)
		}
	}
	login.fails = errors.New("nonce")
	if to := v.get("/billing/signin/finish").header.Get("Location"); to != "/billing/signin?said=sign_in_failed" {
		t.Errorf("a failure leads to %q", to)
	}
	plain := visit(t, newOffice(), "")
	plain.get("/billing/signin").expect(t, 200, "the link to billing signs you in")
	plain.get("/billing/signin/begin").expect(t, 404)
	plain.get("/billing/signin/finish").expect(t, 404)
}

func TestAConfigurationReportsEveryFaultAtOnce(t *testing.T) {
	good := page.DefaultConfig()
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	bad := page.Config{
		SalesURL: "javascript:alert(1)", InvoiceURL: "mailto:", SupportURL: "https://user:pw@x.example",
		CheckoutOrigins: []string{"https://x.example/path", "https://x.example; script-src *"}, RefreshEvery: time.Millisecond, WriteWait: time.Hour,
	}
	err := bad.Validate()
	if err == nil {
		t.Fatal("it was taken")
	}
	for _, name := range []string{"name:", "sales_url:", "invoice_url:", "support_url:", "/path", "script-src", "refresh_every:", "write_wait:"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("nothing is said of %s: %v", name, err)
		}
	}
	if _, err := page.New(bad, page.Deps{}); err == nil {
		t.Error("a page was made of it")
	}
	if _, err := page.New(good, page.Deps{}); err == nil {
		t.Error("a page was made of nothing")
	}
}
