package sandbox_test

import (
	"bytes"
	"context"
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

// TestAnOrderIsPaidWhereItDidNotBegin: the session travels in its address, and the receipt in its own, so that neither
// needs the process that made it.
func TestAnOrderIsPaidWhereItDidNotBegin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		page := s.order("order/1", plan(), 200)
		s.follow(page, "", "acme", `value="200"`, "200 credits", "at USD 2.50 each", "USD 500.00", "From 100 to 999 credits.", cancelURL)
		s.follow(page, "?quantity=300", `value="300"`, "USD 750.00", "Pay USD 750.00")
		for range 2 { // the second time, it was sent again
			if status, to := s.pay(page, "300", sandbox.OK); status != http.StatusSeeOther || to != successURL {
				t.Fatalf("paid: %d, %s", status, to)
			}
		}
		if len(s.told) != 1 {
			t.Fatalf("%d events, want 1", len(s.told))
		}
		paid := s.told[0].What.(*purchasing.OrderPaid)
		if paid.Purchase != "order/1" || paid.Quantity != 300*drawdown.Credit || paid.Amount.String() != "750.00" || paid.Currency != "USD" || s.told[0].Account != "acme" {
			t.Errorf("paid %+v", paid)
		}
		s.follow(page, "", "The order is paid", "Receipt")
		s.restart()
		s.follow(path(t, paid.Receipt), "", "acme", "order/1", "300 credits", "USD 750.00", "USD 0.00", "No money was taken", "1 January 2000, 00:00 UTC")
	})
}

// TestAnOrderThatIsPaidAgainIsTheSameEvent: the process that forgot that it was paid says nothing new to the log.
func TestAnOrderThatIsPaidAgainIsTheSameEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		for range 2 {
			page := s.order("order/1", plan(), 200)
			if _, to := s.pay(page, "200", sandbox.OK); to != successURL {
				t.Fatalf("sent to %s", to)
			}
			s.restart()
			s.desk = sandbox.New(shopConfig())
		}
		if len(s.told) != 2 || s.told[0].ID != s.told[1].ID || s.told[0].What.(*purchasing.OrderPaid).Purchase != s.told[1].What.(*purchasing.OrderPaid).Purchase {
			t.Fatalf("events %+v", s.told)
		}
	})
}

// TestTwoSessionsOfAnOrderArePaidOnce: the page was asked for twice, and both are open.
func TestTwoSessionsOfAnOrderArePaidOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		first := s.order("order/1", plan(), 200)
		time.Sleep(time.Minute) // virtual
		s.desk = sandbox.New(shopConfig())
		second := s.order("order/1", plan(), 400)
		if first == second {
			t.Fatal("the two have one address")
		}
		s.pay(first, "200", sandbox.OK)
		if _, to := s.pay(second, "400", sandbox.OK); to != successURL || len(s.told) != 1 {
			t.Fatalf("sent to %s after %d events", to, len(s.told))
		}
		s.follow(second, "", "The order is paid")
	})
}

func TestEachCardOfAnOrder(t *testing.T) {
	for _, test := range []struct {
		card, text string
		after      time.Duration
		paid       bool
	}{
		{sandbox.OK, "", 300 * time.Millisecond, true},
		{sandbox.Slow, "", 10 * time.Second, true},
		{sandbox.Declined, "The bank declined the card. Nothing was paid", 300 * time.Millisecond, false},
		{sandbox.InsufficientFunds, "not enough money", 300 * time.Millisecond, false},
		{sandbox.Expired, "The card has expired", 300 * time.Millisecond, false},
		{sandbox.Timeout, "The bank did not answer. Nothing was paid", 10 * time.Second, false},
		{sandbox.Flaky, "Choose one of the test cards", 0, false},
		{"pm_unknown", "Choose one of the test cards", 0, false},
		{"", "Choose one of the test cards", 0, false},
	} {
		t.Run(test.card, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newShop(t)
				page := s.order("order/1", plan(), 200)
				began := time.Now()
				status, to := s.pay(page, "200", test.card)
				if took := time.Since(began); took != test.after || status != http.StatusSeeOther {
					t.Errorf("status %d after %v, want %v", status, took, test.after)
				}
				if test.paid != (to == successURL) || test.paid != (len(s.told) == 1) {
					t.Fatalf("sent to %s with %d events", to, len(s.told))
				}
				if test.paid {
					return
				}
				s.follow(page, to, test.text, `role="alert"`)
				if _, to := s.pay(page, "200", sandbox.OK); to != successURL || len(s.told) != 1 {
					t.Errorf("another card: sent to %s with %d events", to, len(s.told))
				}
			})
		})
	}
}

func TestABankThatAsks(t *testing.T) {
	for _, subject := range []string{"order", "subscription"} {
		for answer, paid := range map[string]bool{"yes": true, "no": false, "": false} {
			t.Run(subject+" "+answer, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := newShop(t)
					page := s.order("order/1", plan(), 200)
					asks := []string{"Your bank asks", "200 credits", "USD 500.00"}
					if subject == "subscription" {
						page, asks = s.subscribe("k", maker()), []string{"Your bank asks", "USD 9.00"}
					}
					_, to := s.pay(page, "200", sandbox.Authentication)
					s.follow(page, to, asks...)
					if len(s.told) != 0 {
						t.Fatal("paid before the visitor confirmed it")
					}
					_, to = s.pay(page, "200", sandbox.Authentication, "confirmed", answer)
					if paid != (to == successURL) || paid != (len(s.told) == 1) {
						t.Fatalf("sent to %s with %d events", to, len(s.told))
					}
					if answer == "no" {
						s.follow(page, to, "You did not confirm", "Test card")
					}
				})
			})
		}
	}
}

// TestAConfirmationHelpsNoOtherCard: what the form says to the bank is not the bank's answer.
func TestAConfirmationHelpsNoOtherCard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		if _, to := s.pay(s.order("order/1", plan(), 200), "200", sandbox.Declined, "confirmed", "yes"); to == successURL || len(s.told) != 0 {
			t.Fatalf("sent to %s", to)
		}
	})
}

func TestQuantitiesKeepToThePlansTerms(t *testing.T) {
	packs := &drawdown.Plan{
		ID: "make", Currency: "USD", Purchase: drawdown.PurchaseTerms{Unit: 1000, Min: 1000, Max: 1_000_000, Default: 1000},
		Subscription: &drawdown.Subscription{Credits: 10_000 * drawdown.Credit, Price: dollars("9.00")},
	}
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		page := s.order("order/1", packs, 2000)
		for _, quantity := range []string{"1500", "0", "-1000", "1001000", "9223372036854775808", "1e3", "two", ""} {
			_, to := s.pay(page, quantity, sandbox.OK)
			s.follow(page, to, "USD 1.80")
			if quantity != "" {
				s.follow(page, to, "The quantity can&#39;t be ordered. From 1,000 to 1,000,000 credits, in steps of 1,000.")
			}
		}
		_, to := s.post(page, "quantity", "3000", "shown", "2000", "card", sandbox.OK)
		s.follow(page, to, "You changed the quantity", `value="3000"`, "USD 2.70", "at USD 0.0009 each")
		if len(s.told) != 0 {
			t.Fatalf("paid: %+v", s.told)
		}
		if _, to := s.pay(page, "1000000", sandbox.OK); to != successURL || s.told[0].What.(*purchasing.OrderPaid).Amount.String() != "900.00" {
			t.Fatalf("sent to %s, %+v", to, s.told)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		fixed := *packs
		fixed.Purchase.Max = 1000
		s := newShop(t)
		page := s.order("order/2", &fixed, 1000)
		if _, text, _ := s.get(page); strings.Contains(text, "Update total") {
			t.Error("there is nothing to adjust")
		}
		if _, to := s.pay(page, "1000", sandbox.OK); to != successURL {
			t.Errorf("sent to %s", to)
		}
	})
}

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

// TestEachSavedCardIsANewOne: the log takes a card that has been saved before for a repetition, and a customer may well go
// back to a card that pays.
func TestEachSavedCardIsANewOne(t *testing.T) {
	s := newShop(t)
	names := map[string]bool{}
	for n, card := range append([]string{sandbox.OK}, sandbox.Methods...) {
		page := s.saveCard("k"+string(rune('a'+n)), n%2 == 1)
		for range 2 { // sent twice
			if status, to := s.post(page, "card", card); status != http.StatusSeeOther || to != successURL {
				t.Fatalf("%s: %d, %s", card, status, to)
			}
		}
		if len(s.told) != n+1 {
			t.Fatalf("%s: %d events, want %d", card, len(s.told), n+1)
		}
		saved := s.told[n].What.(*purchasing.CardSaved)
		if names[saved.Payer.Method] || !strings.HasPrefix(saved.Payer.Method, card+"-") || saved.Backup != (n%2 == 1) || saved.Payer.Customer != "sandbox_customer_acme" {
			t.Errorf("saved %+v", saved)
		}
		names[saved.Payer.Method] = true
		s.follow(page, "", "The card is saved", successURL)
	}
	if _, to := s.post(s.saveCard("another", false), "card", "pm_unknown"); to == successURL || len(s.told) != len(names) {
		t.Errorf("a card that does not exist was saved: %s", to)
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

func TestASubscriptionIsPaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		s.follow(s.subscribe("nameless", nil), "", "price_10k")
		page := s.subscribe("k", maker())
		s.follow(page, "", "make-10k", "10,000 credits each month", "Pay USD 9.00")
		_, to := s.post(page, "card", sandbox.Declined)
		s.follow(page, to, "The bank declined the card")
		for range 2 {
			if _, to := s.post(page, "card", sandbox.OK); to != successURL {
				t.Fatalf("sent to %s", to)
			}
		}
		if len(s.told) != 1 || s.told[0].What.(*purchasing.SubscriptionChanged).Subscription == "" {
			t.Fatalf("told %+v", s.told)
		}
	})
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

// TestAVisitorWhoLeavesPaysNothing: the bank had not answered yet.
func TestAVisitorWhoLeavesPaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		page := s.order("order/1", plan(), 200)
		server := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, page,
			strings.NewReader("quantity=200&shown=200&card="+sandbox.Slow))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		ctx, leave := context.WithTimeout(t.Context(), time.Second)
		defer leave()
		s.pages.ServeHTTP(server, r.WithContext(ctx))
		if len(s.told) != 0 {
			t.Fatalf("told %+v", s.told)
		}
		s.follow(page, "", "Pay USD 500.00")
	})
}

// TestReceiptsOfPaymentsWithoutTheCustomer are pages as well, unless their address would be too long for a receipt.
func TestReceiptsOfPaymentsWithoutTheCustomer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		result, err := s.desk.Pay(t.Context(), payment(sandbox.OK))
		if err != nil {
			t.Fatal(err)
		}
		s.follow(path(t, result.Receipt), "", "acme:1", "200 credits", "USD 500.00")
		long := payment(sandbox.OK)
		long.Account, long.Purchase = strings.Repeat("a", 128), strings.Repeat("p", 192)
		if result, err = s.desk.Pay(t.Context(), long); err != nil || len(result.Receipt) > drawdown.MaxReceiptLen {
			t.Errorf("receipt of %d bytes, %v", len(result.Receipt), err)
		}
	})
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
