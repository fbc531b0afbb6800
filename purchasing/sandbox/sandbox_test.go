package sandbox_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"drawdown"
	"drawdown/purchasing"
	"drawdown/purchasing/gatewaytest"
	"drawdown/purchasing/sandbox"
)

var methods = map[gatewaytest.Card]string{
	gatewaytest.Pays: sandbox.OK, gatewaytest.IsDeclined: sandbox.Declined, gatewaytest.LacksFunds: sandbox.InsufficientFunds,
	gatewaytest.IsExpired: sandbox.Expired, gatewaytest.NeedsAuthentication: sandbox.Authentication,
	gatewaytest.LosesReplies: sandbox.Flaky, gatewaytest.Decides: sandbox.Pending, gatewaytest.NeverAnswers: sandbox.Timeout,
}

func TestSandboxConforms(t *testing.T) {
	gatewaytest.Run(t, func(*testing.T) *gatewaytest.Subject {
		g := sandbox.New(sandbox.Config{SlowDelay: time.Hour})
		return &gatewaytest.Subject{
			Gateway: g, Now: time.Now, Decide: g.Decide,
			Method: func(c gatewaytest.Card) drawdown.PaymentMethod {
				return drawdown.PaymentMethod{Method: methods[c] + "-acme"}
			},
			Charged: func() map[string]gatewaytest.Charged {
				all := map[string]gatewaytest.Charged{}
				for purchase, c := range g.Charges() {
					all[purchase] = gatewaytest.Charged(c)
				}
				return all
			},
		}
	})
}

func payment(method string) *purchasing.Payment {
	return &purchasing.Payment{
		Account: "acme", Purchase: "acme:1", Attempt: 1, Payer: drawdown.PaymentMethod{Method: method}, Quantity: 200 * drawdown.Credit,
		Amount: dollars("500.00"), Currency: "USD",
	}
}

func dollars(s string) drawdown.Money {
	m, ok := drawdown.ParseMoney([]byte(s))
	if !ok {
		panic(s)
	}
	return m
}

func TestDelays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := sandbox.New(sandbox.Config{Delay: time.Second, SlowDelay: time.Minute})
		for method, want := range map[string]time.Duration{sandbox.OK: time.Second, sandbox.Slow: time.Minute} {
			start := time.Now()
			p := payment(method)
			p.Purchase += method
			if r, err := g.Pay(t.Context(), p); err != nil || r.State != purchasing.Paid || time.Since(start) != want {
				t.Errorf("%s: %s after %s, %v", method, r.State, time.Since(start), err)
			}
		}
		p := payment(sandbox.Pending)
		for _, want := range []purchasing.State{purchasing.Pending, purchasing.Paid} {
			if r, err := g.Pay(t.Context(), p); err != nil || r.State != want {
				t.Errorf("pending: %s, %v, want %s", r.State, err, want)
			}
			time.Sleep(time.Minute) // virtual
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		p.Purchase = "acme:2"
		if _, err := g.Pay(ctx, payment(sandbox.Slow)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a slow payment outlived its context: %v", err)
		}
	})
}

func plan() *drawdown.Plan {
	price := drawdown.UnitPrice(2_500_000_000)
	return &drawdown.Plan{ID: "airbyte-cloud", Currency: "USD", Purchase: drawdown.PurchaseTerms{Unit: 1, Min: 100, Max: 999, Default: 200, UnitPrice: &price}}
}

func TestSessions(t *testing.T) {
	var told []purchasing.Event
	c := sandbox.Default()
	c.Told = func(e purchasing.Event) { told = append(told, e) }
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	g := sandbox.New(c)
	visitor := purchasing.Visitor{Account: "acme", Key: "k1"}
	card, err := g.SaveCard(t.Context(), &purchasing.CardSetup{Visitor: visitor, Backup: true})
	if err != nil {
		t.Fatal(err)
	}
	if again, err := g.SaveCard(t.Context(), &purchasing.CardSetup{Visitor: visitor, Backup: true}); err != nil || again != card {
		t.Errorf("the same key gave another session: %+v, %v", again, err)
	}
	if err := g.Complete(card.ID, sandbox.Completion{Method: sandbox.InsufficientFunds}); err != nil {
		t.Fatal(err)
	}
	if err := g.Complete(card.ID, sandbox.Completion{Method: sandbox.OK}); err == nil {
		t.Error("a session was completed twice")
	}
	visitor.Key = "k2"
	order, err := g.Order(t.Context(), &purchasing.Order{Visitor: visitor, Purchase: "order-1", Plan: plan(), Quantity: 200})
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Complete(order.ID, sandbox.Completion{Method: sandbox.Declined}); !errors.Is(err, sandbox.ErrRefused) {
		t.Errorf("a refused card paid: %v", err)
	}
	if err := g.Complete(order.ID, sandbox.Completion{Method: sandbox.OK, Quantity: 1000}); err == nil {
		t.Error("more was bought than the plan allows")
	}
	if err := g.Complete(order.ID, sandbox.Completion{Method: sandbox.OK, Quantity: 300}); err != nil {
		t.Fatal(err)
	}
	if _, err := g.Refund("order-1", dollars("250.00"), "asked for"); err != nil {
		t.Fatal(err)
	}
	if _, err := g.Refund("order-1", dollars("500.01"), "too much"); err == nil {
		t.Error("more was refunded than was charged")
	}
	if len(told) != 3 {
		t.Fatalf("%d events, want 3", len(told))
	}
	saved, isSaved := told[0].What.(*purchasing.CardSaved)
	paid, isPaid := told[1].What.(*purchasing.OrderPaid)
	back, isBack := told[2].What.(*purchasing.MoneyReturned)
	if !isSaved || !isPaid || !isBack {
		t.Fatalf("events %+v", told)
	}
	if !saved.Backup || saved.Payer.Method != sandbox.InsufficientFunds || saved.Payer.Customer != card.Customer {
		t.Errorf("saved %+v", saved)
	}
	if paid.Quantity != 300*drawdown.Credit || paid.Amount.String() != "750.00" || paid.Purchase != "order-1" {
		t.Errorf("paid %+v", paid)
	}
	if back.Quantity != 100*drawdown.Credit || back.Purchase != "order-1" {
		t.Errorf("returned %+v", back)
	}
	n := 0
	for e, err := range g.Since(t.Context(), time.Time{}) {
		if err != nil || e.ID != told[n].ID {
			t.Errorf("event %d: %+v, %v", n, e, err)
		}
		n++
	}
	if n != 3 {
		t.Errorf("%d events since the beginning, want 3", n)
	}
}

func TestSubscriptions(t *testing.T) {
	g := sandbox.New(sandbox.Default())
	s, err := g.Subscribe(t.Context(), &purchasing.SubscriptionOrder{Visitor: purchasing.Visitor{Account: "acme"}, Price: "price_10k"})
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Complete(s.ID, sandbox.Completion{Method: sandbox.OK}); err != nil {
		t.Fatal(err)
	}
	var id string
	for e := range g.Since(t.Context(), time.Time{}) {
		id = e.What.(*purchasing.SubscriptionChanged).Subscription
	}
	if err := g.ChangeSubscription(id, func(s *purchasing.Subscription) { s.NextPrice = "" }); err != nil {
		t.Fatal(err)
	}
	x, err := g.Subscription(t.Context(), id)
	if err != nil || x.State != purchasing.SubscriptionActive || x.Price != "price_10k" || x.NextPrice != "" || x.Account != "acme" {
		t.Errorf("subscription %+v, %v", x, err)
	}
}

func TestNothingIsReceived(t *testing.T) {
	_, err := sandbox.New(sandbox.Default()).Receive(t.Context(), nil, []byte(`{}`))
	var refused *purchasing.RefusedError
	if !errors.As(err, &refused) || refused.Reason != purchasing.Unsigned {
		t.Errorf("error %v", err)
	}
}

func TestConfigIsChecked(t *testing.T) {
	bad := sandbox.Config{Delay: -1, SlowDelay: time.Hour, BaseURL: "nowhere"}
	if joined, ok := bad.Validate().(interface{ Unwrap() []error }); !ok || len(joined.Unwrap()) != 3 {
		t.Errorf("faults: %v", bad.Validate())
	}
}
