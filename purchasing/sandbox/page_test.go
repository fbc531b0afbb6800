package sandbox_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"drawdown"
	"drawdown/purchasing"
	"drawdown/purchasing/sandbox"
)

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
