package api_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"drawdown"
	"drawdown/api"
	"drawdown/api/office"
)

// compact is an answer's JSON without spaces, as it was written.
func compact(t *testing.T, r *http.Response) string {
	t.Helper()
	var out bytes.Buffer
	body := text(t, r)
	if err := json.Compact(&out, []byte(body)); err != nil {
		t.Fatalf("%s\n%v", body, err)
	}
	return out.String()
}

// Each answer in the words that a client sees.
func TestAnswers(t *testing.T) {
	s := newServer(t)
	for _, c := range []struct{ path, bearer, want string }{
		{"/accounts?limit=1", "operator", `{"accounts":["acme"],"next_cursor":"after-acme"}`},
		{"/accounts/blank", "operator", `{"account":"blank","plan":"airbyte-cloud","status":"exhausted","available":"0","period":{"from":"2026-02-15T12:00:00Z","to":"2026-03-17T12:00:00Z"},"email":"owner@example.com","email_verified":false,"at":"2026-02-16T12:00:00Z"}`},
		{"/accounts/acme/balance", "customer", `{"account":"acme","at":"2026-02-16T12:00:00Z","status":"active","available":"187.5","held":"12.5","overdraft":"0","granted":"300","used":"100","expired":"0","voided":"0","waived":"0.006",` +
			`"period":{"from":"2026-02-15T12:00:00Z","to":"2026-03-17T12:00:00Z"},"grants":[{"grant":"acme:1","category":"purchased","amount":"300","remaining":"200","expires_at":"2026-12-13T12:00:00Z"},{"grant":"welcome","category":"promotional","amount":"1","remaining":"0.000000001"}],` +
			`"holds":[{"hold":"later","connection":"crm/eu","job":8,"amount":"1","remaining":"1","expires_at":"2026-02-16T13:00:00Z","waiting":true},{"hold":"night","connection":"shop","job":7,"amount":"30","remaining":"12.5","expires_at":"2026-02-17T12:00:00Z","waiting":false}]}`},
		{"/accounts/acme/holds/night", "customer", `{"hold":"night","connection":"shop","job":7,"amount":"30","remaining":"12.5","expires_at":"2026-02-17T12:00:00Z","waiting":false}`},
		{"/accounts/blank/holds", "scheduler", `{"available":"0","held":"0","reserve":"0","holds":[]}`},
		{"/accounts/acme/holds", "worker", `{"available":"187.5","held":"12.5","reserve":"10","holds":[{"hold":"later","connection":"crm/eu","job":8,"amount":"1","remaining":"1","expires_at":"2026-02-16T13:00:00Z","waiting":true},{"hold":"night","connection":"shop","job":7,"amount":"30","remaining":"12.5","expires_at":"2026-02-17T12:00:00Z","waiting":false}]}`},
		{"/accounts/acme/start-order", "worker", `{"available":"187.5","reserve":"10","starts":[{"connection":"crm/eu","priority":"critical","reason":"free","carries":true},{"connection":"shop","priority":"normal","reason":"active","estimate":{"as_of":"2026-02-16T12:00:00Z","basis":"connection","syncs":28,"median":"3","p90":"4.5"},"carries":true}],"more":false}`},
		{"/accounts/acme/start-order?limit=1", "worker", `{"available":"187.5","reserve":"10","starts":[{"connection":"crm/eu","priority":"critical","reason":"free","carries":true}],"more":true}`},
		{"/accounts/acme/gate?connection=shop&job=7", "worker", `{"allowed":true,"reason":"active","status":"active","available":"187.5","held":"12.5","reserve":"10","priority":"critical","hold":{"hold":"night","connection":"shop","job":7,"amount":"30","remaining":"12.5","expires_at":"2026-02-17T12:00:00Z","waiting":false}}`},
		{"/accounts/blank/gate?connection=crm%2Feu", "scheduler", `{"allowed":false,"reason":"exhausted","status":"exhausted","available":"-0.000000003","held":"0","reserve":"0","priority":"normal"}`},
		{"/accounts/acme/gate-settings", "customer", `{"reserve":"10","runaway_factor":5,"runaway_min":"1"}`},
		{"/accounts/acme/estimate?connection=shop", "worker", `{"as_of":"2026-02-16T12:00:00Z","basis":"connection","syncs":28,"median":"3","p90":"4.5","meter":"records","available":"187.5","carries":true}`},
		{"/accounts/acme/forecast", "customer", `{"as_of":"2026-02-16T12:00:00Z","available":"187.5","per_day":"3.3","runs_out_at":"2026-04-14T12:00:00Z","basis":"the last 30 days"}`},
		{"/accounts/acme/ledger", "customer", `{"as_of":"2026-02-16T12:00:00Z","entries":[{"partition":3,"entry":{"offset":1207,"n":0,"type":"grant.added","at":"2026-02-14T12:00:00Z","account":"acme","grant":"acme:1","category":"purchased","amount":"300","expires_at":null,"repaid":"0"}}],"next_cursor":"next"}`},
		{"/accounts/blank/syncs", "operator", `{"syncs":[]}`},
		{"/accounts/acme/purchases", "customer", `{"as_of":"2026-02-16T12:00:00Z","purchases":[{"purchase":"acme:2","kind":"auto","state":"open","quantity":"30","amount":"75.00","currency":"USD","reason":"card_declined","attempts":1,"requested_at":"2026-02-16T12:00:00Z"},` +
			`{"purchase":"order-1","kind":"manual","state":"settled","quantity":"300","amount":"750.00","currency":"USD","tax":"142.50","receipt":"https://pay.example/r/1","attempts":0,"settled_at":"2026-02-16T12:00:00Z","refunded":"12.5"}]}`},
		{"/accounts/acme/payment-methods", "customer", `{"payment_methods":[{"slot":"primary","method":"pm_1"},{"slot":"backup","method":"pm_2"}],"payment_failed":false}`},
		{"/accounts/acme/auto-purchase", "customer", `{"enabled":true,"max_amount":"100.00","currency":"USD","terms":{"mode":"target","threshold":"10","target":"30","min":20,"surcharge_percent":0,"cap":"count","cap_count":3},"auto_purchases":1,"amount":"75.00","open":"acme:2","payment_failed":false}`},
		{"/accounts/blank/program", "operator", `{"enrolled":false,"preconditions":[{"name":"email_verified","met":false,"what":"The account's e-mail address is verified."},{"name":"payment_method","met":false,"what":"A card is saved."},{"name":"eligible_connector","met":false,"what":"A connection has an alpha or beta connector."}]}`},
		{"/accounts/acme/connections", "customer", `{"connections":[{"connection":"crm/eu","source_connector":"source-crm","destination_connector":"destination-s3","removed":false,"free":true,"used":"0","waived":"0.006","priority":"critical","stopped":false},{"connection":"shop","source_connector":"source-postgres","destination_connector":"destination-s3","removed":true,"free":false,"used":"100","waived":"0","priority":"normal","stopped":true}]}`},
		{"/accounts/acme/contacts", "customer", `{"email":"owner@example.com","email_verified":true,"recipients":["ops@example.com"],"opt_outs":["low_balance"]}`},
		{"/accounts/blank/contacts", "operator", `{"email":"owner@example.com","email_verified":false,"recipients":[],"opt_outs":[]}`},
		{"/accounts/acme/webhooks", "customer", `{"webhooks":[{"endpoint":"ops","url":"https://hooks.example.com/x","kinds":["exhausted"],"secret_version":2,"previous_until":"2026-02-16T13:00:00Z"},{"endpoint":"old","url":"https://old.example.com/","secret_version":1,"disabled":"it failed for five days"}]}`},
		{"/accounts/acme/webhooks/ops/secret", "customer", `{"secret":"whsec_dGVzdA=="}`},
		{"/audit?account=acme&limit=1", "customer", `{"entries":[{"id":"a2","time":"2026-02-16T12:00:00Z","actor":"key:dk_operator","role":"operator","account":"acme","action":"credits.granted","operation":"op_1","remote_addr":"127.0.0.1","detail":{"amount":"5"}}],"next_cursor":"a2"}`},
	} {
		answer := s.do(t, request{method: "GET", path: "/v1" + c.path, bearer: c.bearer})
		if got := compact(t, answer); answer.StatusCode != http.StatusOK || got != c.want {
			t.Errorf("%s: %d\n%s\nwant\n%s", c.path, answer.StatusCode, got, c.want)
		}
	}
}

// Exact to the nano-credit, beyond what a float could hold.
func TestSumsAreExact(t *testing.T) {
	answer := newServer(t).do(t, request{method: "GET", path: "/v1/accounts/acme/usage?top=1", bearer: "customer"})
	if body := text(t, answer); !strings.Contains(body, `"bytes":"18446744073709551616"`) || !strings.Contains(body, `"free":"0.006"`) {
		t.Error(body)
	}
}

// What a client sends arrives at the office as an action.
func TestActions(t *testing.T) {
	limit := dollars(100_00)
	mail, nobody := "new@example.com", []string{}
	s := newServer(t)
	for _, c := range []struct {
		method, path, body string
		want               office.Action
	}{
		{"POST", "/accounts", `{"account":"fresh","plan":"airbyte-cloud","email":"a@example.com","email_verified":true}`, office.OpenAccount{Plan: "airbyte-cloud", Email: "a@example.com", EmailVerified: true}},
		{"PUT", "/accounts/acme/plan", `{"plan":"make-10k"}`, office.ChangePlan{Plan: "make-10k"}},
		{"PUT", "/accounts/acme/plan", `{"plan":"make-10k","when":"period_end"}`, office.ChangePlan{Plan: "make-10k", AtPeriodEnd: true}},
		{"POST", "/accounts/acme/email-verification", "", office.VerifyEmail{}},
		{"POST", "/accounts/acme/grants", `{"amount":"0.006"}`, office.Grant{Amount: 6_000_000, Category: drawdown.PromotionalGrant}},
		{"POST", "/accounts/acme/grants", `{"amount":"5","category":"purchased","expires_at":"2026-02-16T13:00:00+01:00"}`, office.Grant{Amount: 5 * drawdown.Credit, Category: drawdown.PurchasedGrant, ExpiresAt: at(noon)}},
		{"POST", "/accounts/acme/grants/acme:sub:2026-02-01T00:00:00Z%232/void", "", office.Void{Grant: "acme:sub:2026-02-01T00:00:00Z#2"}},
		{"DELETE", "/accounts/acme/payment-methods/primary", "", office.RemovePaymentMethod{}},
		{"DELETE", "/accounts/acme/payment-methods/backup", "", office.RemovePaymentMethod{Backup: true}},
		{"PUT", "/accounts/acme/auto-purchase", `{"enabled":false}`, office.SetAutoPurchase{}},
		{"PUT", "/accounts/acme/auto-purchase", `{"enabled":true,"max_amount":"100.00"}`, office.SetAutoPurchase{Enabled: true, MaxAmount: &limit}},
		{"PUT", "/accounts/acme/program", "", office.Enrol{}},
		{"PUT", "/accounts/acme/connections/crm%2Feu", `{"source_connector":"a","destination_connector":"b"}`, office.SetConnection{Connection: "crm/eu", Source: "a", Destination: "b"}},
		{"DELETE", "/accounts/acme/connections/%2E%2E", "", office.RemoveConnection{Connection: ".."}},
		{"PUT", "/accounts/acme/connections/shop/priority", `{"priority":"low"}`, office.Prioritize{Connection: "shop", Priority: "low"}},
		{"POST", "/accounts/acme/connections/shop/acknowledgement", "", office.AcknowledgeRunaway{Connection: "shop"}},
		{"PUT", "/accounts/acme/gate-settings", `{}`, office.SetGate{}},
		{"PUT", "/accounts/acme/gate-settings", `{"reserve":"10","runaway_factor":5,"runaway_min":"1"}`, office.SetGate{Reserve: 10 * drawdown.Credit, RunawayFactor: 5, RunawayMin: drawdown.Credit}},
		{"PUT", "/accounts/acme/contacts", `{"email":"new@example.com","email_verified":true,"opt_outs":[]}`, office.SetContacts{Email: &mail, EmailVerified: true, OptOuts: &nobody}},
		{"PUT", "/accounts/acme/webhooks/ops", `{"url":"https://h.example/","kinds":["exhausted"],"secret_version":3}`, office.SetWebhook{Endpoint: "ops", URL: "https://h.example/", Kinds: []string{"exhausted"}, SecretVersion: 3}},
		{"DELETE", "/accounts/acme/webhooks/ops", "", office.RemoveWebhook{Endpoint: "ops"}},
		{"POST", "/accounts/acme/holds", `{"hold":"h/1","connection":"shop","job":9,"amount":"3","expires_at":"2026-02-16T12:00:00Z","wait":true}`, office.PlaceHold{Hold: "h/1", Connection: "shop", Job: 9, Amount: 3 * drawdown.Credit, ExpiresAt: at(noon), Wait: true}},
		{"DELETE", "/accounts/acme/holds/h%2F1", "", office.ReleaseHold{Hold: "h/1"}},
	} {
		s.office.did, s.office.writes = nil, nil
		answer := s.do(t, request{method: c.method, path: "/v1" + c.path, body: c.body, bearer: "operator", header: map[string]string{"Idempotency-Key": "once"}})
		if len(s.office.did) != 1 {
			t.Errorf("%s %s %s: %s %s", c.method, c.path, c.body, answer.Status, text(t, answer))
			continue
		}
		if got := fmt.Sprintf("%#v", deref(s.office.did[0])); got != fmt.Sprintf("%#v", deref(c.want)) {
			t.Errorf("%s %s became %s, want %#v", c.method, c.path, got, c.want)
		}
		if s.office.writes[0] != (office.Write{Key: "once"}) || answer.StatusCode != http.StatusAccepted {
			t.Errorf("%s %s: %+v, %s", c.method, c.path, s.office.writes[0], answer.Status)
		}
	}
}

// deref shows what pointers point to.
func deref(a office.Action) any {
	text, err := json.Marshal(a)
	if err != nil {
		panic(err)
	}
	return fmt.Sprintf("%T%s", a, text)
}

// A write says how far it has come, and waits as long as it is asked to, at most ten seconds.
func TestWrites(t *testing.T) {
	s := newServer(t)
	for _, c := range []struct {
		prefer, applied string
		wait            time.Duration
		status          int
		state           string
	}{
		{"", "", 0, 202, "appended"},
		{"wait=0", "wait=0", 0, 202, "appended"},
		{"wait=2", "wait=2", 2 * time.Second, 201, "applied"},
		{`respond-async, WAIT="3"; x=1`, "wait=3", 3 * time.Second, 201, "applied"},
		{"wait=999999999", "wait=10", 10 * time.Second, 201, "applied"},
		{"wait=-1, handling=lenient", "", 0, 202, "appended"},
		{"wait", "", 0, 202, "appended"},
	} {
		s.office.did, s.office.writes = nil, nil
		answer := s.do(t, request{method: "POST", path: "/v1/accounts/acme/holds", bearer: "worker", header: map[string]string{"Prefer": c.prefer},
			body: `{"connection":"shop","job":9,"amount":"3","expires_at":"2026-02-16T12:00:00Z"}`})
		outcome := parsed[api.Outcome](t, answer)
		if answer.StatusCode != c.status || outcome.State != c.state || answer.Header.Get("Preference-Applied") != c.applied || s.office.writes[0].Wait != c.wait {
			t.Errorf("Prefer %q: %s %+v, applied %q, waited %v", c.prefer, answer.Status, outcome, answer.Header.Get("Preference-Applied"), s.office.writes[0].Wait)
		}
		if want := "/v1/accounts/acme/holds/" + outcome.Operation; answer.Header.Get("Location") != want || outcome.Position.Partition != 3 || outcome.Position.Offset == 0 {
			t.Errorf("%+v at %s, want %s", outcome, answer.Header.Get("Location"), want)
		}
	}
}

// A hold that waits in line is waited for, at most ten seconds.
func TestWaitingForAHold(t *testing.T) {
	s := newServer(t)
	for _, c := range []struct {
		prefer, applied string
		wait            time.Duration
	}{{"", "", 0}, {"wait=0", "wait=0", 0}, {"wait=7", "wait=7", 7 * time.Second}, {"wait=60", "wait=10", 10 * time.Second}} {
		answer := s.do(t, request{method: "GET", path: "/v1/accounts/acme/holds/later", bearer: "worker", header: map[string]string{"Prefer": c.prefer}})
		hold := parsed[api.Hold](t, answer)
		if answer.StatusCode != http.StatusOK || s.office.waited != c.wait || answer.Header.Get("Preference-Applied") != c.applied || hold.Waiting != (c.wait == 0) {
			t.Errorf("Prefer %q: %s, waited %v, applied %q, %+v", c.prefer, answer.Status, s.office.waited, answer.Header.Get("Preference-Applied"), hold)
		}
	}
}

// A repetition of what shows a secret names the key, and shows nothing. What is harmless may be repeated.
func TestKeysAreChangedOnce(t *testing.T) {
	s := newServer(t)
	for _, c := range []struct {
		method, path, body string
		first, again       int
	}{
		{"POST", "/keys", `{"name":"scheduler","role":"worker"}`, 201, 409},
		{"POST", "/keys/dk_7f3aq0x2m4vd/rotation", `{}`, 201, 409},
		{"DELETE", "/keys/dk_7f3aq0x2m4vd", "", 200, 200},
		{"POST", "/accounts/acme/page-links", "", 201, 201},
	} {
		clear(s.office.once)
		q := request{method: c.method, path: "/v1" + c.path, body: c.body, bearer: "operator", header: map[string]string{"Idempotency-Key": "once"}}
		if first := s.do(t, q); first.StatusCode != c.first {
			t.Errorf("%s %s: %s %s", c.method, c.path, first.Status, text(t, first))
		}
		again := s.do(t, q)
		body := text(t, again)
		if again.StatusCode != c.again {
			t.Errorf("%s %s again: %s %s", c.method, c.path, again.Status, body)
		}
		if c.again == http.StatusConflict && (!strings.Contains(body, `"reason":"already_done"`) || !strings.Contains(body, `"key":"dk_7f3aq0x2m4vd"`) || strings.Contains(body, "dk_7f3aq0x2m4vd_")) {
			t.Errorf("%s %s again: %s", c.method, c.path, body)
		}
	}
}

// Every write takes an idempotency key, but for events, which are known by their own ids.
func TestEveryWriteTakesAnIdempotencyKey(t *testing.T) {
	s := newServer(t)
	for _, op := range operations(t, s) {
		if op.method == "GET" || op.id == "report-usage" {
			continue
		}
		if !slices.Contains(op.headers, "Idempotency-Key") {
			t.Errorf("%s takes %v", op.id, op.headers)
		}
	}
}

func TestETags(t *testing.T) {
	s := newServer(t)
	for _, path := range []string{"/accounts/acme", "/accounts/acme/balance", "/accounts/acme/holds", "/accounts/acme/holds/night", "/accounts/acme/connections",
		"/accounts/acme/contacts", "/accounts/acme/webhooks", "/accounts/acme/program", "/accounts/acme/auto-purchase", "/accounts/acme/payment-methods", "/accounts/acme/gate-settings"} {
		etag := s.do(t, request{method: "GET", path: "/v1" + path, bearer: "customer"}).Header.Get("ETag")
		for header, status := range map[string]int{etag: 304, "W/" + etag: 304, `"x", ` + etag: 304, "*": 304, `"x"`: 200} {
			answer := s.do(t, request{method: "GET", path: "/v1" + path, bearer: "customer", header: map[string]string{"If-None-Match": header}})
			if body := text(t, answer); answer.StatusCode != status || (status == 304) != (body == "") || answer.Header.Get("ETag") != etag {
				t.Errorf("%s with %s: %s %s", path, header, answer.Status, body)
			}
		}
	}
}

// A page names the next one, with everything else of the question.
func TestPagesHaveLinks(t *testing.T) {
	s := newServer(t)
	answer := s.do(t, request{method: "GET", path: "/v1/accounts/acme/ledger?type=grant.added,notice&limit=1&from=2026-02-01T00:00:00Z", bearer: "customer"})
	link := answer.Header.Get("Link")
	if link != `</v1/accounts/acme/ledger?cursor=next&from=2026-02-01T00%3A00%3A00Z&limit=1&type=grant.added%2Cnotice>; rel="next"` {
		t.Errorf("Link is %s", link)
	}
	next, _, _ := strings.Cut(strings.TrimPrefix(link, "<"), ">")
	last := s.do(t, request{method: "GET", path: next, bearer: "customer"})
	if last.StatusCode != http.StatusOK || last.Header.Get("Link") != "" {
		t.Errorf("%s, Link %q", last.Status, last.Header.Get("Link"))
	}
}

func TestEventsInEachMode(t *testing.T) {
	s := newServer(t)
	single := strings.ReplaceAll(usageEvent, "%s", full)
	_, data, _ := strings.Cut(single, `"data":`)
	data = strings.TrimSuffix(data, "}")
	attributes := map[string]string{"ce-specversion": "1.0", "ce-id": "e%201", "ce-source": "/workers/1", "ce-type": "sync.usage", "ce-subject": full, "ce-time": "2026-02-14T12:00:00Z"}
	send := func(contentType, body string, header map[string]string) (int, string) {
		answer := s.do(t, request{method: "POST", path: "/v1/events", bearer: "worker", contentType: contentType, body: body, header: header})
		return answer.StatusCode, compact(t, answer)
	}
	for name, c := range map[string]struct {
		contentType, body string
		header            map[string]string
		status            int
		want              string
	}{
		"single":                {"application/cloudevents+json", single, nil, 200, `"id":"e-1","state":"accepted","position":{"partition":1`},
		"single, with charset":  {"application/cloudevents+json; charset=UTF-8", single, nil, 200, `"accepted"`},
		"batch":                 {"application/cloudevents-batch+json", "[" + single + `,{"id":"x"},7]`, nil, 200, `"accepted"`},
		"binary":                {"application/json", data, attributes, 200, `"id":"e 1","state":"accepted"`},
		"rejected":              {"application/cloudevents+json", `{"id":"x"}`, nil, 422, `"reason":"malformed"`},
		"another type":          {"application/cloudevents+json", strings.ReplaceAll(single, "sync.usage", "credits.granted"), nil, 422, `"reason":`},
		"another account":       {"application/cloudevents+json", strings.ReplaceAll(usageEvent, "%s", "other"), nil, 422, `"reason":"unknown_account"`},
		"an empty batch":        {"application/cloudevents-batch+json", "[]", nil, 400, "at least one"},
		"a batch that is none":  {"application/cloudevents-batch+json", "null", nil, 400, "array"},
		"an event that is none": {"application/cloudevents+json", "[]", nil, 400, "object"},
		"data without headers":  {"application/json", data, nil, 422, "ce-id"},
		"a bad header":          {"application/json", data, map[string]string{"ce-id": "%f"}, 400, "header.Ce-Id"},
		"another content type":  {"text/plain", single, nil, 415, "cloudevents"},
		"another charset":       {"application/cloudevents+json; charset=latin1", single, nil, 415, "unsupported_media_type"},
		"too many":              {"application/cloudevents-batch+json", "[" + strings.Repeat("1,", 1000) + "1]", nil, 413, "too_many_events"},
		"too large":             {"application/cloudevents-batch+json", strings.Repeat(" ", 1<<20+1), nil, 413, "too_large"},
	} {
		if status, body := send(c.contentType, c.body, c.header); status != c.status || !strings.Contains(body, c.want) {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
	_, body := send("application/cloudevents-batch+json", "["+single+`,{"id":"x"},7]`, nil)
	results := struct{ Results []api.EventResult }{}
	if err := json.Unmarshal([]byte(body), &results); err != nil || len(results.Results) != 3 || results.Results[0].State != "accepted" || results.Results[2].Reason != "malformed" {
		t.Errorf("%s (%v)", body, err)
	}
}

func TestExports(t *testing.T) {
	s := newServer(t)
	answer := s.do(t, request{method: "GET", path: "/v1/accounts/acme/charges/export", bearer: "customer"})
	rows, err := csv.NewReader(answer.Body).ReadAll()
	if err != nil || len(rows) != 2 || len(rows[0]) != len(rows[1]) {
		t.Fatalf("%v, %v", rows, err)
	}
	got := map[string]string{}
	for i, name := range rows[0] {
		got[name] = rows[1][i]
	}
	if got["connection"] != "'=SUM(A1)" || got["credits"] != "0.006" || got["burned"] != `[{"grant":"acme:1","credits":"0.006"}]` || got["time"] != "2026-02-16T12:00:00Z" {
		t.Errorf("%v", got)
	}
	if answer.Header.Get("Content-Disposition") != `attachment; filename="charges-acme.csv"` || answer.Header.Get("Content-Type") != "text/csv; charset=utf-8" {
		t.Errorf("%v", answer.Header)
	}
	lines := s.do(t, request{method: "GET", path: "/v1/accounts/acme/charges/export?format=jsonl&connection=shop&job=7", bearer: "customer"})
	if body := text(t, lines); !strings.HasPrefix(body, `{"partition":3,"offset":9,"n":1,`) || !strings.Contains(body, `"connection":"=SUM(A1)"`) || !strings.Contains(body, `"stream":null`) || strings.Count(body, "\n") != 1 {
		t.Error(body)
	}
	ledger := text(t, s.do(t, request{method: "GET", path: "/v1/accounts/acme/ledger/export?format=jsonl", bearer: "customer"}))
	for offset := range drawdown.Offset(3) {
		if e := ledgerEntry(offset); !strings.Contains(ledger, string(e.Line)+"\n") {
			t.Errorf("the entry at %d is not in %s to the byte", offset, ledger)
		}
	}
	if none := s.do(t, request{method: "GET", path: "/v1/accounts/blank/ledger/export", bearer: "operator"}); text(t, none) != "partition,offset,n,at,type,entry\n" {
		t.Errorf("an empty file: %s", none.Status)
	}
}

// A file that breaks off is not taken for a whole one: what is not sent yet becomes a problem, and half a file is cut off.
func TestAnExportThatFailsIsCutOff(t *testing.T) {
	s := newServer(t)
	s.office.breakExport = errors.New("the reports are away")
	listener := httptest.NewServer(s)
	defer listener.Close()
	fetch := func() (*http.Response, string, error) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, listener.URL+"/v1/accounts/acme/ledger/export", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer customer")
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		return answer, string(body), err
	}
	answer, body, err := fetch()
	if err != nil || answer.StatusCode != http.StatusInternalServerError || answer.Header.Get("Content-Disposition") != "" || !strings.Contains(body, `"internal"`) {
		t.Errorf("%s %v %s (%v)", answer.Status, answer.Header, body, err)
	}
	s.office.exportRows = 2000
	if answer, body, err = fetch(); err == nil || answer.StatusCode != http.StatusOK || body == "" {
		t.Errorf("%s: the file looks whole: %d bytes", answer.Status, len(body))
	}
	if strings.Count(s.log.String(), "the reports are away") != 2 {
		t.Errorf("the log says %s", s.log)
	}
}

// Everything that the gate's query can be.
func TestTheGateReadsItsQuery(t *testing.T) {
	s := newServer(t)
	for query, status := range map[string]int{
		"connection=shop": 200, "connection=shop&job=0": 200, "job=9007199254740991&connection=a+b%26": 200,
		"connection=" + strings.Repeat("%C3%A9", 128): 200,
		"": 400, "connection=": 400, "connection": 400, "job=7": 400, "connection=a&connection=b": 400, "connection=a&job=7&job=7": 400,
		"connection=a&job=": 400, "connection=a&job=-1": 400, "connection=a&job=%2B1": 400, "connection=a&job=9007199254740992": 400, "connection=a&job=1.0": 400,
		"connection=a&x=1": 400, "connection=%FF": 400, "connection=%": 400, "connection=a;job=1": 400, "connection=" + strings.Repeat("a", 129): 400,
	} {
		if answer := s.do(t, request{method: "GET", path: "/v1/accounts/acme/gate?" + query, bearer: "worker"}); answer.StatusCode != status {
			t.Errorf("%s: %s %s", query, answer.Status, text(t, answer))
		}
	}
}
