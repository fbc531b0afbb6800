package stripe_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"drawdown"
	"drawdown/purchasing"
	"drawdown/purchasing/stripe"
	"drawdown/purchasing/stripe/fakestripe"
)

func payment(purchase string, now time.Time) *purchasing.Payment {
	return &purchasing.Payment{
		Account: "acme", Purchase: purchase, Attempt: 1, Payer: drawdown.PaymentMethod{Method: "pm_card", Customer: "cus_acme"},
		Quantity: 200 * drawdown.Credit, Amount: dollars("500.00"), Currency: "USD", RequestedAt: now,
	}
}

func dollars(s string) drawdown.Money {
	m, ok := drawdown.ParseMoney([]byte(s))
	if !ok {
		panic(s)
	}
	return m
}

// call is a method of a gateway.
type call func(context.Context, *purchasing.Payment) (purchasing.Result, error)

// insist pays as the purchaser does: again and again until there is no error.
func insist(ctx context.Context, p *purchasing.Payment, do call) (purchasing.Result, error) {
	pause := time.Millisecond
	for {
		result, err := do(ctx, p)
		if err == nil {
			return result, nil
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			return result, fmt.Errorf("%s: %w: %w", p.Key(), ctx.Err(), err)
		case <-timer.C:
		}
		pause = min(2*pause, 20*time.Millisecond)
	}
}

// TestFaultsNeverChargeTwice makes purchases while a third of all requests go wrong, in every way that a request can,
// by two processes at once, and cancels some of them.
func TestFaultsNeverChargeTwice(t *testing.T) {
	const purchases, seed = 300, 7
	gateway, fake := open(t, fakestripe.Options{Delay: time.Millisecond})
	rates := fakestripe.Often
	rates.StoreFailLater = 40
	fake.Faults(fakestripe.Seeded(seed, rates))
	fake.SetCard("pm_poor", fakestripe.Declines("insufficient_funds"))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()

	results := make([][2]purchasing.Result, purchases)
	var workers sync.WaitGroup
	slots := make(chan struct{}, 16)
	for n := range purchases {
		workers.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			p := payment(fmt.Sprintf("acme:%d", n), fake.Now())
			p.Payer.Customer = fmt.Sprintf("cus_%d", n%20)
			second := call(gateway.Pay)
			switch n % 10 {
			case 3:
				p.Payer.Method = "pm_poor"
			case 6:
				second = gateway.Cancel
			}
			var both sync.WaitGroup
			for side, do := range []call{gateway.Pay, second} {
				both.Go(func() {
					result, err := insist(ctx, p, do)
					if err != nil {
						t.Error(err)
					}
					results[n][side] = result
				})
			}
			both.Wait()
		})
	}
	workers.Wait()
	fake.Reconcile()
	charges := fake.Charges()
	for n, r := range results {
		charged := charges[fmt.Sprintf("acme:%d", n)].Count
		want := map[bool]purchasing.State{true: purchasing.Paid, false: r[0].State}[charged == 1]
		if charged > 1 || r[0].State != want || (r[1].State == purchasing.Paid) != (charged == 1) {
			t.Errorf("seed %d, purchase %d: charged %d times, said %s and %s", seed, n, charged, r[0].State, r[1].State)
		}
		switch n % 10 {
		case 3:
			if r[0].State != purchasing.Declined || r[0].Reason != "insufficient_funds" {
				t.Errorf("seed %d, purchase %d: %s (%s), want declined", seed, n, r[0].State, r[0].Reason)
			}
		case 6:
		default:
			if charged != 1 {
				t.Errorf("seed %d, purchase %d: not charged", seed, n)
			}
		}
	}
}

// failing makes one route fail in one way, the first times.
func failing(route string, f fakestripe.Fault, times int) func(fakestripe.Request) fakestripe.Fault {
	return func(r fakestripe.Request) fakestripe.Fault {
		if r.Route == route && times > 0 {
			times--
			return f
		}
		return fakestripe.None
	}
}

const (
	createRoute  = "POST /v1/payment_intents"
	confirmRoute = "POST /v1/payment_intents/{id}/confirm"
	cancelRoute  = "POST /v1/payment_intents/{id}/cancel"
)

// TestFaultOfEachStep has one step of a payment go wrong in each way, once or a few times over.
func TestFaultOfEachStep(t *testing.T) {
	faults := map[string]fakestripe.Fault{
		"lost request": fakestripe.LoseRequest, "lost reply": fakestripe.LoseReply, "429": fakestripe.Limit, "500 before": fakestripe.Fail,
		"500 after": fakestripe.FailDone, "500 stored": fakestripe.StoreFail, "500 stored, done": fakestripe.StoreFailDone,
		"500 stored, done later": fakestripe.StoreFailLater,
	}
	for _, route := range []string{createRoute, confirmRoute, cancelRoute} {
		for name, fault := range faults {
			for _, times := range []int{1, 3} {
				t.Run(fmt.Sprintf("%s: %s ×%d", route, name, times), func(t *testing.T) {
					gateway, fake := open(t, fakestripe.Options{})
					fake.SetCard("pm_poor", fakestripe.Declines("lost_card"))
					fake.Faults(failing(route, fault, times))
					ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
					defer cancel()

					p, poor := payment("acme:1", fake.Now()), payment("acme:2", fake.Now())
					poor.Payer.Method = "pm_poor"
					if route != cancelRoute {
						if r, err := insist(ctx, p, gateway.Pay); err != nil || r.State != purchasing.Paid {
							t.Fatalf("%s, %v", r.State, err)
						}
						fake.Reconcile()
						fake.Faults(failing(route, fault, times))
					}
					r, err := insist(ctx, poor, gateway.Pay)
					if err != nil || r.State != purchasing.Declined || r.Reason != "card_declined" {
						t.Fatalf("%s (%s), %v", r.State, r.Reason, err)
					}
					fake.Reconcile()
					again, err := insist(ctx, p, gateway.Pay)
					if err != nil || again.State != purchasing.Paid {
						t.Fatalf("again: %s, %v", again.State, err)
					}
					if got := fake.Charges(); got["acme:1"].Count != 1 || got["acme:2"].Count != 0 {
						t.Fatalf("charged %+v", got)
					}
				})
			}
		}
	}
}

// TestStoredErrorThatHappensLater: a request to create answers 500 for ever, and what it was to create appears hours
// later. Nobody charges that.
func TestStoredErrorThatHappensLater(t *testing.T) {
	gateway, fake := open(t, fakestripe.Options{})
	fake.Faults(failing(createRoute, fakestripe.StoreFailLater, 1))
	p := payment("acme:1", fake.Now())
	if _, err := gateway.Pay(t.Context(), p); err == nil {
		t.Fatal("a 500 that may not be stored is an error")
	}
	if r, err := gateway.Pay(t.Context(), p); err != nil || r.State != purchasing.Paid {
		t.Fatalf("%s, %v", r.State, err)
	}
	fake.Reconcile()
	for range 2 {
		if r, err := gateway.Pay(t.Context(), p); err != nil || r.State != purchasing.Paid {
			t.Fatalf("%s, %v", r.State, err)
		}
	}
	if r, err := gateway.Cancel(t.Context(), p); err != nil || r.State != purchasing.Paid {
		t.Fatalf("cancelled: %s, %v", r.State, err)
	}
	if got := fake.Charges()["acme:1"]; got.Count != 1 || got.Amount != 50000 {
		t.Fatalf("charged %+v", got)
	}
}

// TestParametersChanged: the card is replaced (or the configuration changed) between two tries of one attempt.
func TestParametersChanged(t *testing.T) {
	for name, change := range map[string]func(*purchasing.Payment){
		"method":              func(p *purchasing.Payment) { p.Payer.Method = "pm_new" },
		"method and customer": func(p *purchasing.Payment) { p.Payer = drawdown.PaymentMethod{Method: "pm_new", Customer: "cus_new"} },
	} {
		t.Run(name, func(t *testing.T) {
			gateway, fake := open(t, fakestripe.Options{})
			fake.Faults(failing(confirmRoute, fakestripe.Fail, 1))
			p := payment("acme:1", fake.Now())
			if _, err := gateway.Pay(t.Context(), p); err == nil {
				t.Fatal("the confirmation was to fail")
			}
			change(p)
			for range 2 {
				if r, err := gateway.Pay(t.Context(), p); err != nil || r.State != purchasing.Paid {
					t.Fatalf("%s, %v", r.State, err)
				}
			}
			if n := fake.Charges()["acme:1"].Count; n != 1 {
				t.Fatalf("charged %d times", n)
			}
		})
	}
}

// TestParametersChangedOfNothing: the key was used with other parameters, and nothing is to be seen of it.
func TestParametersChangedOfNothing(t *testing.T) {
	gateway, fake := open(t, fakestripe.Options{})
	fake.Faults(failing(createRoute, fakestripe.StoreFail, 1))
	p := payment("acme:1", fake.Now())
	if _, err := gateway.Pay(t.Context(), p); err == nil {
		t.Fatal("the creation was to fail")
	}
	p.Payer.Method = "pm_new"
	_, err := gateway.Pay(t.Context(), p)
	if err == nil || !strings.Contains(err.Error(), "idempotency_error") || !strings.Contains(err.Error(), "other parameters") {
		t.Fatalf("error %v does not say what is wrong", err)
	}
	if n := fake.Charges()["acme:1"].Count; n != 0 {
		t.Fatalf("charged %d times", n)
	}
}

// TestFindAfterKeysAreForgotten: a day later the key says nothing. What was charged is found by listing.
func TestFindAfterKeysAreForgotten(t *testing.T) {
	gateway, fake := open(t, fakestripe.Options{})
	fake.Faults(failing(confirmRoute, fakestripe.FailDone, 1))
	p := payment("acme:1", fake.Now())
	paid, err := gateway.Pay(t.Context(), p)
	if err != nil || paid.State != purchasing.Paid {
		t.Fatalf("%s, %v", paid.State, err)
	}
	for n := range 250 { // more than two pages of other payments
		if _, err := gateway.Pay(t.Context(), payment(fmt.Sprintf("acme:%d", n+2), fake.Now())); err != nil {
			t.Fatal(err)
		}
	}
	fake.Advance(fakestripe.KeyLife + time.Hour)
	for name, payer := range map[string]drawdown.PaymentMethod{"by customer": p.Payer, "with no method saved": {}} {
		late := *p
		late.Payer = payer
		if r, err := gateway.Find(t.Context(), &late); err != nil || r != paid {
			t.Errorf("%s: found %+v, %v; want %+v", name, r, err, paid)
		}
		if r, err := gateway.Cancel(t.Context(), &late); err != nil || r != paid {
			t.Errorf("%s: cancelled %+v, %v; want %+v", name, r, err, paid)
		}
	}
}

// TestCustomerIsLookedUp: the log does not say who a method belongs to.
func TestCustomerIsLookedUp(t *testing.T) {
	gateway, fake := open(t, fakestripe.Options{})
	fake.SetCard("pm_owned", fakestripe.Card{Customer: "cus_owner"})
	fake.SetCard("pm_loose", fakestripe.Card{})
	p := payment("acme:1", fake.Now())
	p.Payer = drawdown.PaymentMethod{Method: "pm_owned"}
	if r, err := gateway.Pay(t.Context(), p); err != nil || r.State != purchasing.Paid {
		t.Errorf("owned: %s, %v", r.State, err)
	}
	if r, err := gateway.Find(t.Context(), p); err != nil || r.State != purchasing.Paid {
		t.Errorf("found: %s, %v", r.State, err)
	}
	p.Purchase, p.Payer = "acme:2", drawdown.PaymentMethod{Method: "pm_loose"}
	if r, err := gateway.Pay(t.Context(), p); err != nil || r.State != purchasing.Declined || r.Reason != "no_payment_method" {
		t.Errorf("loose: %s (%s), %v", r.State, r.Reason, err)
	}
}

// TestErrors: what is an error and what is a refusal, and what an error tells.
func TestErrors(t *testing.T) {
	gateway, fake := open(t, fakestripe.Options{Strict: true})
	fake.AddCustomer("cus_acme", "", nil)
	p := payment("acme:1", fake.Now())
	if r, err := gateway.Pay(t.Context(), p); err != nil || r.State != purchasing.Declined || r.Reason != "no_payment_method" {
		t.Errorf("a method that doesn't exist: %s (%s), %v", r.State, r.Reason, err)
	}
	fake.SetCard("pm_card", fakestripe.Pays())
	for amount, reason := range map[string]string{
		"0.10": "amount_too_small", "1000000.00": "amount_too_large", "99999999999999.00": "amount_too_large",
	} {
		p.Amount = dollars(amount)
		if r, err := gateway.Pay(t.Context(), p); err != nil || r.State != purchasing.Declined || r.Reason != reason {
			t.Errorf("%s: %s (%s), %v", amount, r.State, r.Reason, err)
		}
	}
	p.Amount = dollars("5.00")
	fake.Faults(func(fakestripe.Request) fakestripe.Fault { return fakestripe.Limit })
	_, err := gateway.Pay(t.Context(), p)
	var limited *stripe.Error
	if !errors.As(err, &limited) || limited.Status != http.StatusTooManyRequests || limited.RetryAfter() != 2*time.Second {
		t.Errorf("429: %v without its hint", err)
	}
	var throttled *purchasing.ThrottledError
	if !errors.As(err, &throttled) || throttled.After != 2*time.Second {
		t.Errorf("429: the purchaser does not see that %v is throttled", err)
	}
	fake.Faults(func(fakestripe.Request) fakestripe.Fault { return fakestripe.Fail })
	if _, err := gateway.Pay(t.Context(), p); err == nil || errors.As(err, &throttled) {
		t.Errorf("500: %v is throttled", err)
	}
}

// TestSecretsAreInNoError: the fake echoes the key that it refuses, as a proxy might.
func TestSecretsAreInNoError(t *testing.T) {
	fake := fakestripe.New(fakestripe.Options{SecretKey: "sk_test_another"})
	defer fake.Close()
	gateway := stripe.New(config(t, fake))
	_, err := gateway.Pay(t.Context(), payment("acme:1", fake.Now()))
	var refused *stripe.Error
	if !errors.As(err, &refused) || !refused.Misconfigured() || !strings.Contains(err.Error(), "***") {
		t.Fatalf("%v does not say that the key is refused", err)
	}
	for _, text := range []string{err.Error(), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", *refused)} {
		if strings.Contains(text, secretKey) {
			t.Errorf("the secret key stands in %s", text)
		}
	}
}
