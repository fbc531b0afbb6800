package app

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"drawdown"
	"drawdown/api/access"
)

// auditAway is an audit log that can't be written.
type auditAway struct {
	access.AuditLog
	asked []access.AuditEntry
}

func (a *auditAway) Append(_ context.Context, e access.AuditEntry) error {
	a.asked = append(a.asked, e)
	return errors.New("the broker is away")
}

// TestNothingIsAppendedWithoutAnAuditEntry: there is no log behind the operations here, so an append would panic.
func TestNothingIsAppendedWithoutAnAuditEntry(t *testing.T) {
	audit := &auditAway{}
	l := &OperatorLog{audit: audit, actor: "cli:jane"}
	_, err := l.Append(t.Context(), Operation{Type: drawdown.CreditsVoided, Account: "acme", Data: map[string]any{"grant": "g"}})
	if err == nil || !strings.Contains(err.Error(), "nothing was done") || !strings.Contains(err.Error(), "topics create") {
		t.Errorf("the error is %v", err)
	}
	if _, err := l.Append(t.Context(), Operation{Type: drawdown.CreditsVoided, Account: "acme", Data: map[string]any{"grant": 7}}); err == nil || strings.Contains(err.Error(), "audit") {
		t.Errorf("malformed, and the error is %v", err)
	}
	if len(audit.asked) != 1 {
		t.Fatalf("%d entries were asked for", len(audit.asked))
	}
	e := audit.asked[0]
	if e.Actor != "cli:jane" || e.Role != access.Operator || e.Account != "acme" || e.Action != "credits.voided" || e.Operation == "" || string(e.Detail) != `{"grant":"g"}` {
		t.Errorf("the entry is %+v", e)
	}
}

func TestAnAuditEntryTellsNoSecret(t *testing.T) {
	for _, c := range []struct {
		what string
		data any
		want string // "" for nothing
		bad  bool
	}{
		{"no members", nil, "", false},
		{"members", map[string]any{"plan": "p"}, `{"plan":"p"}`, false},
		{"the URL of a webhook", json.RawMessage(`{"endpoint":"e","url":"https://example.com/hook?token=secret"}`), `{"endpoint":"e","url":"https://example.com"}`, false},
		{"no object", json.RawMessage(`[1]`), "", true},
		{"no JSON", json.RawMessage(`{`), "", true},
	} {
		found, err := auditDetailOf(c.data)
		if string(found) != c.want || c.bad != (err != nil) {
			t.Errorf("%s: %s, %v", c.what, found, err)
		}
	}
}
