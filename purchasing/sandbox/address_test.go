package sandbox_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"drawdown/purchasing"
	"drawdown/purchasing/sandbox"
)

// TestWhatIsNotSignedIsNoSession changes each character of an address, and uses those of others.
func TestWhatIsNotSignedIsNoSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		page := s.order("order/1", plan(), 200)
		sealed := strings.TrimPrefix(page, "/sandbox/sessions/")
		addresses := []string{"/sandbox/sessions/x", "/sandbox/sessions/.x", "/sandbox/sessions/" + sealed + "A", "/sandbox/", "/sandbox/sessions/"}
		for n := range sealed {
			other := "A"
			if sealed[n] == 'A' {
				other = "B"
			}
			addresses = append(addresses, "/sandbox/sessions/"+sealed[:n]+other+sealed[n+1:])
		}
		foreign := sandbox.New(sandbox.Default()) // has a key of its own
		session, err := foreign.SaveCard(t.Context(), &purchasing.CardSetup{Visitor: visitor("k")})
		if err != nil {
			t.Fatal(err)
		}
		addresses = append(addresses, path(t, session.URL), "/sandbox/receipts/"+sealed, "/sandbox/receipts/x")
		for _, address := range addresses {
			if status, text, header := s.get(address); status != http.StatusNotFound || header.Get("Content-Security-Policy") == "" {
				t.Errorf("%s: status %d\n%s", address, status, text)
			}
			s.pay(address, "200", sandbox.OK)
		}
		if len(s.told) != 0 {
			t.Fatalf("told %+v", s.told)
		}
		s.pay(page, "200", sandbox.OK)
		receipt := s.told[0].What.(*purchasing.OrderPaid).Receipt
		if status, _, _ := s.get(strings.Replace(path(t, receipt), "receipts", "sessions", 1)); status != http.StatusNotFound {
			t.Errorf("a receipt is a session: status %d", status)
		}
	})
}

func TestSessionsEndAfterAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		page := s.order("order/1", plan(), 200)
		time.Sleep(time.Hour) // virtual
		s.follow(page, "", "Pay USD 500.00")
		time.Sleep(time.Second)
		status, text, _ := s.get(page)
		if status != http.StatusGone || !strings.Contains(text, "begin again") || !strings.Contains(text, cancelURL) {
			t.Fatalf("status %d\n%s", status, text)
		}
		if status, to := s.pay(page, "200", sandbox.OK); status != http.StatusGone || len(s.told) != 0 {
			t.Fatalf("paid: %d, %s", status, to)
		}
		again := s.order("order/1", plan(), 200)
		if again == page {
			t.Fatal("the session that ended was given again")
		}
		if _, to := s.pay(again, "200", sandbox.OK); to != successURL {
			t.Fatalf("sent to %s", to)
		}
	})
}

// TestOtherSitesSendNoForms: not even those who know a session's address.
func TestOtherSitesSendNoForms(t *testing.T) {
	s := newShop(t)
	for header, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, s.saveCard("k", false), strings.NewReader("card="+sandbox.OK))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set(header, value)
		answer := httptest.NewRecorder()
		s.pages.ServeHTTP(answer, r)
		if answer.Code != http.StatusForbidden || len(s.told) != 0 {
			t.Errorf("%s: status %d, told %d", header, answer.Code, len(s.told))
		}
	}
}

// TestPagesRunNothing: no script, and no style but the one whose hash is in the policy.
func TestPagesRunNothing(t *testing.T) {
	s := newShop(t)
	styles := regexp.MustCompile(`(?s)<style>(.*?)</style>`)
	for _, page := range []string{s.order("order/1", plan(), 200), s.saveCard("k", false), s.subscribe("k2", maker()), "/sandbox/nothing"} {
		_, text, header := s.get(page)
		policy := header.Get("Content-Security-Policy")
		found := styles.FindAllStringSubmatch(text, -1)
		if len(found) != 1 {
			t.Fatalf("%d styles", len(found))
		}
		sum := sha256.Sum256([]byte(found[0][1]))
		if !strings.Contains(policy, "style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") || strings.Contains(policy, "unsafe") ||
			!strings.HasPrefix(policy, "default-src 'none'") {
			t.Errorf("policy %s", policy)
		}
		if page != "/sandbox/nothing" && !strings.Contains(policy, "form-action 'self' https://shop.example;") {
			t.Errorf("the visitor can't come back: %s", policy)
		}
		if strings.Contains(text, "<script") || strings.Contains(text, "style=") || strings.Contains(text, "ZgotmplZ") {
			t.Errorf("the page:\n%s", text)
		}
		if header.Get("Cache-Control") != "no-store" || header.Get("Referrer-Policy") != "same-origin" {
			t.Errorf("headers %v", header)
		}
	}
}

// TestWhatIsShownIsEscaped: names come from elsewhere.
func TestWhatIsShownIsEscaped(t *testing.T) {
	s := newShop(t)
	bad := plan()
	bad.Currency = "<b>"
	_, text, _ := s.get(s.order("order/<i>", bad, 200) + "?said=%3Cu%3E&card=%22%3E%3Cu%3E")
	if strings.Contains(text, "<b>") || strings.Contains(text, "<i>") || strings.Contains(text, "<u>") {
		t.Errorf("the page:\n%s", text)
	}
	odd := visitor("odd")
	odd.SuccessURL, odd.CancelURL = "https://a;script-src *", "javascript:alert(1)"
	session, err := s.desk.SaveCard(t.Context(), &purchasing.CardSetup{Visitor: odd})
	if err != nil {
		t.Fatal(err)
	}
	_, text, header := s.get(path(t, session.URL))
	if strings.Contains(header.Get("Content-Security-Policy"), "script-src") || strings.Contains(text, "javascript") {
		t.Errorf("policy %s\n%s", header.Get("Content-Security-Policy"), text)
	}
}

// FuzzAddresses opens pages of any address and any question.
func FuzzAddresses(f *testing.F) {
	c := shopConfig()
	g := sandbox.New(c)
	session, err := g.Order(f.Context(), &purchasing.Order{Visitor: visitor("k"), Purchase: "order/1", Plan: plan(), Quantity: 200})
	if err != nil {
		f.Fatal(err)
	}
	sealed := strings.TrimPrefix(session.URL, c.BaseURL+"sessions/")
	f.Add(sealed, "300", "quantity", "pm_ok")
	f.Add(sealed, "", "confirm", "pm_authentication")
	f.Add("e30.AAAA", "x", "", "")
	pages := g.Pages()
	f.Fuzz(func(t *testing.T, address, quantity, said, card string) {
		query := url.Values{"quantity": {quantity}, "said": {said}, "card": {card}}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/sandbox/sessions/"+url.PathEscape(address)+"?"+query.Encode(), nil)
		answer := httptest.NewRecorder()
		pages.ServeHTTP(answer, r)
		if answer.Code >= 500 || answer.Code == http.StatusOK && address != sealed {
			t.Fatalf("status %d", answer.Code)
		}
	})
}
