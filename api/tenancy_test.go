package api_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// tenancy is how an operation keeps tenants apart.
type tenancy int

const (
	byAccount    tenancy = iota // the path names the account: of others' there is no such account
	byScope                     // for whoever has the scope, which no customer has
	byCredential                // for whoever has a credential: the same for all
	byAnswer                    // every tenant may ask, and is answered for the own account only
)

// trial is a request that its owner may make, and who that is.
type trial struct {
	tenancy tenancy
	path    string // below /v1
	body    string
	owner   string // a credential
	status  int    // for the owner
}

// trials has one for each operation of the document.
var trials = map[string]trial{
	"list-plans":     {byCredential, "/plans", "", "customer", 200},
	"list-accounts":  {byScope, "/accounts", "", "operator", 200},
	"open-account":   {byScope, "/accounts", `{"account":"fresh","plan":"airbyte-cloud","email":"a@example.com"}`, "operator", 202},
	"show-account":   {byAccount, "/accounts/acme", "", "customer", 200},
	"change-plan":    {byAccount, "/accounts/acme/plan", `{"plan":"make-10k"}`, "operator", 202},
	"verify-email":   {byAccount, "/accounts/acme/email-verification", "", "operator", 202},
	"make-page-link": {byAccount, "/accounts/acme/page-links", "", "operator", 201},

	"show-balance":   {byAccount, "/accounts/acme/balance", "", "customer", 200},
	"grant-credits":  {byAccount, "/accounts/acme/grants", `{"amount":"12.5"}`, "operator", 202},
	"void-grant":     {byAccount, "/accounts/acme/grants/welcome/void", "", "operator", 202},
	"list-ledger":    {byAccount, "/accounts/acme/ledger", "", "customer", 200},
	"export-ledger":  {byAccount, "/accounts/acme/ledger/export", "", "customer", 200},
	"export-charges": {byAccount, "/accounts/acme/charges/export", "", "customer", 200},

	"show-usage":    {byAccount, "/accounts/acme/usage", "", "customer", 200},
	"list-syncs":    {byAccount, "/accounts/acme/syncs", "", "customer", 200},
	"show-receipt":  {byAccount, "/accounts/acme/syncs/shop/7", "", "customer", 200},
	"show-forecast": {byAccount, "/accounts/acme/forecast", "", "customer", 200},

	"list-purchases":        {byAccount, "/accounts/acme/purchases", "", "customer", 200},
	"order-credits":         {byAccount, "/accounts/acme/purchases", `{"quantity":300}`, "customer", 201},
	"subscribe":             {byAccount, "/accounts/acme/subscriptions", `{"plan":"make-10k"}`, "customer", 201},
	"list-payment-methods":  {byAccount, "/accounts/acme/payment-methods", "", "customer", 200},
	"save-payment-method":   {byAccount, "/accounts/acme/payment-methods", `{"slot":"backup"}`, "customer", 201},
	"remove-payment-method": {byAccount, "/accounts/acme/payment-methods/backup", "", "customer", 202},
	"show-auto-purchase":    {byAccount, "/accounts/acme/auto-purchase", "", "customer", 200},
	"set-auto-purchase":     {byAccount, "/accounts/acme/auto-purchase", `{"enabled":true,"max_amount":"100.00"}`, "customer", 202},
	"show-program":          {byAccount, "/accounts/acme/program", "", "customer", 200},
	"enrol":                 {byAccount, "/accounts/acme/program", "", "customer", 202},

	"list-connections":    {byAccount, "/accounts/acme/connections", "", "customer", 200},
	"set-connection":      {byAccount, "/accounts/acme/connections/crm%2Feu", `{"source_connector":"source-crm","destination_connector":"destination-s3"}`, "worker", 202},
	"remove-connection":   {byAccount, "/accounts/acme/connections/shop", "", "worker", 202},
	"set-priority":        {byAccount, "/accounts/acme/connections/shop/priority", `{"priority":"critical"}`, "customer", 202},
	"acknowledge-runaway": {byAccount, "/accounts/acme/connections/shop/acknowledgement", "", "customer", 202},

	"ask-gate":           {byAccount, "/accounts/acme/gate?connection=shop&job=7", "", "worker", 200},
	"show-gate-settings": {byAccount, "/accounts/acme/gate-settings", "", "customer", 200},
	"set-gate":           {byAccount, "/accounts/acme/gate-settings", `{"reserve":"10","runaway_factor":5}`, "customer", 202},
	"estimate-sync":      {byAccount, "/accounts/acme/estimate?connection=shop", "", "worker", 200},
	"list-holds":         {byAccount, "/accounts/acme/holds", "", "worker", 200},
	"show-start-order":   {byAccount, "/accounts/acme/start-order", "", "worker", 200},
	"place-hold":         {byAccount, "/accounts/acme/holds", `{"hold":"h1","connection":"shop","job":9,"amount":"3","expires_at":"2026-02-15T12:00:00Z"}`, "worker", 202},
	"show-hold":          {byAccount, "/accounts/acme/holds/night", "", "worker", 200},
	"release-hold":       {byAccount, "/accounts/acme/holds/night", "", "worker", 202},

	"show-contacts":       {byAccount, "/accounts/acme/contacts", "", "customer", 200},
	"set-contacts":        {byAccount, "/accounts/acme/contacts", `{"recipients":["a@example.com"]}`, "customer", 202},
	"list-webhooks":       {byAccount, "/accounts/acme/webhooks", "", "customer", 200},
	"set-webhook":         {byAccount, "/accounts/acme/webhooks/ops", `{"url":"https://hooks.example.com/x"}`, "customer", 202},
	"remove-webhook":      {byAccount, "/accounts/acme/webhooks/ops", "", "customer", 202},
	"show-webhook-secret": {byAccount, "/accounts/acme/webhooks/ops/secret", "", "customer", 200},
	"list-notices":        {byAccount, "/accounts/acme/notices", "", "customer", 200},

	"report-usage": {byAnswer, "/events", "", "worker", 200},

	"list-keys":  {byScope, "/keys", "", "operator", 200},
	"issue-key":  {byScope, "/keys", `{"name":"scheduler","role":"worker"}`, "operator", 201},
	"revoke-key": {byScope, "/keys/dk_7f3aq0x2m4vd", "", "operator", 200},
	"rotate-key": {byScope, "/keys/dk_7f3aq0x2m4vd/rotation", `{"overlap_seconds":0}`, "operator", 201},
	"list-audit": {byAnswer, "/audit?account=acme", "", "customer", 200},
}

// operation is an operation of the document.
type operation struct {
	id, method, path, description string
	headers                       []string // of requests
}

func operations(t testing.TB, s *server) []operation {
	t.Helper()
	document := parsed[struct {
		Paths map[string]map[string]json.RawMessage
	}](t, s.do(t, request{method: "GET", path: "/v1/openapi.json"}))
	var all []operation
	for path, item := range document.Paths {
		for method, raw := range item {
			var op struct {
				OperationID, Description string
				Parameters               []struct{ Name, In string }
			}
			if err := json.Unmarshal(raw, &op); err != nil {
				t.Fatalf("%s %s: %v", method, path, err)
			}
			var headers []string
			for _, p := range op.Parameters {
				if p.In == "header" {
					headers = append(headers, p.Name)
				}
			}
			all = append(all, operation{op.OperationID, strings.ToUpper(method), path, op.Description, headers})
		}
	}
	slices.SortFunc(all, func(a, b operation) int { return strings.Compare(a.id, b.id) })
	return all
}

const usageEvent = `{"specversion":"1.0","id":"e-1","source":"/workers/1","type":"sync.usage","subject":"%s","time":"2026-02-14T12:00:00Z",
	"data":{"connection":"shop","source_connector":"source-postgres","destination_connector":"destination-s3","job":7,"attempt":1,"seq":1,"records":1000}}`

func batchFor(account string) string {
	return "[" + strings.ReplaceAll(usageEvent, "%s", account) + "]"
}

func (c *trial) request(op *operation, bearer string) request {
	q := request{method: op.method, path: "/v1" + c.path, bearer: bearer, body: c.body}
	if op.id == "report-usage" {
		q.body, q.contentType = batchFor(full), "application/cloudevents-batch+json"
	}
	return q
}

// Every operation of the document is tried by its owner, by nobody, by another tenant and by one who lacks the scope. An
// operation without a trial fails, and a trial without an operation too.
func TestTenantsAreKeptApart(t *testing.T) {
	s := newServer(t)
	tried := map[string]bool{}
	for _, op := range operations(t, s) {
		c, known := trials[op.id]
		if !known {
			t.Errorf("%s (%s %s) is tried by nobody: write its trial", op.id, op.method, op.path)
			continue
		}
		tried[op.id] = true
		t.Run(op.id, func(t *testing.T) {
			s.office.holds = newFakeOffice().holds
			try := func(bearer string) (int, string) {
				answer := s.do(t, c.request(&op, bearer))
				return answer.StatusCode, text(t, answer)
			}
			if status, body := try(c.owner); status != c.status {
				t.Errorf("its owner gets %d: %s", status, body)
			}
			for _, nobody := range []string{"", "guess"} {
				if status, body := try(nobody); status != http.StatusUnauthorized || !strings.Contains(body, `"unauthenticated"`) {
					t.Errorf("a visitor with the credential %q gets %d: %s", nobody, status, body)
				}
			}
			if c.tenancy != byCredential {
				if status, body := try("nothing"); status != http.StatusForbidden || !strings.Contains(body, `"forbidden"`) {
					t.Errorf("who lacks the scope gets %d: %s", status, body)
				}
			}
			c.foreign(t, &op, try)
		})
	}
	for id := range trials {
		if !tried[id] {
			t.Errorf("the trial %s is of no operation", id)
		}
	}
}

// foreign is what another tenant gets.
func (c *trial) foreign(t *testing.T, op *operation, try func(string) (int, string)) {
	status, body := try("stranger")
	switch c.tenancy {
	case byAccount:
		if status != http.StatusNotFound || !strings.Contains(body, `"no_such_account"`) || strings.Contains(body, "scope") {
			t.Errorf("another tenant gets %d: %s", status, body)
		}
	case byScope:
		if status != http.StatusForbidden {
			t.Errorf("a customer gets %d: %s", status, body)
		}
	case byCredential:
		if status != http.StatusOK {
			t.Errorf("another tenant gets %d: %s", status, body)
		}
	case byAnswer:
		if status == http.StatusOK {
			t.Errorf("another tenant gets %d: %s", status, body)
		}
	}
}

// An account that is not there is like one that is somebody else's, to the byte but for the request's id.
func TestNobodyLearnsWhichAccountsThereAre(t *testing.T) {
	s := newServer(t)
	for _, op := range operations(t, s) {
		c := trials[op.id]
		if c.tenancy != byAccount {
			continue
		}
		answers := map[string]bool{}
		for _, account := range []string{"acme", "nowhere", "..%2Facme", "a%20b"} {
			q := c.request(&op, "stranger")
			q.path = strings.Replace(q.path, "/accounts/acme", "/accounts/"+account, 1)
			q.header = map[string]string{"X-Request-Id": "same"}
			answer := s.do(t, q)
			answers[answer.Status+text(t, answer)] = true
		}
		if len(answers) != 1 {
			t.Errorf("%s answers differ: %v", op.id, answers)
		}
	}
}

// A worker of one account must not report another's usage; the answer is the one for an account that is not there.
func TestEventsOfOthersAreRejected(t *testing.T) {
	s := newServer(t)
	answer := s.do(t, request{method: "POST", path: "/v1/events", bearer: "worker", contentType: "application/cloudevents-batch+json",
		body: "[" + strings.Trim(batchFor("other"), "[]") + "," + strings.Trim(batchFor(full), "[]") + "]"})
	body := text(t, answer)
	if answer.StatusCode != http.StatusOK || !strings.Contains(body, `"rejected","reason":"unknown_account"`) || strings.Count(body, `"accepted"`) != 1 {
		t.Errorf("%d: %s", answer.StatusCode, body)
	}
}

// The audit of another account is not there for a customer.
func TestTheAuditOfOthersIsHidden(t *testing.T) {
	s := newServer(t)
	answer := s.do(t, request{method: "GET", path: "/v1/audit?account=blank", bearer: "customer"})
	if answer.StatusCode != http.StatusNotFound {
		t.Errorf("%d: %s", answer.StatusCode, text(t, answer))
	}
}
