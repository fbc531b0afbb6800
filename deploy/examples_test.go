package deploy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"

	"drawdown"
	"drawdown/balance"
	"drawdown/consumer/decode"
	"drawdown/consumer/replay"
)

// published are the examples in the order in which they are published, and as what.
var published = []struct{ file, broadcast string }{
	{"rates.json", "rates.published"},
	{"connectors.json", "connector.set"},
	{"airbyte-cloud.json", "plan.published"},
	{"airbyte-cloud-ladder.json", "plan.published"},
	{"make-free.json", "plan.published"},
	{"make-10k.json", "plan.published"},
	{"make-10k-billed.json", "plan.published"},
	{"make-80k.json", "plan.published"},
}

// examples returns the data that a file holds: one object or a list of them.
func examples(t *testing.T, file string) []json.RawMessage {
	t.Helper()
	content, err := Examples.ReadFile(path.Join("examples", file))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(bytes.TrimSpace(content), []byte("[")) {
		return []json.RawMessage{content}
	}
	var list []json.RawMessage
	if err := json.Unmarshal(content, &list); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return list
}

// record makes one line of a log.
func record(t *testing.T, id, recordType, subject string, data json.RawMessage) []byte {
	t.Helper()
	line, err := json.Marshal(struct {
		SpecVersion string          `json:"specversion"`
		ID          string          `json:"id"`
		Source      string          `json:"source"`
		Type        string          `json:"type"`
		Subject     string          `json:"subject,omitempty"`
		Time        string          `json:"time"`
		Data        json.RawMessage `json:"data"`
	}{"1.0", id, "test", recordType, subject, "2026-03-01T00:00:00Z", data})
	if err != nil {
		t.Fatal(err)
	}
	return line
}

// broadcasts are all examples as records.
func broadcasts(t *testing.T) (log [][]byte) {
	t.Helper()
	for _, p := range published {
		for i, data := range examples(t, p.file) {
			log = append(log, record(t, fmt.Sprintf("%s/%d", p.file, i), p.broadcast, "", data))
		}
	}
	return log
}

func TestEveryExampleIsPublished(t *testing.T) {
	files, err := Examples.ReadDir("examples")
	if err != nil {
		t.Fatal(err)
	}
	known := make(map[string]bool)
	for _, p := range published {
		known[p.file] = true
	}
	for _, file := range files {
		if !known[file.Name()] {
			t.Errorf("examples/%s is not tested", file.Name())
		}
	}
	if len(files) != len(published) {
		t.Errorf("there are %d examples, tested are %d", len(files), len(published))
	}
}

// rejects fails the test at each rejected record and each duplicate.
type rejects struct {
	t      *testing.T
	record []byte
}

func (r *rejects) Charge(*drawdown.Charge) {}
func (r *rejects) Ledger(drawdown.Entry)   {}
func (r *rejects) Rejected(rejected *drawdown.Rejected) {
	r.t.Errorf("rejected as %s: %s", rejected.Reason, r.record)
}
func (r *rejects) Duplicate(*drawdown.Duplicate) { r.t.Errorf("duplicate: %s", r.record) }

func TestEngineAcceptsExamples(t *testing.T) {
	partition := balance.NewPartition(0)
	var decoder decode.Decoder
	for offset, line := range broadcasts(t) {
		rec := drawdown.Record{Offset: drawdown.Offset(offset)}
		decoder.Decode(line, drawdown.NoTime, &rec)
		if rec.Reject != "" || !rec.Type.IsBroadcast() {
			t.Errorf("decoded as %q, rejected as %q: %s", rec.Type, rec.Reject, line)
		}
		partition.Apply(&rec, &rejects{t: t, record: line})
	}
}

// TestExamplesTogether shows that plans, rates and connectors fit to each other: accounts of each plan are opened and use
// every kind of source, at the prices that the examples are known for.
func TestExamplesTogether(t *testing.T) {
	log := broadcasts(t)
	add := func(account, recordType, data string) {
		log = append(log, record(t, fmt.Sprintf("r%d", len(log)), recordType, account, json.RawMessage(data)))
	}
	for _, plan := range []string{"airbyte-cloud", "airbyte-cloud-ladder", "make-free", "make-10k", "make-10k-billed", "make-80k"} {
		add(plan, "account.opened", fmt.Sprintf(`{"plan":%q,"email":"a@example.com","email_verified":true}`, plan))
	}
	add("airbyte-cloud", "credits.granted", `{"amount":"100","category":"promotional"}`)
	for _, usage := range []struct{ account, source, destination, counts string }{
		{"airbyte-cloud", "source-stripe", "destination-bigquery", `"records":1000000`},     // 6 credits
		{"airbyte-cloud", "source-custom", "destination-bigquery", `"records":500000`},      // 3
		{"airbyte-cloud", "source-postgres", "destination-snowflake", `"bytes":1000000000`}, // 4
		{"airbyte-cloud", "source-s3", "destination-s3", `"bytes":250000000`},               // 1
		{"make-10k", "scenario-module", "scenario-module", `"operations":2500`},             // 2,500
		{"make-80k", "scenario-module", "scenario-module", `"operations":80000`},            // all
	} {
		add(usage.account, "sync.usage", fmt.Sprintf(`{"connection":%q,"source_connector":%q,"destination_connector":%q,"job":1,"attempt":1,"seq":1,%s}`,
			"c-"+usage.source, usage.source, usage.destination, usage.counts))
	}
	got := make(map[string]string)
	for line := range strings.Lines(replayed(t, log)) {
		var entry struct{ Type, Account, Available, Status, Reason string }
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		switch entry.Type {
		case "rejected", "duplicate":
			t.Errorf("%s", line)
		case "balance":
			got[entry.Account] = entry.Available + " " + entry.Status
		}
	}
	want := map[string]string{
		"airbyte-cloud": "86 active", "airbyte-cloud-ladder": "0 exhausted", "make-free": "1000 active",
		"make-10k": "7500 active", "make-10k-billed": "10000 active", "make-80k": "0 exhausted",
	}
	for account, balance := range want {
		if got[account] != balance {
			t.Errorf("%s has %q, want %q", account, got[account], balance)
		}
	}
}

// replayed is what a log means, balances included.
func replayed(t *testing.T, log [][]byte) string {
	t.Helper()
	var out strings.Builder
	if _, err := replay.Run(bytes.NewReader(bytes.Join(log, []byte("\n"))), &out, replay.Options{Balances: true}); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestExampleLadder: a refused card is followed by the backup at once, and by the first card after hours.
func TestExampleLadder(t *testing.T) {
	log := broadcasts(t)
	for _, operation := range []struct{ kind, data string }{
		{"account.opened", `{"plan":"airbyte-cloud-ladder","email":"a@example.com","email_verified":true}`},
		{"payment_method.saved", `{"method":"pm_1","kind":"card","customer":"cus_1"}`},
		{"payment_method.saved", `{"method":"pm_2","kind":"card","customer":"cus_1","backup":true}`},
		{"auto_purchase.set", `{"enabled":true}`},
		{"purchase.failed", `{"purchase":"acme:1","reason":"card_declined","attempt":1}`},
		{"purchase.failed", `{"purchase":"acme:1","reason":"expired_card","attempt":2}`},
	} {
		log = append(log, record(t, fmt.Sprintf("r%d", len(log)), operation.kind, "acme", json.RawMessage(operation.data)))
	}
	var got []string
	for line := range strings.Lines(replayed(t, log)) {
		var e struct{ Type, Method, RetryAt, Status string }
		e.RetryAt = "-"
		if err := json.Unmarshal([]byte(strings.ReplaceAll(line, "retry_at", "retryat")), &e); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(e.Type, "purchase.") || e.Type == "balance" || e.Type == "rejected" {
			got = append(got, strings.Join([]string{e.Type, e.Method, e.RetryAt, e.Status}, " "))
		}
	}
	want := []string{
		"purchase.requested  - ", "purchase.declined backup 2026-03-01T00:00:00Z ", "purchase.retried backup - ",
		"purchase.declined primary 2026-03-01T04:00:00Z ", "balance  - purchasing",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the log means\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestExamplesAreBilledApart: the gateway's price tells which plan an account has, and a subscription that ends leads to a
// plan that is there.
func TestExamplesAreBilledApart(t *testing.T) {
	partition := balance.NewPartition(0)
	var decoder decode.Decoder
	for offset, line := range broadcasts(t) {
		rec := drawdown.Record{Offset: drawdown.Offset(offset)}
		decoder.Decode(line, drawdown.NoTime, &rec)
		partition.Apply(&rec, &rejects{t: t, record: line})
	}
	billed := make(map[string]string)
	for id, plan := range partition.Plans() {
		if plan.Subscription == nil || plan.Subscription.GatewayPrice == "" {
			continue
		}
		price, fallback := plan.Subscription.GatewayPrice, partition.Plans()[plan.Subscription.Fallback]
		if billed[price] != "" || fallback == nil || (fallback.Subscription != nil && fallback.Subscription.GatewayPrice != "") {
			t.Errorf("%s is billed as %s, like %q, and falls back to %q", id, price, billed[price], plan.Subscription.Fallback)
		}
		billed[price] = id
	}
	if len(billed) == 0 {
		t.Error("no example is billed by a gateway")
	}
}
