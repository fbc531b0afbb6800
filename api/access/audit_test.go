package access

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestAuditEntriesThatCannotBe(t *testing.T) {
	good := AuditEntry{Actor: "key:x", Role: Worker, Account: "acme", Action: "hold.placed", Detail: json.RawMessage(`{}`)}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", auditTextMax+1)
	for fault, change := range map[string]func(*AuditEntry){
		"actor": func(e *AuditEntry) { e.Actor = "" }, "action": func(e *AuditEntry) { e.Action = long }, "role": func(e *AuditEntry) { e.Role = Role(long) },
		"operation": func(e *AuditEntry) { e.Operation = "\xff" }, "remote_addr": func(e *AuditEntry) { e.RemoteAddr = long },
		"account": func(e *AuditEntry) { e.Account = "a b" }, "detail": func(e *AuditEntry) { e.Detail = json.RawMessage(`{`) },
	} {
		entry := good
		change(&entry)
		if err := entry.Validate(); err == nil || !strings.Contains(err.Error(), fault+": ") {
			t.Errorf("%s: %v", fault, err)
		}
	}
}

func TestALongDetailIsLeftOut(t *testing.T) {
	entry := AuditEntry{Detail: json.RawMessage(`"` + strings.Repeat("x", AuditDetailMax-2) + `"`)}
	if entry.Fit(); len(entry.Detail) != AuditDetailMax {
		t.Errorf("one that fits is %.40s", entry.Detail)
	}
	entry.Detail = append(entry.Detail, ' ')
	if entry.Fit(); string(entry.Detail) != `{"omitted_bytes":16385}` {
		t.Errorf("one that is too long is %.40s", entry.Detail)
	}
}

func TestAuditFilter(t *testing.T) {
	at := time.Unix(1e9, 0)
	entry := &AuditEntry{ID: "5", Time: at, Actor: "a", Account: "acme", Action: "x"}
	for name, c := range map[string]struct {
		filter AuditFilter
		want   bool
	}{
		"none": {AuditFilter{}, true}, "all": {AuditFilter{Account: "acme", Actor: "a", Action: "x", Since: at, Until: at.Add(1), Before: "6"}, true},
		"account": {AuditFilter{Account: "other"}, false}, "actor": {AuditFilter{Actor: "b"}, false}, "action": {AuditFilter{Action: "y"}, false},
		"since": {AuditFilter{Since: at.Add(1)}, false}, "until": {AuditFilter{Until: at}, false}, "before": {AuditFilter{Before: "5"}, false},
	} {
		if c.filter.Wants(entry) != c.want {
			t.Errorf("%s: %v", name, !c.want)
		}
	}
}
