package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"drawdown"
)

// asking returns a client of a server that answers so.
func asking(t *testing.T, answer http.HandlerFunc) *client {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	return &client{origin: server.URL, key: "dk_test", http: server.Client()}
}

func TestAWriteIsRepeatedUnderItsKeyUntilItIsApplied(t *testing.T) {
	var keys []string
	states := []string{"appended", "appended", "applied"}
	c := asking(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer dk_test" || r.Header.Get("Prefer") != "wait=10" {
			t.Errorf("headers %v", r.Header)
		}
		_, _ = fmt.Fprintf(w, `{"state":%q}`, states[len(keys)])
		keys = append(keys, r.Header.Get("Idempotency-Key"))
	})
	if err := c.write(t.Context(), http.MethodPost, "/v1/x", data{"a": 1}); err != nil {
		t.Fatal(err)
	}
	if len(keys) != 3 || keys[0] == "" || len(slices.Compact(keys)) != 1 {
		t.Errorf("keys %v", keys)
	}
	states = []string{"", "", "", "appended", "appended", "appended", "appended", "appended", "appended", "applied"}
	keys = make([]string, 3)
	if err := c.write(t.Context(), http.MethodDelete, "/v1/x", nil); !errors.Is(err, errNotApplied) {
		t.Errorf("never applied: %v", err)
	}
}

func TestARefusalSaysWhy(t *testing.T) {
	c := asking(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusConflict)
		_, _ = io.WriteString(w, `{"status":409,"reason":"insufficient_credits","detail":"There are not enough."}`)
	})
	var refused *refusal
	_, err := c.gate(t.Context(), "a", "c")
	if !errors.As(err, &refused) || refused.Reason != "insufficient_credits" || refused.Status != http.StatusConflict {
		t.Errorf("%v", err)
	}
}

func TestTheGatekeeperAdmitsAsTheGateSaysAndTellsChangesOnce(t *testing.T) {
	allowed := map[string]bool{gateAccount: true, "other": true}
	c := asking(t, func(w http.ResponseWriter, r *http.Request) {
		account := strings.Split(r.URL.Path, "/")[3]
		reason := "active"
		if !allowed[account] {
			reason = "payment_failed"
		}
		_, _ = fmt.Fprintf(w, `{"allowed":%v,"reason":%q,"available":"1"}`, allowed[account], reason)
	})
	var told []string
	two := []connection{{name: "one"}, {name: "two"}}
	g := &gatekeeper{api: c, story: []customer{{account: gateAccount, connections: two}, {account: "other", connections: two}},
		tell: func(_ time.Time, account, text string, _ tone) { told = append(told, account+": "+text) }}
	if g.admits("other", "one") {
		t.Error("admitted before the gate was asked")
	}
	ask := func() {
		t.Helper()
		if err := g.ask(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	ask()
	ask()
	if !g.admits("other", "two") || g.admits("other", "three") {
		t.Error("not as the gate says")
	}
	allowed["other"] = false
	ask()
	ask()
	if g.admits("other", "one") || !g.admits(gateAccount, "one") {
		t.Error("not as the gate says now")
	}
	want := []string{gateAccount + ": gate: may one start? yes, active", "other: gate: may one start? no, payment failed"}
	if !slices.Equal(told, want) {
		t.Errorf("told %q", told)
	}
}

// TestExactlyOneHoldWinsTheRace: any other outcome fails the demo.
func TestExactlyOneHoldWinsTheRace(t *testing.T) {
	insufficient := fmt.Errorf("place: %w", &refusal{Status: http.StatusConflict, Reason: string(drawdown.InsufficientCredits)})
	other := &refusal{Status: http.StatusConflict, Reason: "hold_exists"}
	a, b := &connection{name: "a"}, &connection{name: "b"}
	for _, c := range []struct {
		name          string
		answers       []error
		first, second *connection
	}{
		{"the first", []error{nil, insufficient}, a, b},
		{"the second", []error{insufficient, nil}, b, a},
		{"both", []error{nil, nil}, nil, nil},
		{"none", []error{insufficient, insufficient}, nil, nil},
		{"refused for something else", []error{nil, other}, nil, nil},
		{"no answer", []error{context.DeadlineExceeded, nil}, nil, nil},
	} {
		s := &schedulers{of: &customer{}, refused: map[drawdown.Reason]int{}, tell: func(time.Time, string, string, tone) {}}
		first, second, err := s.judge([]*connection{a, b}, c.answers)
		if first != c.first || second != c.second || (err == nil) != (c.first != nil) {
			t.Errorf("%s: %v, %v, %v", c.name, first, second, err)
		}
		if count := s.refused[drawdown.InsufficientCredits]; (count == 1) != (err == nil) {
			t.Errorf("%s: %d refusals counted", c.name, count)
		}
	}
}

// TestARunawayIsStoppedByTheGate plays the account: each event is in the balance a moment later, and the breaker acts at
// the fifth, or never.
func TestARunawayIsStoppedByTheGate(t *testing.T) {
	for _, breaks := range []bool{true, false} {
		var mu sync.Mutex
		events, asked := 0, 0
		c := asking(t, func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			if r.Method == http.MethodPost {
				events++
				asked = 0
				_, _ = io.WriteString(w, `{"results":[{"state":"accepted"}]}`)
				return
			}
			asked++
			shown := events
			if asked == 1 {
				shown-- // not yet
			}
			stopped := breaks && shown >= 5
			_, _ = fmt.Fprintf(w, `{"allowed":%v,"reason":"x","available":"%d"}`, !stopped, 100-shown)
		})
		hurry := make(chan struct{})
		close(hurry)
		s := &schedulers{
			api: c, of: &customer{account: "a"}, lasts: time.Hour, hurry: hurry, sent: map[owner]sent{},
			poll: func(_ context.Context, _ time.Duration, check func() error) error {
				for range 3 {
					if check() == nil {
						return nil
					}
				}
				return check()
			},
		}
		answer, err := s.runUntilStopped(t.Context(), &connection{name: "c", source: "s", destination: "d", meter: drawdown.Records}, 4)
		counted := s.sent[owner{"a", "c"}]
		if breaks && (err != nil || answer.Allowed || events < 5 || events > 6) {
			t.Errorf("stopped after %d events: %+v, %v", events, answer, err)
		}
		if !breaks && (err == nil || events != runawayMax) {
			t.Errorf("a breaker that does nothing: %v after %d events", err, events)
		}
		if counted.events != uint64(events) || counted.quantity != uint64(events)*runawayRecords {
			t.Errorf("counted %+v of %d", counted, events)
		}
	}
}
