package fakestripe_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"drawdown/purchasing/stripe/fakestripe"
)

// reply is what the fake answered.
type reply struct {
	status   int
	replayed bool
	id, code string
	kind     string // of an error
}

func post(t *testing.T, s *fakestripe.Server, path, key string, form url.Values) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL()+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", "Bearer sk_test_1")
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var body struct {
		ID    string
		Error struct{ Code, Type string }
	}
	if err := json.NewDecoder(res.Body).Decode(&body); err != nil {
		t.Fatal(err)
	}
	return reply{res.StatusCode, res.Header.Get("Idempotent-Replayed") == "true", body.ID, body.Error.Code, body.Error.Type}
}

// charge creates and confirms an intent at once.
func charge(purchase, card string) url.Values {
	return url.Values{
		"amount": {"500"}, "currency": {"usd"}, "customer": {"cus_1"}, "payment_method": {card}, "confirm": {"true"},
		"metadata[drawdown_purchase]": {purchase},
	}
}

const intents = "/v1/payment_intents"

func start(t *testing.T) *fakestripe.Server {
	s := fakestripe.New(fakestripe.Options{SecretKey: "sk_test_1"})
	t.Cleanup(s.Close)
	return s
}

// once has the first request go wrong.
func once(f fakestripe.Fault) func(fakestripe.Request) fakestripe.Fault {
	return func(r fakestripe.Request) fakestripe.Fault {
		if r.N == 0 {
			return f
		}
		return fakestripe.None
	}
}

func TestKeys(t *testing.T) {
	s := start(t)
	first := post(t, s, intents, "k", charge("p", "pm_1"))
	again := post(t, s, intents, "k", charge("p", "pm_1"))
	if first.status != http.StatusOK || first.replayed || again.id != first.id || !again.replayed {
		t.Errorf("first %+v, again %+v", first, again)
	}
	if other := post(t, s, intents, "k", charge("p", "pm_2")); other.status != http.StatusBadRequest || other.kind != "idempotency_error" {
		t.Errorf("with other parameters: %+v", other)
	}
	if n := s.Charges()["p"].Count; n != 1 {
		t.Errorf("charged %d times", n)
	}
	s.Advance(fakestripe.KeyLife)
	if late := post(t, s, intents, "k", charge("p", "pm_1")); late.replayed || late.id == first.id {
		t.Errorf("a forgotten key: %+v", late)
	}
	if n := s.Charges()["p"].Count; n != 2 {
		t.Errorf("charged %d times, and the books must not hide the second", n)
	}
}

func TestDeclinesAreStored(t *testing.T) {
	s := start(t)
	s.SetCard("pm_1", fakestripe.Declines("insufficient_funds"))
	first := post(t, s, intents, "k", charge("p", "pm_1"))
	s.SetCard("pm_1", fakestripe.Pays())
	again := post(t, s, intents, "k", charge("p", "pm_1"))
	if first.status != http.StatusPaymentRequired || first.code != "card_declined" || again.status != first.status || !again.replayed {
		t.Errorf("first %+v, again %+v", first, again)
	}
	small := charge("p", "pm_1")
	small.Set("amount", "1")
	if bad := post(t, s, intents, "k2", small); bad.status != http.StatusBadRequest || bad.code != "amount_too_small" {
		t.Errorf("too small: %+v", bad)
	}
	if good := post(t, s, intents, "k2", charge("p", "pm_1")); good.status != http.StatusOK {
		t.Errorf("parameters that were refused took the key: %+v", good)
	}
}

func TestServerErrors(t *testing.T) {
	for name, test := range map[string]struct {
		fault  fakestripe.Fault
		again  int // the status of the same request after it
		stored bool
		count  int // charges after one request
	}{
		"before":             {fakestripe.Fail, http.StatusOK, false, 0},
		"after":              {fakestripe.FailDone, http.StatusOK, true, 1},
		"stored":             {fakestripe.StoreFail, http.StatusInternalServerError, true, 0},
		"stored, after":      {fakestripe.StoreFailDone, http.StatusInternalServerError, true, 1},
		"stored, done later": {fakestripe.StoreFailLater, http.StatusInternalServerError, true, 0},
	} {
		s := start(t)
		s.Faults(once(test.fault))
		if first := post(t, s, intents, "k", charge("p", "pm_1")); first.status != http.StatusInternalServerError || first.replayed {
			t.Errorf("%s: %+v", name, first)
		}
		if n := s.Charges()["p"].Count; n != test.count {
			t.Errorf("%s: charged %d times, want %d", name, n, test.count)
		}
		if again := post(t, s, intents, "k", charge("p", "pm_1")); again.status != test.again || again.replayed != test.stored {
			t.Errorf("%s, again: %+v", name, again)
		}
		s.Reconcile()
		if n := s.Charges()["p"].Count; test.fault == fakestripe.StoreFailLater && n != 1 {
			t.Errorf("%s: charged %d times in the end", name, n)
		}
	}
}

func TestKeyInUse(t *testing.T) {
	s := start(t)
	s.SetCard("pm_1", fakestripe.Hangs())
	replies := make(chan reply, 2)
	var callers sync.WaitGroup
	for range 2 {
		callers.Go(func() { replies <- post(t, s, intents, "k", charge("p", "pm_1")) })
	}
	// One of the two has the key and hangs.
	if refused := <-replies; refused.status != http.StatusConflict || refused.code != "idempotency_key_in_use" {
		t.Errorf("while the key is in use: %+v", refused)
	}
	s.Release()
	if done := <-replies; done.status != http.StatusOK {
		t.Errorf("in the end: %+v", done)
	}
	callers.Wait()
	if n := s.Charges()["p"].Count; n != 1 {
		t.Errorf("charged %d times", n)
	}
}

func TestSameSeedSameFaults(t *testing.T) {
	one, two := fakestripe.Seeded(3, fakestripe.Often), fakestripe.Seeded(3, fakestripe.Often)
	seen := map[fakestripe.Fault]int{}
	for range 1000 {
		fault := one(fakestripe.Request{})
		if fault != two(fakestripe.Request{}) {
			t.Fatal("the same seed gives other faults")
		}
		seen[fault]++
	}
	for fault := fakestripe.None; fault <= fakestripe.Slow; fault++ {
		if (seen[fault] == 0) != (fault == fakestripe.StoreFailLater) {
			t.Errorf("fault %d came %d times", fault, seen[fault])
		}
	}
}

// TestDeliveries: early, twice, held, shuffled, and again until they are taken.
func TestDeliveries(t *testing.T) {
	var mu sync.Mutex
	var got []string
	refusals := 2
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var e struct{ ID, Type string }
		if err := json.Unmarshal(body, &e); err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		if refusals--; refusals >= 0 {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		got = append(got, e.Type+" "+e.ID)
	}))
	defer hook.Close()
	count := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(got)
	}
	drain := func(s *fakestripe.Server) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := s.Drain(ctx); err != nil {
			t.Fatal(err)
		}
	}
	s := start(t)
	const events = 3 // created, charge.succeeded, succeeded
	s.Webhooks(hook.URL, "whsec_1", fakestripe.Delivery{Twice: 1000, Shuffle: true})
	post(t, s, intents, "k1", charge("p1", "pm_1"))
	drain(s)
	if n := count(); n != 2*events {
		t.Errorf("%d deliveries, want every event twice: %v", n, got)
	}
	s.Webhooks(hook.URL, "whsec_1", fakestripe.Delivery{Early: 1000})
	post(t, s, intents, "k2", charge("p2", "pm_1"))
	if n := count(); n != 3*events {
		t.Errorf("%d deliveries before the reply, want %d", n-2*events, events)
	}
	s.Webhooks(hook.URL, "whsec_1", fakestripe.Delivery{Held: 1000})
	post(t, s, intents, "k3", charge("p3", "pm_1"))
	if n := count(); n != 3*events {
		t.Errorf("%d held events were delivered", n-3*events)
	}
	drain(s)
	if n := count(); n != 4*events {
		t.Errorf("%d deliveries in all, want %d", n, 4*events)
	}
}
