//go:build integration

package stripe_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stripe/stripe-mock/embedded"
	mock "github.com/stripe/stripe-mock/server"
	"github.com/stripe/stripe-mock/spec"

	"drawdown/purchasing"
	"drawdown/purchasing/stripe"
	"drawdown/purchasing/stripe/fakestripe"
)

// mocked is stripe-mock, which checks every request against Stripe's own description of its API and answers with
// examples. What it answers can be changed, to lead the gateway through all of its requests.
type mocked struct {
	t       *testing.T
	handler http.HandlerFunc

	mu      sync.Mutex
	seen    map[string]int
	rewrite map[string]func(status int, body []byte) (int, []byte)
}

func startMock(t *testing.T) (*mocked, string) {
	t.Helper()
	api, err := mock.LoadSpec(embedded.OpenAPISpec, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, operations := range api.Paths {
		for _, operation := range operations {
			if operation.RequestBody != nil {
				for _, media := range operation.RequestBody.Content {
					strict(media.Schema)
				}
			}
			for _, parameter := range operation.Parameters {
				strict(parameter.Schema)
			}
		}
	}
	fixtures, err := mock.LoadFixtures(embedded.OpenAPIFixtures, "")
	if err != nil {
		t.Fatal(err)
	}
	stub, err := mock.NewStubServer(fixtures, api, false, false)
	if err != nil {
		t.Fatal(err)
	}
	m := &mocked{t: t, handler: stub.HandleRequest, seen: map[string]int{}, rewrite: map[string]func(int, []byte) (int, []byte){}}
	server := httptest.NewServer(m)
	t.Cleanup(server.Close)
	return m, server.URL
}

// strict has no unknown members in nested parameters either: Stripe's description leaves it open there, but Stripe does
// not.
func strict(s *spec.Schema) {
	if s == nil {
		return
	}
	if len(s.Properties) > 0 && s.AdditionalProperties == nil {
		s.AdditionalPropertiesAllowed = false
	}
	for _, member := range s.Properties {
		strict(member)
	}
	for _, alternative := range s.AnyOf {
		strict(alternative)
	}
	strict(s.Items)
	strict(s.AdditionalProperties)
}

// ServeHTTP fails the test where stripe-mock refuses a request.
func (m *mocked) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		m.t.Error(err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	answer := httptest.NewRecorder()
	m.handler(answer, r)
	if answer.Code != http.StatusOK {
		m.t.Errorf("stripe-mock answers %d to %s %s\n%s\n%s", answer.Code, r.Method, r.URL, body, answer.Body)
	}
	route := r.Method + " " + routeOf(r.URL.Path)
	m.mu.Lock()
	m.seen[route]++
	change := m.rewrite[route]
	m.mu.Unlock()
	status, reply := answer.Code, answer.Body.Bytes()
	if change != nil {
		status, reply = change(status, reply)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if _, err := w.Write(reply); err != nil {
		m.t.Error(err)
	}
}

// routeOf has {id} for the id of a path.
func routeOf(path string) string {
	parts := strings.Split(path, "/")
	at := 3 // "", v1, collection, id
	if parts[2] == "checkout" {
		at = 4
	}
	if len(parts) > at && parts[at] != "search" {
		parts[at] = "{id}"
	}
	return strings.Join(parts, "/")
}

// answer changes the members of what is answered to a route.
func (m *mocked) answer(route string, members map[string]any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rewrite[route] = func(status int, body []byte) (int, []byte) {
		var o map[string]any
		if err := json.Unmarshal(body, &o); err != nil {
			m.t.Error(err)
		}
		for name, v := range members {
			o[name] = v
		}
		changed, err := json.Marshal(o)
		if err != nil {
			m.t.Error(err)
		}
		return status, changed
	}
}

// routes are all requests that the gateway can make.
var routes = []string{
	"GET /v1/charges/{id}", "GET /v1/checkout/sessions", "GET /v1/checkout/sessions/{id}", "GET /v1/customers/search", "GET /v1/events",
	"GET /v1/payment_intents", "GET /v1/payment_intents/{id}", "GET /v1/payment_methods/{id}", "GET /v1/refunds",
	"GET /v1/setup_intents/{id}", "GET /v1/subscriptions/{id}", "POST /v1/checkout/sessions", "POST /v1/customers",
	"POST /v1/customers/{id}", "POST /v1/payment_intents", "POST /v1/payment_intents/{id}/cancel",
	"POST /v1/payment_intents/{id}/confirm",
}

func TestStripeMockAcceptsEveryRequest(t *testing.T) {
	m, address := startMock(t)
	c := stripe.Default()
	c.SecretKey, c.APIBase, c.WebhookSecrets = "sk_test_123", address, []string{webhookSecret}
	c.AutomaticTax, c.InvoiceCreation, c.ReceiptEmail = true, true, true
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	gateway := stripe.New(c)
	m.payments(t, gateway)
	m.sessions(t, gateway)
	m.webhooks(t, gateway)
	if _, err := gateway.Subscription(t.Context(), "sub_1"); err != nil {
		t.Error(err)
	}
	for _, err := range gateway.Since(t.Context(), time.Now().Add(-time.Minute)) {
		if err != nil {
			t.Error(err)
		}
	}
	var seen []string
	for route := range m.seen {
		seen = append(seen, route)
	}
	if slices.Sort(seen); !slices.Equal(seen, routes) {
		t.Errorf("requests made:\n%s\nwant:\n%s", strings.Join(seen, "\n"), strings.Join(routes, "\n"))
	}
}

func (m *mocked) payments(t *testing.T, gateway *stripe.Gateway) {
	p := payment("acme:1", time.Now())
	marks := map[string]any{"drawdown_account": "acme", "drawdown_purchase": "acme:1", "drawdown_attempt": "1", "drawdown_key": p.Key()}
	owner := map[string]any{"id": "cus_acme", "object": "customer", "email": "owner@acme.example"}
	m.answer("POST /v1/payment_intents", map[string]any{"status": "requires_confirmation", "metadata": marks, "customer": owner})
	m.answer("POST /v1/payment_intents/{id}/confirm", map[string]any{"status": "succeeded", "metadata": marks})
	expect := func(what string, r purchasing.Result, err error, want purchasing.State) {
		t.Helper()
		if err != nil || r.State != want {
			t.Errorf("%s: %s, %v; want %s", what, r.State, err, want)
		}
	}
	r, err := gateway.Pay(t.Context(), p)
	expect("pay", r, err, purchasing.Paid)
	m.answer("POST /v1/payment_intents/{id}/confirm", map[string]any{"status": "requires_action", "metadata": marks})
	m.answer("POST /v1/payment_intents/{id}/cancel", map[string]any{"status": "canceled", "cancellation_reason": "abandoned", "metadata": marks})
	r, err = gateway.Pay(t.Context(), p)
	expect("pay without authentication", r, err, purchasing.Declined)
	r, err = gateway.Find(t.Context(), p)
	expect("find", r, err, purchasing.Absent)
	r, err = gateway.Cancel(t.Context(), p)
	expect("cancel", r, err, purchasing.Absent)
	p.Payer.Customer = ""
	m.answer("GET /v1/payment_methods/{id}", map[string]any{"customer": "cus_acme"})
	r, err = gateway.Find(t.Context(), p)
	expect("find without a customer", r, err, purchasing.Absent)
	m.mu.Lock()
	m.rewrite["POST /v1/payment_intents/{id}/confirm"] = func(int, []byte) (int, []byte) {
		return http.StatusInternalServerError, []byte(`{"error":{"type":"api_error","message":"no"}}`)
	}
	m.mu.Unlock()
	m.answer("GET /v1/payment_intents/{id}", map[string]any{"status": "succeeded", "metadata": marks})
	r, err = gateway.Pay(t.Context(), p)
	expect("pay with a 500", r, err, purchasing.Paid)
}

func (m *mocked) sessions(t *testing.T, gateway *stripe.Gateway) {
	begin := func(s purchasing.Session, err error) {
		t.Helper()
		if err != nil || s.Customer == "" {
			t.Errorf("session %+v, %v", s, err)
		}
	}
	for n, found := range []bool{true, false} {
		if !found {
			m.answer("GET /v1/customers/search", map[string]any{"data": []any{}})
		}
		key := strconv.Itoa(n)
		begin(gateway.SaveCard(t.Context(), &purchasing.CardSetup{Visitor: visitor("c" + key), Backup: true}))
		begin(gateway.Order(t.Context(), &purchasing.Order{Visitor: visitor("o" + key), Purchase: "order-1", Plan: makePlan(), Quantity: 3000}))
		fixed := airbyte()
		fixed.Purchase.Min, fixed.Purchase.Max = 200, 200
		begin(gateway.Order(t.Context(), &purchasing.Order{Visitor: visitor("f" + key), Purchase: "order-2", Plan: fixed, Quantity: 200}))
		begin(gateway.Subscribe(t.Context(), &purchasing.SubscriptionOrder{Visitor: visitor("s" + key), Price: "price_1"}))
	}
}

// webhooks reads an event of each type, about an object that is ours.
func (m *mocked) webhooks(t *testing.T, gateway *stripe.Gateway) {
	marks := map[string]any{"drawdown_account": "acme", "drawdown_purchase": "order-1", "drawdown_unit": "1000", "drawdown_attempt": "1", "drawdown_quantity": "5"}
	order := map[string]any{"drawdown_account": "acme", "drawdown_purchase": "order-1", "drawdown_unit": "1000"}
	m.answer("GET /v1/charges/{id}", map[string]any{"payment_intent": map[string]any{"id": "pi_1", "object": "payment_intent", "metadata": order}})
	m.answer("GET /v1/setup_intents/{id}", map[string]any{"payment_method": "pm_1", "customer": "cus_1"})
	object := map[string]any{
		"id": "obj_1", "metadata": marks, "charge": "ch_1", "payment_intent": "pi_1", "latest_charge": "ch_1", "amount": 5, "amount_received": 5,
		"currency": "usd", "status": "succeeded", "setup_intent": "seti_1", "subscription": "sub_1",
		"parent": map[string]any{"subscription_details": map[string]any{"subscription": "sub_1", "metadata": marks}},
	}
	for _, kind := range []string{
		"checkout.session.completed/payment", "checkout.session.completed/setup", "checkout.session.completed/subscription",
		"checkout.session.async_payment_succeeded/payment", "checkout.session.async_payment_failed/payment", "payment_intent.succeeded",
		"setup_intent.succeeded", "charge.refunded", "refund.created", "refund.updated", "charge.dispute.created", "charge.dispute.closed",
		"charge.dispute.funds_withdrawn", "charge.dispute.funds_reinstated", "customer.subscription.created",
		"customer.subscription.updated", "customer.subscription.deleted", "invoice.paid", "invoice.payment_failed",
	} {
		kind, mode, _ := strings.Cut(kind, "/")
		object["mode"] = mode
		body, err := json.Marshal(map[string]any{"id": "evt_1", "type": kind, "created": time.Now().Unix(), "data": map[string]any{"object": object}})
		if err != nil {
			t.Fatal(err)
		}
		header := http.Header{"Stripe-Signature": {fakestripe.Signature(webhookSecret, time.Now(), body)}}
		if _, err := gateway.Receive(t.Context(), header, body); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

// TestStripeMockRefuses is the control: stripe-mock does refuse what Stripe doesn't know, so that accepting means
// something. It does so for what each request above could get wrong.
func TestStripeMockRefuses(t *testing.T) {
	m, address := startMock(t)
	refused := func(method, path, form string) bool {
		r := httptest.NewRequest(method, address+path, strings.NewReader(form))
		if method == http.MethodGet {
			r = httptest.NewRequest(method, address+path+"?"+form, nil)
		} else {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		r.Header.Set("Authorization", "Bearer sk_test_123")
		answer := httptest.NewRecorder()
		m.handler(answer, r)
		return answer.Code != http.StatusOK
	}
	for _, test := range []struct{ method, path, good, bad string }{
		{"POST", "/v1/payment_intents", "amount=500&currency=usd", "drawdown=1"},
		{"POST", "/v1/payment_intents", "amount=500&currency=usd", "metadata=1"},
		{"POST", "/v1/payment_intents/pi_1/confirm", "off_session=true", "of_session=true"},
		{"POST", "/v1/payment_intents/pi_1/cancel", "cancellation_reason=abandoned", "cancellation_reason=forgotten"},
		{"POST", "/v1/customers", "email=a", "mail=a"},
		{"POST", "/v1/checkout/sessions", "mode=payment", "payment_intent_data[meta]=1"},
		{"POST", "/v1/checkout/sessions", "mode=payment", "line_items[0][price_data][currency]=usd&line_items[0][price_data][unit]=5"},
		{"GET", "/v1/payment_intents", "customer=cus_1&created[gte]=5", "owner=1"},
		{"GET", "/v1/events", "types[0]=invoice.paid", "kinds[0]=invoice.paid"},
		{"GET", "/v1/charges/ch_1", "expand[0]=payment_intent", "expands[0]=payment_intent"},
	} {
		escape := func(form string) string {
			values, err := url.ParseQuery(form)
			if err != nil {
				t.Fatal(err)
			}
			return values.Encode()
		}
		if refused(test.method, test.path, escape(test.good)) {
			t.Errorf("%s %s refuses %s", test.method, test.path, test.good)
		}
		if !refused(test.method, test.path, escape(test.good+"&"+test.bad)) {
			t.Errorf("%s %s takes %s", test.method, test.path, test.bad)
		}
	}
}
