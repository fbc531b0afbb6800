package page_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"drawdown/api/page"
)

// visitor asks the page for things.
type visitor struct {
	t       *testing.T
	handler http.Handler
	who     string // "" for nobody
	cookies []*http.Cookie
}

// answered is what a visitor got.
type answered struct {
	status int
	header http.Header
	body   string
}

func configured() page.Config {
	c := page.DefaultConfig()
	c.Name, c.SalesURL, c.InvoiceURL, c.SupportURL = "Example Syncs", "https://example.com/sales", "mailto:billing@example.com", "https://example.com/help"
	return c
}

func visit(t *testing.T, o *fakeOffice, who string) *visitor {
	t.Helper()
	handler, err := page.New(configured(), page.Deps{Office: o, Sessions: sessions, Links: fakeLinks{"good": customer}})
	if err != nil {
		t.Fatal(err)
	}
	return &visitor{t: t, handler: handler, who: who}
}

func (v *visitor) send(r *http.Request) answered {
	v.t.Helper()
	if v.who != "" {
		r.AddCookie(&http.Cookie{Name: sessionCookie, Value: v.who})
	}
	for _, cookie := range v.cookies {
		r.AddCookie(cookie)
	}
	recorder := httptest.NewRecorder()
	v.handler.ServeHTTP(recorder, r)
	result := recorder.Result()
	body, err := io.ReadAll(result.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	v.cookies = append(v.cookies, result.Cookies()...)
	return answered{result.StatusCode, result.Header, string(body)}
}

func (v *visitor) get(path string) answered {
	v.t.Helper()
	return v.send(httptest.NewRequestWithContext(v.t.Context(), http.MethodGet, path, http.NoBody))
}

func (v *visitor) post(path string, form url.Values) answered {
	v.t.Helper()
	r := httptest.NewRequestWithContext(v.t.Context(), http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return v.send(r)
}

// text is a page without its tags.
func (a answered) text() string {
	var text strings.Builder
	inTag := false
	for _, r := range a.body {
		switch {
		case r == '<':
			inTag = true
			text.WriteByte(' ')
		case r == '>':
			inTag = false
		case !inTag:
			text.WriteRune(r)
		}
	}
	return strings.Join(strings.Fields(strings.NewReplacer("&#39;", "'", "&#34;", `"`, "&amp;", "&").Replace(text.String())), " ")
}

func (a answered) expect(t *testing.T, status int, texts ...string) {
	t.Helper()
	if a.status != status {
		t.Errorf("status %d, expected %d: %s", a.status, status, a.text())
	}
	for _, text := range texts {
		if !strings.Contains(a.text(), text) {
			t.Errorf("the page does not say %q:\n%s", text, a.text())
		}
	}
}

func (a answered) expectNot(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(a.text(), text) {
			t.Errorf("the page says %q:\n%s", text, a.text())
		}
	}
}

func TestEveryPageIsShown(t *testing.T) {
	v := visit(t, newOffice(), "customer")
	for path, text := range map[string]string{
		"/billing/": "Available credits 184.373", "/billing/usage": "Usage per connection", "/billing/syncs": "Syncs of all connections",
		"/billing/syncs/receipt?connection=shop+orders&job=41": "shop orders , job 41", "/billing/purchases": "What was bought",
		"/billing/auto-purchase": "What it does", "/billing/settings": "Tell us when",
	} {
		v.get(path).expect(t, http.StatusOK, text)
	}
}
