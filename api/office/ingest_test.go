package office

import (
	"encoding/json"
	"strings"
	"testing"

	"drawdown"
	"drawdown/api/access"
	"drawdown/consumer/decode"
)

// usageEvent is a valid event, with changes to its JSON.
func usageEvent(id string, changes ...string) []byte {
	event := `{"specversion":"1.0","id":"` + id + `","source":"/w","type":"sync.usage","subject":"acme","time":"2026-03-01T11:59:00Z",` +
		`"data":{"connection":"shop","source_connector":"source-postgres","destination_connector":"destination-s3","job":9007199254740991,"attempt":0,"seq":1,"records":10}}`
	return []byte(strings.NewReplacer(changes...).Replace(event))
}

var acmesWorker = &access.Principal{ID: "key:acme-worker", Role: access.Worker, Account: "acme"}

// TestEachEventHasItsResult, in order; only what was accepted is appended.
func TestEachEventHasItsResult(t *testing.T) {
	w := newWorld()
	events := []struct {
		event  []byte
		who    *access.Principal
		state  EventState
		reason drawdown.Reason
		says   string
	}{
		{usageEvent("1"), worker, EventAccepted, "", ""},
		{usageEvent("2"), acmesWorker, EventAccepted, "", ""},
		{usageEvent("3", `"subject":"acme",`, ``), acmesWorker, EventAccepted, "", ""},
		{usageEvent("4", `"subject":"acme",`, `"subject":null,`), acmesWorker, EventAccepted, "", ""},
		{usageEvent("5", `"subject":"acme",`, ``), worker, EventRejected, drawdown.Malformed, "subject: the account"},
		{usageEvent("6", `"acme"`, `"zeta"`), acmesWorker, EventRejected, drawdown.UnknownAccount, "no such account"},
		{usageEvent("7", `"acme"`, `"a/b"`), acmesWorker, EventRejected, drawdown.Malformed, "subject: the account"},
		{usageEvent("8", `sync.usage`, `credits.granted`), worker, EventRejected, drawdown.UnknownType, "Only sync.usage"},
		{usageEvent("9", `sync.usage`, `program.enrolled`), worker, EventRejected, drawdown.UnknownType, "Only sync.usage"},
		{usageEvent("10", `sync.usage`, `tick`), worker, EventRejected, drawdown.UnknownType, "Only sync.usage"},
		{usageEvent("11", `sync.usage`, `what.ever`), worker, EventRejected, drawdown.UnknownType, "Only sync.usage"},
		{usageEvent("12", `"records":10`, `"records":1.5`), worker, EventRejected, drawdown.Malformed, "members of data"},
		{usageEvent("13", `2026-03-01T`, `2026-03-01 `), worker, EventRejected, drawdown.Malformed, "time: RFC 3339"},
		{usageEvent("", ``, ``), worker, EventRejected, drawdown.Malformed, "id: 1 to 128 bytes"},
		{[]byte(`[]`), worker, EventRejected, drawdown.Malformed, "no JSON object"},
		{[]byte(``), acmesWorker, EventRejected, drawdown.Malformed, "no JSON object"},
		{[]byte(`null`), acmesWorker, EventRejected, drawdown.Malformed, "no JSON object"},
		{usageEvent("14", `"/w"`, `"`+strings.Repeat("w", 70_000)+`"`), worker, EventRejected, drawdown.Malformed, "allowed are 65536"},
	}
	o := w.office(t)
	accepted := 0
	for _, c := range events {
		results, err := o.Ingest(t.Context(), c.who, [][]byte{c.event})
		if err != nil || len(results) != 1 {
			t.Fatalf("%.200s: %v, %v", c.event, results, err)
		}
		r := results[0]
		if r.State != c.state || r.Reason != c.reason || !strings.Contains(r.Detail, c.says) || (r.State == EventRejected) != (r.Detail != "") {
			t.Errorf("%.300s: %+v", c.event, r)
		}
		if r.State == EventAccepted {
			if r.Position != (Position{5, drawdown.Offset(accepted)}) {
				t.Errorf("%.200s: stands at %+v", c.event, r.Position)
			}
			accepted++
		}
	}
	if len(w.usage) != accepted || len(w.audited) > 0 {
		t.Fatalf("%d events appended, %d audited", len(w.usage), len(w.audited))
	}
	for _, u := range w.usage {
		var rec drawdown.Record
		new(decode.Decoder).Decode(u.Value, drawdown.NoTime, &rec)
		if rec.Reject != "" || string(rec.Account) != "acme" || u.Account != "acme" || rec.Usage.Job != 9007199254740991 || !json.Valid(u.Value) {
			t.Errorf("a worker reads %s as %+v", u.Value, rec)
		}
	}
}

// TestABatchIsAppendedTogether: results stand where the events did, and a log that is away is an answer for all.
func TestABatchIsAppendedTogether(t *testing.T) {
	w := newWorld()
	batch := [][]byte{usageEvent("1"), []byte("{"), usageEvent("3")}
	results, err := w.office(t).Ingest(t.Context(), worker, batch)
	if err != nil || results[0].Position.Offset != 0 || results[1].State != EventRejected || results[2].Position.Offset != 1 || results[2].ID != "3" {
		t.Errorf("%+v, %v", results, err)
	}
	if results, err := w.office(t).Ingest(t.Context(), worker, nil); err != nil || len(results) != 0 {
		t.Errorf("nothing: %v, %v", results, err)
	}
	w.away = true
	if _, err := w.office(t).Ingest(t.Context(), worker, batch); refused(t, err).Kind != Unavailable {
		t.Error(err)
	}
	for _, p := range []*access.Principal{customer, nil} {
		if _, err := w.office(t).Ingest(t.Context(), p, batch); refused(t, err).Kind != Forbidden {
			t.Error(err)
		}
	}
}
