package stripe_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"drawdown"
	"drawdown/purchasing"
	"drawdown/purchasing/stripe"
	"drawdown/purchasing/stripe/fakestripe"
)

// listener is a webhook that keeps what it was told.
type listener struct {
	mu     sync.Mutex
	events []purchasing.Event
	errs   []error
}

// listen has the fake post to a webhook of the gateway.
func listen(t *testing.T, gateway *stripe.Gateway, fake *fakestripe.Server, how fakestripe.Delivery) *listener {
	t.Helper()
	l := &listener{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		events, err := gateway.Receive(r.Context(), r.Header, body)
		l.mu.Lock()
		defer l.mu.Unlock()
		l.events = append(l.events, events...)
		if err != nil {
			l.errs = append(l.errs, err)
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	t.Cleanup(server.Close)
	fake.Webhooks(server.URL, webhookSecret, how)
	return l
}

// told waits for all deliveries and returns what was told since the last call.
func (l *listener) told(t *testing.T, fake *fakestripe.Server) []purchasing.Event {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := fake.Drain(ctx); err != nil {
		t.Fatal(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	events := l.events
	l.events = nil
	return events
}

// only is the one thing that was told. All of its events say the same.
func only[T purchasing.Happening](t *testing.T, events []purchasing.Event) T {
	t.Helper()
	var found T
	for n, e := range events {
		what, ok := e.What.(T)
		if !ok || e.Account != "acme" || e.ID == "" || e.Created.IsZero() {
			t.Fatalf("told %T of %q, want %T of acme: %+v", e.What, e.Account, found, e.What)
		}
		if n > 0 && describe(what) != describe(found) {
			t.Fatalf("told %s and %s", describe(found), describe(what))
		}
		found = what
	}
	if len(events) == 0 {
		t.Fatalf("nothing was told, want %T", found)
	}
	return found
}

func describe(what any) string { return fmt.Sprintf("%+v", what) }

func visitor(key string) purchasing.Visitor {
	return purchasing.Visitor{
		Account: "acme", Email: "owner@acme.example", SuccessURL: "https://app.example/done", CancelURL: "https://app.example/back", Key: key,
	}
}

func airbyte() *drawdown.Plan {
	price := drawdown.UnitPrice(2_500_000_000)
	return &drawdown.Plan{ID: "airbyte-cloud", Currency: "USD", Purchase: drawdown.PurchaseTerms{Unit: 1, Min: 100, Max: 999, Default: 200, UnitPrice: &price}}
}

func makePlan() *drawdown.Plan {
	return &drawdown.Plan{
		ID: "make-10k", Currency: "USD", Subscription: &drawdown.Subscription{Credits: 10_000 * drawdown.Credit, Price: dollars("9.00")},
		Purchase: drawdown.PurchaseTerms{Unit: 1000, Min: 1000, Max: 1_000_000, Default: 1000},
	}
}

func TestPaymentIsTold(t *testing.T) {
	gateway, fake := open(t, fakestripe.Options{})
	l := listen(t, gateway, fake, fakestripe.Delivery{Early: 1000})
	result, err := gateway.Pay(t.Context(), payment("acme:1", fake.Now()))
	if err != nil {
		t.Fatal(err)
	}
	paid := only[*purchasing.PaymentPaid](t, l.told(t, fake))
	if paid.Purchase != "acme:1" || paid.Attempt != 1 || paid.Quantity != 200*drawdown.Credit || paid.Amount.String() != "500.00" ||
		paid.Currency != "USD" || paid.Tax != nil || paid.Receipt != result.Receipt || !strings.HasPrefix(paid.Receipt, "https://") {
		t.Errorf("told %+v", paid)
	}
	// Refunds: a third, then the rest.
	for part, want := range map[int64]string{16667: "66.668", 33333: "133.332"} {
		id, err := fake.Refund("acme:1", part)
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, e := range l.told(t, fake) {
			back := e.What.(*purchasing.MoneyReturned)
			if back.ID != id {
				continue
			}
			found = true
			if back.Quantity.String() != want || back.Purchase != "acme:1" || back.Reason != "requested_by_customer" || back.Disputed.Method != "" {
				t.Errorf("refund of %d: %+v, want %s credits", part, back, want)
			}
		}
		if !found {
			t.Errorf("refund of %d was not told", part)
		}
	}
}

func TestRefundIsRoundedUp(t *testing.T) {
	gateway, fake := open(t, fakestripe.Options{})
	p := payment("acme:1", fake.Now())
	p.Quantity, p.Amount = 1*drawdown.Credit, dollars("7.00")
	if _, err := gateway.Pay(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	l := listen(t, gateway, fake, fakestripe.Delivery{})
	if _, err := fake.Refund("acme:1", 300); err != nil {
		t.Fatal(err)
	}
	if back := only[*purchasing.MoneyReturned](t, l.told(t, fake)); back.Quantity.String() != "0.428571429" {
		t.Errorf("3/7 of a credit is %s", back.Quantity)
	}
}

func TestRefundInStages(t *testing.T) {
	gateway, fake := open(t, fakestripe.Options{})
	if _, err := gateway.Pay(t.Context(), payment("acme:1", fake.Now())); err != nil {
		t.Fatal(err)
	}
	l := listen(t, gateway, fake, fakestripe.Delivery{})
	id, err := fake.StartRefund("acme:1", 50000, "pending")
	if err != nil {
		t.Fatal(err)
	}
	if told := l.told(t, fake); len(told) != 0 {
		t.Errorf("money on its way was told: %+v", told)
	}
	if err := fake.FinishRefund(id, "succeeded"); err != nil {
		t.Fatal(err)
	}
	if back := only[*purchasing.MoneyReturned](t, l.told(t, fake)); back.ID != id || back.Quantity != 200*drawdown.Credit {
		t.Errorf("returned %+v", back)
	}
	if err := fake.FinishRefund(id, "failed"); err != nil {
		t.Fatal(err)
	}
	if said := only[*purchasing.Noticed](t, l.told(t, fake)); !strings.Contains(said.Text, id) {
		t.Errorf("noticed %q", said.Text)
	}
}

func TestDisputes(t *testing.T) {
	gateway, fake := open(t, fakestripe.Options{})
	p := payment("acme:1", fake.Now())
	if _, err := gateway.Pay(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	l := listen(t, gateway, fake, fakestripe.Delivery{})
	id, err := fake.Dispute("acme:1", "fraudulent", 50000)
	if err != nil {
		t.Fatal(err)
	}
	returned, noticed := 0, 0
	for _, e := range l.told(t, fake) {
		switch what := e.What.(type) {
		case *purchasing.MoneyReturned:
			returned++
			if what.ID != id || what.Disputed != p.Payer || what.Quantity != p.Quantity || what.Reason != "dispute: fraudulent" {
				t.Errorf("returned %+v", what)
			}
		case *purchasing.Noticed:
			noticed++
		}
	}
	if returned != 1 || noticed != 1 {
		t.Errorf("returned %d times, noticed %d times", returned, noticed)
	}
	if err := fake.CloseDispute("acme:1", true); err != nil {
		t.Fatal(err)
	}
	text := ""
	for _, e := range l.told(t, fake) {
		text += e.What.(*purchasing.Noticed).Text + "\n"
	}
	if !strings.Contains(text, "gave the money back") || !strings.Contains(text, "closed: won") {
		t.Errorf("noticed %q", text)
	}
}

func TestOrder(t *testing.T) {
	gateway, fake := open(t, fakestripe.Options{})
	l := listen(t, gateway, fake, fakestripe.Delivery{Twice: 500, Shuffle: true, Seed: 1})
	for _, test := range []struct {
		plan         *drawdown.Plan
		order, units int64
		credits      int64
		amount       string
		back         string // of 90 cents
	}{
		{airbyte(), 200, 300, 300, "750.00", "0.36"},
		{makePlan(), 1000, 7, 7000, "6.30", "1000"},
	} {
		purchase := "order-" + test.plan.ID
		s, err := gateway.Order(t.Context(), &purchasing.Order{Visitor: visitor(purchase), Purchase: purchase, Plan: test.plan, Quantity: test.order})
		if err != nil || !strings.HasPrefix(s.URL, "https://") || s.Customer == "" {
			t.Fatalf("session %+v, %v", s, err)
		}
		if err := fake.Complete(s.ID, fakestripe.Completion{Card: "pm_card", Quantity: 1_000_000}); err == nil {
			t.Error("more could be ordered than the plan allows")
		}
		if err := fake.Complete(s.ID, fakestripe.Completion{Card: "pm_card", Quantity: test.units}); err != nil {
			t.Fatal(err)
		}
		paid := only[*purchasing.OrderPaid](t, l.told(t, fake))
		if paid.Purchase != purchase || paid.Quantity != drawdown.Credits(test.credits)*drawdown.Credit || paid.Amount.String() != test.amount ||
			paid.Currency != "USD" || paid.Tax != nil || !strings.HasPrefix(paid.Receipt, "https://") {
			t.Errorf("told %+v", paid)
		}
		if n := fake.Charges()[purchase].Count; n != 1 {
			t.Errorf("charged %d times", n)
		}
		if _, err := fake.Refund(purchase, 90); err != nil {
			t.Fatal(err)
		}
		back := only[*purchasing.MoneyReturned](t, l.told(t, fake))
		if back.Purchase != purchase || back.Quantity.String() != test.back {
			t.Errorf("returned %+v, want %s credits", back, test.back)
		}
	}
}

func TestOrderWithTax(t *testing.T) {
	fake := fakestripe.New(fakestripe.Options{})
	t.Cleanup(fake.Close)
	c := config(t, fake)
	c.AutomaticTax = true
	gateway := stripe.New(c)
	l := listen(t, gateway, fake, fakestripe.Delivery{})
	s, err := gateway.Order(t.Context(), &purchasing.Order{Visitor: visitor("k"), Purchase: "order-1", Plan: airbyte(), Quantity: 200})
	if err != nil {
		t.Fatal(err)
	}
	if err := fake.Complete(s.ID, fakestripe.Completion{Card: "pm_card", Tax: 9500}); err != nil {
		t.Fatal(err)
	}
	paid := only[*purchasing.OrderPaid](t, l.told(t, fake))
	if paid.Amount.String() != "500.00" || paid.Tax == nil || paid.Tax.String() != "95.00" {
		t.Errorf("amount %s, tax %v", paid.Amount, paid.Tax)
	}
}

func TestOrderDecidedLater(t *testing.T) {
	gateway, fake := open(t, fakestripe.Options{})
	fake.SetCard("pm_debit", fakestripe.Processes())
	l := listen(t, gateway, fake, fakestripe.Delivery{})
	for purchase, pays := range map[string]bool{"order-1": true, "order-2": false} {
		s, err := gateway.Order(t.Context(), &purchasing.Order{Visitor: visitor(purchase), Purchase: purchase, Plan: airbyte(), Quantity: 200})
		if err != nil {
			t.Fatal(err)
		}
		if err := fake.Complete(s.ID, fakestripe.Completion{Card: "pm_debit"}); err != nil {
			t.Fatal(err)
		}
		if told := l.told(t, fake); len(told) != 0 {
			t.Errorf("told before it was paid: %+v", told)
		}
		fake.Decide(purchase, pays)
		if told := l.told(t, fake); pays {
			only[*purchasing.OrderPaid](t, told)
		} else if failed := only[*purchasing.OrderFailed](t, told); failed.Purchase != purchase || failed.Reason != "card_declined" {
			t.Errorf("told %+v", failed)
		}
	}
}

func TestSaveCard(t *testing.T) {
	gateway, fake := open(t, fakestripe.Options{Strict: true})
	fake.SetCard("pm_new", fakestripe.Pays())
	l := listen(t, gateway, fake, fakestripe.Delivery{})
	for _, backup := range []bool{false, true} {
		ask := &purchasing.CardSetup{Visitor: visitor("card" + strconv.FormatBool(backup)), Backup: backup}
		s, err := gateway.SaveCard(t.Context(), ask)
		if err != nil {
			t.Fatal(err)
		}
		again, err := gateway.SaveCard(t.Context(), ask)
		if err != nil || again != s {
			t.Errorf("the same key gave %+v, then %+v, %v", s, again, err)
		}
		if err := fake.Complete(s.ID, fakestripe.Completion{Card: "pm_new"}); err != nil {
			t.Fatal(err)
		}
		saved := only[*purchasing.CardSaved](t, l.told(t, fake))
		if saved.Payer != (drawdown.PaymentMethod{Method: "pm_new", Customer: s.Customer}) || saved.Backup != backup {
			t.Errorf("saved %+v", saved)
		}
		p := payment("acme:"+strconv.FormatBool(backup), fake.Now())
		p.Payer = saved.Payer
		if r, err := gateway.Pay(t.Context(), p); err != nil || r.State != purchasing.Paid {
			t.Errorf("the saved card: %s, %v", r.State, err)
		}
		l.told(t, fake)
	}
	fake.SaveCard("cus_form", "pm_new", map[string]string{"drawdown_account": "acme", "drawdown_backup": "true"})
	if saved := only[*purchasing.CardSaved](t, l.told(t, fake)); saved.Payer.Customer != "cus_form" || !saved.Backup {
		t.Errorf("saved by a form: %+v", saved)
	}
}

// TestOneCustomer: an account has one customer, also while Stripe's search doesn't show it yet.
func TestOneCustomer(t *testing.T) {
	gateway, fake := open(t, fakestripe.Options{Strict: true})
	names := map[string]bool{}
	for n := range 3 {
		v := visitor(strconv.Itoa(n))
		v.Email = strconv.Itoa(n) + "@acme.example"
		s, err := gateway.SaveCard(t.Context(), &purchasing.CardSetup{Visitor: v})
		if err != nil {
			t.Fatal(err)
		}
		names[s.Customer] = true
		if n == 1 {
			fake.Index()
			fake.Advance(2 * fakestripe.KeyLife)
		}
	}
	v := visitor("other")
	v.Account = "other"
	s, err := gateway.SaveCard(t.Context(), &purchasing.CardSetup{Visitor: v})
	if err != nil || len(names) != 1 || names[s.Customer] {
		t.Errorf("customers of one account: %v; of another: %s, %v", names, s.Customer, err)
	}
}

func TestEventsOfOthers(t *testing.T) {
	gateway, fake := open(t, fakestripe.Options{})
	l := listen(t, gateway, fake, fakestripe.Delivery{})
	foreign := map[string]any{
		"id": "x_1", "object": "thing", "metadata": map[string]any{"order": "7"}, "mode": "payment", "amount_received": 100, "currency": "usd",
	}
	for _, kind := range []string{
		"checkout.session.completed", "checkout.session.async_payment_failed", "payment_intent.succeeded", "setup_intent.succeeded",
		"customer.subscription.updated", "invoice.paid", "refund.created", "charge.refunded", "charge.dispute.created", "payout.failed",
	} {
		fake.Tell(kind, foreign)
	}
	older := func(metadata map[string]any) map[string]any { // an invoice in the form before 2025
		return map[string]any{"id": "in_1", "subscription": "sub_1", "subscription_details": map[string]any{"metadata": metadata}}
	}
	fake.Tell("invoice.paid", older(map[string]any{}))
	if told := l.told(t, fake); len(told) != 0 || len(l.errs) != 0 {
		t.Errorf("told %+v, errors %v", told, l.errs)
	}
	fake.Tell("invoice.paid", older(map[string]any{"drawdown_account": "acme"}))
	if changed := only[*purchasing.SubscriptionChanged](t, l.told(t, fake)); changed.Subscription != "sub_1" {
		t.Errorf("told %+v", changed)
	}
}

func TestSubscriptions(t *testing.T) {
	gateway, fake := open(t, fakestripe.Options{})
	l := listen(t, gateway, fake, fakestripe.Delivery{})
	s, err := gateway.Subscribe(t.Context(), &purchasing.SubscriptionOrder{Visitor: visitor("s"), Price: "price_10k"})
	if err != nil {
		t.Fatal(err)
	}
	if err := fake.Complete(s.ID, fakestripe.Completion{Card: "pm_card"}); err != nil {
		t.Fatal(err)
	}
	id := only[*purchasing.SubscriptionChanged](t, l.told(t, fake)).Subscription
	for _, test := range []struct {
		name   string
		change func(*fakestripe.Subscription)
		state  purchasing.SubscriptionState
		price  string
		next   string
	}{
		{"as it began", func(*fakestripe.Subscription) {}, purchasing.SubscriptionActive, "price_10k", "price_10k"},
		{"upgraded", func(x *fakestripe.Subscription) { x.Price = "price_20k" }, purchasing.SubscriptionActive, "price_20k", "price_20k"},
		{"a downgrade at the period's end", func(x *fakestripe.Subscription) { x.NextPrice = "price_5k" }, purchasing.SubscriptionActive, "price_20k", "price_5k"},
		{"which is taken back", func(x *fakestripe.Subscription) { x.NextPrice = "" }, purchasing.SubscriptionActive, "price_20k", "price_20k"},
		{"cancelled at the period's end", func(x *fakestripe.Subscription) { x.CancelAtPeriodEnd = true }, purchasing.SubscriptionActive, "price_20k", ""},
		{"not paid", func(x *fakestripe.Subscription) { x.CancelAtPeriodEnd, x.Status = false, "past_due" }, purchasing.SubscriptionPastDue, "price_20k", "price_20k"},
		{"never paid", func(x *fakestripe.Subscription) { x.Status = "unpaid" }, purchasing.SubscriptionEnded, "price_20k", "price_20k"},
		{"paused", func(x *fakestripe.Subscription) { x.Status = "paused" }, purchasing.SubscriptionEnded, "price_20k", "price_20k"},
		{"on trial", func(x *fakestripe.Subscription) { x.Status = "trialing" }, purchasing.SubscriptionActive, "price_20k", "price_20k"},
		{"incomplete", func(x *fakestripe.Subscription) { x.Status = "incomplete" }, purchasing.SubscriptionIncomplete, "price_20k", "price_20k"},
		{"ended", func(x *fakestripe.Subscription) { x.Status = "canceled" }, purchasing.SubscriptionEnded, "price_20k", "price_20k"},
	} {
		if err := fake.ChangeSubscription(id, test.change); err != nil {
			t.Fatal(err)
		}
		if changed := only[*purchasing.SubscriptionChanged](t, l.told(t, fake)); changed.Subscription != id {
			t.Errorf("%s: told %+v", test.name, changed)
		}
		x, err := gateway.Subscription(t.Context(), id)
		if err != nil || x.State != test.state || x.Price != test.price || x.NextPrice != test.next {
			t.Errorf("%s: %+v, %v", test.name, x, err)
		}
		if x.ID != id || x.Account != "acme" || x.Customer != s.Customer || !x.PeriodEnd.After(fake.Now()) {
			t.Errorf("%s: %+v", test.name, x)
		}
	}
	for _, paid := range []bool{true, false} {
		if err := fake.Bill(id, paid); err != nil {
			t.Fatal(err)
		}
		only[*purchasing.SubscriptionChanged](t, l.told(t, fake))
	}
}

func TestSince(t *testing.T) {
	gateway, fake := open(t, fakestripe.Options{})
	begin := fake.Now()
	for n := range 130 { // more than a page, over a few windows
		fake.SaveCard("cus_acme", "pm_"+strconv.Itoa(n), map[string]string{"drawdown_account": "acme"})
		if n%10 == 0 { // a payment without the customer is not asked for: whoever made it finds it
			if _, err := gateway.Pay(t.Context(), payment("acme:"+strconv.Itoa(n), fake.Now())); err != nil {
				t.Fatal(err)
			}
		}
		if n%50 == 49 {
			fake.Advance(90 * time.Minute)
		}
	}
	n := 0
	for e, err := range gateway.Since(t.Context(), begin.Add(-time.Minute)) {
		if err != nil {
			t.Fatal(err)
		}
		saved, is := e.What.(*purchasing.CardSaved)
		if !is || saved.Payer.Method != "pm_"+strconv.Itoa(n) {
			t.Fatalf("event %d is %+v", n, e.What)
		}
		n++
	}
	if n != 130 {
		t.Errorf("%d events, want 130", n)
	}
	fake.Faults(failing("GET /v1/events", fakestripe.Fail, 1))
	var last error
	for _, last = range gateway.Since(t.Context(), begin) {
	}
	if last == nil {
		t.Error("an error of the list was not told")
	}
}

func TestSignatures(t *testing.T) {
	fake := fakestripe.New(fakestripe.Options{})
	t.Cleanup(fake.Close)
	c := config(t, fake)
	now := time.Unix(1_770_000_000, 0)
	c.WebhookSecrets, c.Now = []string{"whsec_old", "whsec_new"}, func() time.Time { return now }
	gateway := stripe.New(c)
	body := []byte(`{"id":"evt_1","type":"payout.failed","created":1770000000,"data":{"object":{"id":"po_1"}}}`)
	good := fakestripe.Signature("whsec_new", now, body)
	for name, test := range map[string]struct {
		header string
		body   []byte
		want   purchasing.RefusalReason
	}{
		"good":                        {good, body, ""},
		"by the secret before":        {fakestripe.Signature("whsec_old", now, body), body, ""},
		"one of two signatures":       {good + ",v1=" + strings.Repeat("00", 32), body, ""},
		"with an older scheme":        {good + ",v0=aa", body, ""},
		"almost too old":              {fakestripe.Signature("whsec_new", now.Add(-5*time.Minute), body), body, ""},
		"too old":                     {fakestripe.Signature("whsec_new", now.Add(-5*time.Minute-time.Second), body), body, purchasing.Stale},
		"from the future":             {fakestripe.Signature("whsec_new", now.Add(5*time.Minute+time.Second), body), body, purchasing.Stale},
		"no header":                   {"", body, purchasing.Unsigned},
		"no signature":                {"t=1770000000", body, purchasing.Unsigned},
		"no time":                     {strings.SplitN(good, ",", 2)[1], body, purchasing.Unsigned},
		"a time that is none":         {strings.Replace(good, "t=1", "t=x", 1), body, purchasing.Unsigned},
		"a signature that is none":    {"t=1770000000,v1=zz", body, purchasing.Unsigned},
		"only the test scheme":        {strings.Replace(good, "v1=", "v0=", 1), body, purchasing.Unsigned},
		"by another secret":           {fakestripe.Signature("whsec_other", now, body), body, purchasing.Forged},
		"another body":                {good, append([]byte(" "), body...), purchasing.Forged},
		"another time":                {strings.Replace(good, "t=177", "t=178", 1), body, purchasing.Forged},
		"a short signature":           {good[:len(good)-2], body, purchasing.Forged},
		"signed, and no JSON":         {fakestripe.Signature("whsec_new", now, []byte("hello")), []byte("hello"), purchasing.Malformed},
		"signed, and no event":        {fakestripe.Signature("whsec_new", now, []byte("{}")), []byte("{}"), purchasing.Malformed},
		"signed, and of another kind": {fakestripe.Signature("whsec_new", now, []byte("[]")), []byte("[]"), purchasing.Malformed},
	} {
		_, err := gateway.Receive(t.Context(), http.Header{"Stripe-Signature": {test.header}}, test.body)
		var refused *purchasing.RefusedError
		if errors.As(err, &refused) != (test.want != "") || refused != nil && refused.Reason != test.want || refused == nil && err != nil {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}

// TestStripeIsAwayForAWebhook: what a webhook means can't be read now, so it is delivered again.
func TestStripeIsAwayForAWebhook(t *testing.T) {
	gateway, fake := open(t, fakestripe.Options{})
	l := listen(t, gateway, fake, fakestripe.Delivery{})
	s, err := gateway.Order(t.Context(), &purchasing.Order{Visitor: visitor("k"), Purchase: "order-1", Plan: airbyte(), Quantity: 200})
	if err != nil {
		t.Fatal(err)
	}
	fake.Faults(failing("GET /v1/checkout/sessions/{id}", fakestripe.Fail, 3))
	if err := fake.Complete(s.ID, fakestripe.Completion{Card: "pm_card"}); err != nil {
		t.Fatal(err)
	}
	only[*purchasing.OrderPaid](t, l.told(t, fake))
	if len(l.errs) != 3 {
		t.Errorf("%d deliveries failed, want 3", len(l.errs))
	}
}

func FuzzReceive(f *testing.F) {
	fake := fakestripe.New(fakestripe.Options{})
	f.Cleanup(fake.Close)
	c := stripe.Default()
	c.SecretKey, c.APIBase, c.WebhookSecrets = secretKey, fake.URL(), []string{webhookSecret}
	gateway := stripe.New(c)
	for _, body := range []string{
		`{"id":"evt_1","type":"payment_intent.succeeded","created":1,"data":{"object":{"id":"pi_1","metadata":{"drawdown_account":"a","drawdown_purchase":"a:1","drawdown_attempt":"1","drawdown_quantity":"5"},"amount_received":-5,"currency":"usd"}}}`,
		`{"id":"evt_1","type":"invoice.paid","created":1,"data":{"object":{"subscription":{"id":"sub_1"},"parent":null}}}`,
		`{"id":"evt_1","type":"refund.created","created":1,"data":{"object":[]}}`,
	} {
		f.Add([]byte(body), fakestripe.Signature(webhookSecret, time.Now(), []byte(body)))
	}
	f.Fuzz(func(t *testing.T, body []byte, header string) {
		for _, signature := range []string{header, fakestripe.Signature(webhookSecret, time.Now(), body)} {
			events, err := gateway.Receive(t.Context(), http.Header{"Stripe-Signature": {signature}}, body)
			if err != nil && len(events) > 0 {
				t.Errorf("events %+v with error %v", events, err)
			}
		}
	})
}
