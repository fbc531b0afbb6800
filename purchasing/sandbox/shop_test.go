package sandbox_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"drawdown"
	"drawdown/purchasing"
	"drawdown/purchasing/sandbox"
)

const (
	successURL = "https://shop.example/billing?paid=1"
	cancelURL  = "https://shop.example/billing"
)

// shop is two processes of one deployment: where sessions begin, and where their pages are.
type shop struct {
	t     *testing.T
	desk  *sandbox.Gateway
	pages http.Handler
	told  []purchasing.Event
}

func newShop(t *testing.T) *shop {
	s := &shop{t: t, desk: sandbox.New(shopConfig())}
	s.restart()
	return s
}

func shopConfig() sandbox.Config {
	c := sandbox.Default()
	c.Key = bytes.Repeat([]byte("k"), 32)
	return c
}

// restart replaces the process that serves pages by one that knows nothing.
func (s *shop) restart() {
	c := shopConfig()
	c.Told = func(e purchasing.Event) { s.told = append(s.told, e) }
	s.pages = sandbox.New(c).Pages()
}

func visitor(key string) purchasing.Visitor {
	return purchasing.Visitor{Account: "acme", Key: key, SuccessURL: successURL, CancelURL: cancelURL}
}

func (s *shop) order(purchase string, plan *drawdown.Plan, quantity int64) string {
	s.t.Helper()
	session, err := s.desk.Order(s.t.Context(), &purchasing.Order{Visitor: visitor(purchase), Purchase: purchase, Plan: plan, Quantity: quantity})
	if err != nil {
		s.t.Fatal(err)
	}
	return path(s.t, session.URL)
}

func (s *shop) saveCard(key string, backup bool) string {
	s.t.Helper()
	session, err := s.desk.SaveCard(s.t.Context(), &purchasing.CardSetup{Visitor: visitor(key), Backup: backup})
	if err != nil {
		s.t.Fatal(err)
	}
	return path(s.t, session.URL)
}

// path is an address as the server sees it.
func path(t *testing.T, address string) string {
	t.Helper()
	after, ours := strings.CutPrefix(address, "http://localhost:9470/sandbox/")
	if !ours {
		t.Fatalf("address %s is not below the base", address)
	}
	return "/sandbox/" + after
}

func (s *shop) get(path string) (int, string, http.Header) {
	answer := httptest.NewRecorder()
	s.pages.ServeHTTP(answer, httptest.NewRequestWithContext(s.t.Context(), http.MethodGet, path, nil))
	return answer.Code, answer.Body.String(), answer.Header()
}

// post sends a form, given as name, value, …, and returns where the visitor is sent.
func (s *shop) post(path string, fields ...string) (int, string) {
	form := url.Values{}
	for n := 0; n < len(fields); n += 2 {
		form.Set(fields[n], fields[n+1])
	}
	r := httptest.NewRequestWithContext(s.t.Context(), http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer := httptest.NewRecorder()
	s.pages.ServeHTTP(answer, r)
	return answer.Code, answer.Header().Get("Location")
}

// pay orders what the page shows.
func (s *shop) pay(path, quantity, card string, more ...string) (int, string) {
	return s.post(path, append([]string{"quantity", quantity, "shown", quantity, "card", card}, more...)...)
}

// follow opens the page that an answer leads to and expects texts on it.
func (s *shop) follow(path, location string, texts ...string) {
	s.t.Helper()
	status, page, _ := s.get(strings.Split(path, "?")[0] + location)
	if status != http.StatusOK {
		s.t.Fatalf("%s: status %d", location, status)
	}
	for _, text := range texts {
		if !strings.Contains(page, text) {
			s.t.Errorf("%s: the page lacks %q:\n%s", location, text, page)
		}
	}
}

func maker() *drawdown.Plan {
	return &drawdown.Plan{ID: "make-10k", Currency: "USD", Subscription: &drawdown.Subscription{Credits: 10_000 * drawdown.Credit, Price: dollars("9.00")}}
}

func (s *shop) subscribe(key string, plan *drawdown.Plan) string {
	s.t.Helper()
	session, err := s.desk.Subscribe(s.t.Context(), &purchasing.SubscriptionOrder{Visitor: visitor(key), Price: "price_10k", Plan: plan})
	if err != nil {
		s.t.Fatal(err)
	}
	return path(s.t, session.URL)
}
