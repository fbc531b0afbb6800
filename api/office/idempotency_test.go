package office

import (
	"strings"
	"testing"
	"time"

	"drawdown"
	"drawdown/api/access"
)

// TestAKeyIsOneWrite: the same request under the same key is appended once and answered alike.
func TestAKeyIsOneWrite(t *testing.T) {
	w := newWorld()
	o := w.office(t)
	grant := Grant{Amount: drawdown.Credit, Category: drawdown.PromotionalGrant}
	first, err := o.Do(t.Context(), operator, "acme", grant, Write{Key: "k-1"})
	if err != nil {
		t.Fatal(err)
	}
	again, err := o.Do(t.Context(), operator, "acme", grant, Write{Key: "k-1"})
	if err != nil || *again != *first || len(w.operations) != 1 || len(w.audited) != 1 {
		t.Fatalf("again: %+v, %v; %d operations, %d entries", again, err, len(w.operations), len(w.audited))
	}
	// A repetition may ask for more than the first did: it waits, and what it learns stays.
	w.outcome = drawdown.OutOfRange
	waited, err := o.Do(t.Context(), operator, "acme", grant, Write{Key: "k-1", Wait: time.Second})
	if refused(t, err).Reason != "out_of_range" || waited.State != Rejected || waited.Position != first.Position {
		t.Fatalf("with a wait: %+v, %v", waited, err)
	}
	w.outcome = ""
	if later, err := o.Do(t.Context(), operator, "acme", grant, Write{Key: "k-1"}); refused(t, err).Reason != "out_of_range" || *later != *waited {
		t.Fatalf("later: %+v, %v", later, err)
	}
	if len(w.operations) != 1 {
		t.Errorf("%d operations", len(w.operations))
	}
}

// TestAKeyBelongsToItsRequest: another action, other data, another account are refused.
func TestAKeyBelongsToItsRequest(t *testing.T) {
	w := newWorld()
	o := w.office(t)
	if _, err := o.Do(t.Context(), operator, "acme", Void{Grant: "g-1"}, Write{Key: "k"}); err != nil {
		t.Fatal(err)
	}
	for _, other := range []Action{Void{Grant: "g-2"}, VerifyEmail{}} {
		_, err := o.Do(t.Context(), operator, "acme", other, Write{Key: "k"})
		if refusal := refused(t, err); refusal.Kind != Conflict || refusal.Reason != "idempotency_key_reused" {
			t.Errorf("%+v: %+v", other, refusal)
		}
	}
	if _, err := o.Do(t.Context(), operator, "zeta", Void{Grant: "g-1"}, Write{Key: "k"}); refused(t, err).Reason != "idempotency_key_reused" {
		t.Errorf("another account: %v", err)
	}
	if _, err := o.Order(t.Context(), operator, "acme", 100, Write{Key: "k"}); refused(t, err).Reason != "idempotency_key_reused" {
		t.Errorf("an order: %v", err)
	}
	if len(w.operations) != 1 || len(w.orders) != 0 {
		t.Errorf("%d operations, %d orders", len(w.operations), len(w.orders))
	}
	// Another principal's key of the same name is another key.
	if _, err := o.Do(t.Context(), &access.Principal{ID: "key:other", Role: access.Operator}, "acme", Void{Grant: "g-2"}, Write{Key: "k"}); err != nil {
		t.Errorf("another principal: %v", err)
	}
	if w.operations[0].ID == w.operations[1].ID {
		t.Error("two principals have the same operation")
	}
}

// TestARequestUnderWayIsNotRepeated, until it is so old that it can't be alive.
func TestARequestUnderWayIsNotRepeated(t *testing.T) {
	w := newWorld()
	o := w.office(t)
	var during error
	w.appending = func() {
		w.appending = nil
		_, during = o.Do(t.Context(), operator, "acme", VerifyEmail{}, Write{Key: "k"})
	}
	first, err := o.Do(t.Context(), operator, "acme", VerifyEmail{}, Write{Key: "k"})
	if err != nil || refused(t, during).Reason != "in_progress" {
		t.Fatalf("%v, during it: %v", err, during)
	}
	// The process died before it could answer: what it left is taken over, under the same operation.
	w.memory[first.Operation] = encodeEntry(entry{Request: digestOf("email.verified", "acme", "null"), Since: now.Add(-openFor)})
	second, err := o.Do(t.Context(), operator, "acme", VerifyEmail{}, Write{Key: "k"})
	if err != nil || second.Operation != first.Operation || len(w.operations) != 2 || w.operations[0].ID != w.operations[1].ID {
		t.Errorf("%+v, %v, %+v", second, err, w.operations)
	}
}

// TestAFailureGivesTheKeyBack to the same request only: it may stand in the log.
func TestAFailureGivesTheKeyBack(t *testing.T) {
	w := newWorld()
	o := w.office(t)
	w.appending = func() { w.away = true }
	if _, err := o.Do(t.Context(), operator, "acme", VerifyEmail{}, Write{Key: "k"}); refused(t, err).Kind != Unavailable {
		t.Fatal(err)
	}
	w.appending, w.away = nil, false
	if _, err := o.Do(t.Context(), operator, "acme", Void{Grant: "g"}, Write{Key: "k"}); refused(t, err).Reason != "idempotency_key_reused" {
		t.Errorf("another request: %v", err)
	}
	if written, err := o.Do(t.Context(), operator, "acme", VerifyEmail{}, Write{Key: "k"}); err != nil || written.State != Appended {
		t.Errorf("the same request: %+v, %v", written, err)
	}
}

// TestTheOperationFollowsFromTheKey: with a memory that lost everything the engine still sees a repetition.
func TestTheOperationFollowsFromTheKey(t *testing.T) {
	w := newWorld()
	o := w.office(t)
	for range 2 {
		clear(w.memory)
		if _, err := o.Do(t.Context(), customer, "acme", SetAutoPurchase{Enabled: true}, Write{Key: "k"}); err != nil {
			t.Fatal(err)
		}
		if _, err := o.Order(t.Context(), customer, "acme", 200, Write{Key: "o"}); err != nil {
			t.Fatal(err)
		}
	}
	if a, b := w.operations[0], w.operations[1]; a.ID != b.ID || a.Source != b.Source {
		t.Errorf("%+v and %+v", a, b)
	}
	if w.orders[0] != w.orders[1] {
		t.Errorf("the desk was given the keys %v", w.orders)
	}
	for range 2 {
		if _, err := o.Do(t.Context(), customer, "acme", SetAutoPurchase{Enabled: true}, Write{}); err != nil {
			t.Fatal(err)
		}
	}
	if w.operations[2].ID == w.operations[3].ID {
		t.Error("without a key, two writes have one operation")
	}
}

func TestKeysAreBounded(t *testing.T) {
	for key, good := range map[string]bool{strings.Repeat("k", 64): true, strings.Repeat("k", 65): false, "a b": false, "ä": false, "a\n": false} {
		_, err := newWorld().office(t).Do(t.Context(), operator, "acme", VerifyEmail{}, Write{Key: key})
		if good != (err == nil) {
			t.Errorf("%q: %v", key, err)
		}
		if err != nil && refused(t, err).Kind != Invalid {
			t.Errorf("%q: %v", key, err)
		}
	}
}

// TestSourcesFitIntoRecords also for principals whose ids are long, and differ for different ones.
func TestSourcesFitIntoRecords(t *testing.T) {
	long := "oidc:" + strings.Repeat("x", 300)
	a, b := sourceOf(&access.Principal{ID: long + "a"}), sourceOf(&access.Principal{ID: long + "b"})
	if len(a) > drawdown.MaxSourceLen || a == b || !strings.HasPrefix(a, "drawdown/api/") {
		t.Errorf("%q and %q", a, b)
	}
}
