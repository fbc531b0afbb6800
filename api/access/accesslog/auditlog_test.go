package accesslog

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"drawdown/api/access"
	"drawdown/producer"
)

func (b *broker) auditLog(t *testing.T, logs io.Writer) (*AuditLog, func()) {
	t.Helper()
	config, end := b.config(t, b.audit)
	log, err := NewAuditLog(config, signingKeys(t, "k1"), slog.New(slog.NewTextHandler(logs, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return log, end
}

func TestAuditOnKafka(t *testing.T) { onEmbedded(t, auditOnKafka) }

// auditOnKafka writes entries of accounts in several partitions, and lists them by pages and filters.
func auditOnKafka(t *testing.T, b *broker) {
	log, end := b.auditLog(t, io.Discard)
	defer end()
	if got := list(t, log, access.AuditFilter{}); len(got) != 0 {
		t.Errorf("listed from nothing: %v", got)
	}
	accounts := []string{"acme", "globex", "initech", "hooli", ""}
	const each = 8
	began := time.Now().Truncate(time.Millisecond)
	for n := range each {
		for _, account := range accounts {
			err := log.Append(t.Context(), access.AuditEntry{
				ID: "mine", Time: time.Unix(1, 0), Actor: fmt.Sprint("key:", n%2), Role: access.Operator, Account: account,
				Action: "credits.granted", Operation: fmt.Sprint(account, n), RemoteAddr: "192.0.2.1:99", Detail: json.RawMessage(`{"amount":"5"}`),
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	all := list(t, log, access.AuditFilter{})
	if len(all) != each*len(accounts) {
		t.Fatalf("listed %d", len(all))
	}
	for i, e := range all {
		account := accounts[len(accounts)-1-i%len(accounts)]
		want := access.AuditEntry{
			ID: e.ID, Time: e.Time, Actor: fmt.Sprint("key:", (each-1-i/len(accounts))%2), Role: access.Operator, Account: account,
			Action: "credits.granted", Operation: fmt.Sprint(account, each-1-i/len(accounts)), RemoteAddr: "192.0.2.1:99",
		}
		if e.Time.Before(began) || string(e.Detail) != `{"amount":"5"}` {
			t.Fatalf("entry %d: %+v", i, e)
		}
		if e.Detail = nil; fmt.Sprint(e) != fmt.Sprint(want) {
			t.Fatalf("entry %d: %+v, expected %+v", i, e, want)
		}
	}
	var paged []access.AuditEntry
	for page := list(t, log, access.AuditFilter{Limit: 7}); len(page) > 0; page = list(t, log, access.AuditFilter{Limit: 7, Before: paged[len(paged)-1].ID}) {
		paged = append(paged, page...)
	}
	if fmt.Sprint(paged) != fmt.Sprint(all) {
		t.Errorf("%d entries in pages, expected the same %d", len(paged), len(all))
	}
	for name, c := range map[string]struct {
		filter access.AuditFilter
		count  int
	}{
		"an account": {access.AuditFilter{Account: "acme"}, each}, "another one": {access.AuditFilter{Account: "nobody"}, 0},
		"an actor": {access.AuditFilter{Actor: "key:0"}, each / 2 * len(accounts)}, "both": {access.AuditFilter{Account: "acme", Actor: "key:1"}, each / 2},
		"an action": {access.AuditFilter{Action: "credits.voided"}, 0}, "since": {access.AuditFilter{Since: time.Now().Add(time.Hour)}, 0},
		"since the beginning": {access.AuditFilter{Since: began}, len(all)}, "until": {access.AuditFilter{Until: began}, 0},
	} {
		if got := list(t, log, c.filter); len(got) != c.count {
			t.Errorf("%s: %d, expected %d", name, len(got), c.count)
		}
	}
}

func list(t *testing.T, log *AuditLog, f access.AuditFilter) []access.AuditEntry {
	t.Helper()
	entries, err := log.List(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

func TestALongAuditLog(t *testing.T) { onEmbedded(t, aLongAuditLog) }

// aLongAuditLog has more entries than are looked at first, one of which is far back, and copies.
func aLongAuditLog(t *testing.T, b *broker) {
	log, end := b.auditLog(t, io.Discard)
	defer end()
	add := func(action string, count int) {
		entry := access.AuditEntry{Actor: "a", Account: "acme", Action: action}
		values, signed := [][]byte{}, []byte(nil)
		for range count {
			value, header := log.signedEntry(t, entry)
			values, signed = append(values, value), header
		}
		if count == 1 {
			b.put(t, b.audit, producer.PartitionOf("acme", auditPartitions), values[0], signed)
			b.put(t, b.audit, producer.PartitionOf("acme", auditPartitions), values[0], signed)
			return
		}
		if _, err := log.producer.AppendBatch(t.Context(), "acme", values); err != nil { // unsigned: left out
			t.Fatal(err)
		}
	}
	add("first", 1)
	add("noise", 3*spanMin)
	add("last", 1)
	got := list(t, log, access.AuditFilter{Account: "acme"})
	if len(got) != 2 || got[0].Action != "last" || got[1].Action != "first" {
		t.Errorf("listed %v", got)
	}
	if got := list(t, log, access.AuditFilter{Action: "first", Limit: 1}); len(got) != 1 {
		t.Errorf("far back: %v", got)
	}
}

// signedEntry is an entry as it stands in the topic.
func (l *AuditLog) signedEntry(t *testing.T, e access.AuditEntry) (value, header []byte) {
	t.Helper()
	e.ID, e.Time = fmt.Sprintf("%s-%d", e.Action, time.Now().UnixNano()), time.Now().UTC()
	if e.Action == "first" {
		e.ID = "0"
	}
	value, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	if header, err = l.signer.Sign(domainOf(value)); err != nil {
		t.Fatal(err)
	}
	return value, header
}

func TestForgedAuditEntries(t *testing.T) {
	onEmbedded(t, func(t *testing.T, b *broker) {
		var logs strings.Builder
		log, end := b.auditLog(t, &logs)
		defer end()
		value, header := log.signedEntry(t, access.AuditEntry{Actor: "a", Action: "right"})
		b.put(t, b.audit, 0, value, header)
		b.put(t, b.audit, 0, value, nil)
		b.put(t, b.audit, 0, []byte(strings.Replace(string(value), "right", "wrong", 1)), header)
		asOperation, err := log.signer.Sign(value)
		if err != nil {
			t.Fatal(err)
		}
		b.put(t, b.audit, 0, value, asOperation)
		if got := list(t, log, access.AuditFilter{}); len(got) != 1 || got[0].Action != "right" {
			t.Errorf("listed %v", got)
		}
		if told := strings.Count(logs.String(), "no valid signature"); told != 3 {
			t.Errorf("told of %d forged entries:\n%s", told, logs.String())
		}
	})
}

func TestEntriesThatCannotBe(t *testing.T) {
	onEmbedded(t, func(t *testing.T, b *broker) {
		log, end := b.auditLog(t, io.Discard)
		defer end()
		if err := log.Append(t.Context(), access.AuditEntry{Actor: "a"}); err == nil {
			t.Error("an entry without an action is accepted")
		}
		if _, err := log.List(t.Context(), access.AuditFilter{Limit: access.AuditPageMax + 1}); err == nil {
			t.Error("a page without end is accepted")
		}
	})
	if _, err := NewAuditLog(Config{}, nil, nil); err == nil {
		t.Error("a configuration without anything is accepted")
	}
}

func TestAPageEnds(t *testing.T) {
	at := func(minutes int) time.Time { return time.Unix(1e9, 0).Add(time.Duration(minutes) * time.Minute) }
	full := &page{filter: access.AuditFilter{Limit: 2}}
	full.add(&access.AuditEntry{ID: "3", Time: at(30)})
	if full.endsBefore(at(0)) {
		t.Error("a page with room has ended")
	}
	full.add(&access.AuditEntry{ID: "1", Time: at(10)})
	full.add(&access.AuditEntry{ID: "2", Time: at(20)})
	if full.entries[0].ID != "3" || full.entries[1].ID != "2" || len(full.entries) != 2 {
		t.Errorf("the page has %v", full.entries)
	}
	for minutes, want := range map[int]bool{20: false, 15: false, 14: true} {
		if full.endsBefore(at(minutes)) != want {
			t.Errorf("full, at %d minutes", minutes)
		}
	}
	if since := (&page{filter: access.AuditFilter{Since: at(10), Limit: 2}}); since.endsBefore(at(6)) || !since.endsBefore(at(4)) || since.endsBefore(time.Time{}) {
		t.Error("since an instant")
	}
}
