package office

import (
	"strings"
	"testing"
	"time"

	"drawdown/api/access"
)

// TestAKeyIsIssuedOnce: a repetition makes no second key and shows no secret, also where the memory of idempotency keys is
// lost, or the answer was.
func TestAKeyIsIssuedOnce(t *testing.T) {
	w := newWorld()
	o := w.office(t)
	wanted := access.NewKey{Name: "scheduler", Role: access.Worker}
	key, token, err := o.IssueKeyOnce(t.Context(), operator, wanted, "deploy-1")
	if err != nil || token == "" {
		t.Fatal(err)
	}
	repeat := func(what string) {
		t.Helper()
		_, token, err := o.IssueKeyOnce(t.Context(), operator, wanted, "deploy-1")
		if refusal := refused(t, err); refusal.Reason != "already_done" || refusal.Kind != Conflict || refusal.Key != key.ID || token != "" {
			t.Errorf("%s: %+v, %q", what, refusal, token)
		}
		if w.issued != 1 {
			t.Errorf("%s: %d keys were issued", what, w.issued)
		}
	}
	repeat("again")
	repeat("a third time")
	for name, text := range w.memory {
		if strings.Contains(string(text), "secret") {
			t.Errorf("%s has %s", name, text)
		}
	}
	if _, _, err := o.IssueKeyOnce(t.Context(), operator, access.NewKey{Name: "another", Role: access.Worker}, "deploy-1"); refused(t, err).Reason != "idempotency_key_reused" {
		t.Error(err)
	}
	clear(w.memory)
	repeat("the memory is lost")
	other, _, err := o.IssueKeyOnce(t.Context(), &access.Principal{ID: "key:other", Role: access.Operator}, wanted, "deploy-1")
	if err != nil || other.ID == key.ID {
		t.Errorf("another's idempotency key: %+v, %v", other, err)
	}
	w.keyErr, w.lostReply, w.issued = access.ErrUnavailable, true, 0
	if _, _, err := o.IssueKeyOnce(t.Context(), operator, wanted, "deploy-2"); refused(t, err).Kind != Unavailable {
		t.Error(err)
	}
	w.keyErr, w.lostReply = nil, false
	if _, _, err := o.IssueKeyOnce(t.Context(), operator, wanted, "deploy-2"); refused(t, err).Reason != "already_done" || w.issued != 1 {
		t.Errorf("after a lost reply: %v, %d keys", err, w.issued)
	}
}

// TestAKeyIsRotatedOnce: a repetition would end the secret that is in use.
func TestAKeyIsRotatedOnce(t *testing.T) {
	w := newWorld()
	o := w.office(t)
	rotate := func(once string) error {
		_, token, err := o.RotateKeyOnce(t.Context(), operator, "dk_1", time.Hour, once)
		if (err == nil) != (token != "") {
			t.Errorf("%v with a secret of %d bytes", err, len(token))
		}
		return err
	}
	done := func(what, once string, generation int) {
		t.Helper()
		if refusal := refused(t, rotate(once)); refusal.Reason != "already_done" || refusal.Key != "dk_1" || w.generations["dk_1"] != generation {
			t.Errorf("%s: %+v, generation %d", what, refusal, w.generations["dk_1"])
		}
	}
	if err := rotate("r-1"); err != nil || w.generations["dk_1"] != 2 {
		t.Fatalf("%v, generation %d", err, w.generations["dk_1"])
	}
	done("again", "r-1", 2)
	done("a third time", "r-1", 2)
	if err := rotate("r-2"); err != nil || w.generations["dk_1"] != 3 {
		t.Errorf("another key: %v, generation %d", err, w.generations["dk_1"])
	}
	done("the first again", "r-1", 3)
	w.keyErr, w.lostReply = access.ErrUnavailable, true
	if refused(t, rotate("r-3")).Kind != Unavailable {
		t.Error("it was to fail")
	}
	w.keyErr, w.lostReply = nil, false
	done("after a lost reply", "r-3", 4)
	w.keyErr = access.ErrUnavailable
	if refused(t, rotate("r-4")).Kind != Unavailable {
		t.Error("it was to fail")
	}
	w.keyErr = nil
	if err := rotate("r-4"); err != nil || w.generations["dk_1"] != 5 {
		t.Errorf("after a failure that changed nothing: %v, generation %d", err, w.generations["dk_1"])
	}
	if err := rotate(""); err != nil || rotate("") != nil || w.generations["dk_1"] != 7 {
		t.Errorf("without a key: %v, generation %d", err, w.generations["dk_1"])
	}
}
