package api_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"drawdown/api"
	"drawdown/api/office"
)

// Every refusal has the same form, whoever makes it: the mux, the guard, huma, a handler, the office.
func TestEveryRefusalIsAProblem(t *testing.T) {
	long, s := strings.Repeat("x", 200), newServer(t)
	for name, c := range map[string]struct {
		request
		status   int
		reason   string
		location string
	}{
		"no such path":         {request{method: "GET", path: "/v1/nothing", bearer: "operator"}, 404, "not_found", ""},
		"outside of /v1":       {request{method: "GET", path: "/", bearer: "operator"}, 404, "not_found", ""},
		"a path to be cleaned": {request{method: "GET", path: "/v1//plans", bearer: "operator"}, 404, "not_found", ""},
		"dots":                 {request{method: "GET", path: "/v1/accounts/../plans", bearer: "operator"}, 404, "not_found", ""},
		"a trailing slash":     {request{method: "GET", path: "/v1/plans/", bearer: "operator"}, 404, "not_found", ""},
		"another method":       {request{method: "PATCH", path: "/v1/accounts/acme", bearer: "operator"}, 405, "method_not_allowed", ""},
		"a method of nobody":   {request{method: "BREW", path: "/v1/openapi.json"}, 405, "method_not_allowed", ""},
		"no credential":        {request{method: "GET", path: "/v1/plans"}, 401, "unauthenticated", ""},
		"another scheme":       {request{method: "GET", path: "/v1/plans", header: map[string]string{"Authorization": "Basic b3BlcmF0b3I="}}, 401, "unauthenticated", ""},
		"keys not read yet":    {request{method: "GET", path: "/v1/plans", bearer: "away"}, 503, "unavailable", ""},
		"path not UTF-8":       {request{method: "DELETE", path: "/v1/accounts/acme/connections/%FF", bearer: "operator"}, 400, "bad_request", "path"},
		"query not UTF-8":      {request{method: "GET", path: "/v1/accounts/acme/syncs?connection=%FF", bearer: "operator"}, 400, "bad_request", "query"},
		"query cut off":        {request{method: "GET", path: "/v1/accounts/acme/syncs?connection=%f", bearer: "operator"}, 400, "bad_request", "query"},
		"parameter twice":      {request{method: "GET", path: "/v1/accounts?limit=1&limit=2", bearer: "operator"}, 400, "bad_request", "query.limit"},
		"parameter empty":      {request{method: "GET", path: "/v1/accounts?limit=", bearer: "operator"}, 400, "bad_request", "query.limit"},
		"parameter unknown":    {request{method: "GET", path: "/v1/accounts?offset=2", bearer: "operator"}, 400, "bad_request", "query.offset"},
		"parameter too great":  {request{method: "GET", path: "/v1/accounts?limit=1001", bearer: "operator"}, 400, "bad_request", "query.limit"},
		"parameter no number":  {request{method: "GET", path: "/v1/accounts?limit=ten", bearer: "operator"}, 400, "bad_request", "query.limit"},
		"a strange time":       {request{method: "GET", path: "/v1/accounts/acme/ledger?from=0001-01-01T00:00:00Z", bearer: "operator"}, 422, "malformed", "query.from"},
		"a strange cursor":     {request{method: "GET", path: "/v1/accounts/acme/ledger?cursor=x", bearer: "operator"}, 422, "bad_cursor", ""},
		"no body":              {request{method: "POST", path: "/v1/accounts", bearer: "operator"}, 400, "bad_request", "body"},
		"a body not UTF-8":     {request{method: "POST", path: "/v1/accounts", bearer: "operator", body: "{\"account\":\"\xff\"}"}, 400, "bad_request", "body"},
		"a body that is none":  {request{method: "POST", path: "/v1/accounts", bearer: "operator", body: "{"}, 400, "bad_request", "body"},
		"a body of null":       {request{method: "PUT", path: "/v1/accounts/acme/contacts", bearer: "operator", body: `{"email":null}`}, 400, "bad_request", "body"},
		"another case":         {request{method: "PUT", path: "/v1/accounts/acme/plan", bearer: "operator", body: `{"Plan":"make-10k"}`}, 400, "bad_request", "body"},
		"a member too many":    {request{method: "PUT", path: "/v1/accounts/acme/plan", bearer: "operator", body: `{"plan":"make-10k","account":"other"}`}, 400, "bad_request", "body.account"},
		"a float for credits":  {request{method: "POST", path: "/v1/accounts/acme/grants", bearer: "operator", body: `{"amount":12.5}`}, 400, "bad_request", "body.amount"},
		"credits in exponents": {request{method: "POST", path: "/v1/accounts/acme/grants", bearer: "operator", body: `{"amount":"1e3"}`}, 400, "bad_request", "body.amount"},
		"too many credits":     {request{method: "POST", path: "/v1/accounts/acme/grants", bearer: "operator", body: `{"amount":"100000000.1"}`}, 422, "malformed", "body.amount"},
		"an integer as 300.0":  {request{method: "POST", path: "/v1/accounts/acme/purchases", bearer: "customer", body: `{"quantity":300.0}`}, 422, "malformed", "body"},
		"too large a body":     {request{method: "POST", path: "/v1/accounts", bearer: "operator", body: strings.Repeat(" ", 65<<10)}, 413, "too_large", ""},
		"another content type": {request{method: "POST", path: "/v1/accounts", bearer: "operator", body: "account=acme", contentType: "application/x-www-form-urlencoded"}, 415, "unsupported_media_type", ""},
		"too long a key":       {request{method: "PUT", path: "/v1/accounts/acme/program", bearer: "customer", header: map[string]string{"Idempotency-Key": long}}, 400, "bad_request", "header.Idempotency-Key"},
		"an empty key":         {request{method: "PUT", path: "/v1/accounts/acme/program", bearer: "customer", header: map[string]string{"Idempotency-Key": ""}}, 400, "bad_request", "header.Idempotency-Key"},
		"an order too large":   {request{method: "POST", path: "/v1/accounts/acme/purchases", bearer: "customer", body: `{"quantity":1000}`}, 422, "bad_quantity", ""},
		"no such hold":         {request{method: "GET", path: "/v1/accounts/acme/holds/none", bearer: "customer"}, 404, "unknown_hold", ""},
		"a rejected hold": {request{method: "DELETE", path: "/v1/accounts/acme/holds/none", bearer: "worker",
			header: map[string]string{"Prefer": "wait=2"}}, 404, "unknown_hold", ""},
		"a hold that does not fit": {request{method: "POST", path: "/v1/accounts/acme/holds", bearer: "worker", header: map[string]string{"Prefer": "wait=2"},
			body: `{"connection":"shop","job":1,"amount":"101","expires_at":"2026-02-15T12:00:00Z"}`}, 409, "insufficient_credits", ""},
		"the gate without a connection": {request{method: "GET", path: "/v1/accounts/acme/gate", bearer: "worker"}, 400, "bad_request", "query.connection"},
		"an estimate of nothing":        {request{method: "GET", path: "/v1/accounts/acme/estimate?source=a", bearer: "worker"}, 422, "malformed", "query"},
	} {
		t.Run(name, func(t *testing.T) {
			answer := s.do(t, c.request)
			got := parsed[api.Problem](t, answer)
			if answer.StatusCode != c.status || got.Status != c.status || got.Reason != c.reason {
				t.Errorf("%d %+v, want %d %s", answer.StatusCode, got, c.status, c.reason)
			}
			if answer.Header.Get("Content-Type") != "application/problem+json" || got.Type != "/docs/api.md#"+c.reason || got.Title == "" || got.Detail == "" {
				t.Errorf("%s: %+v", answer.Header.Get("Content-Type"), got)
			}
			if got.Instance != "/requests/"+answer.Header.Get("X-Request-Id") {
				t.Errorf("the instance is %s, the request %s", got.Instance, answer.Header.Get("X-Request-Id"))
			}
			if c.location != "" && (len(got.Errors) == 0 || got.Errors[0].Location != c.location) {
				t.Errorf("errors %+v, want one at %s", got.Errors, c.location)
			}
			if (c.status == 401) != (answer.Header.Get("WWW-Authenticate") != "") {
				t.Errorf("WWW-Authenticate is %q", answer.Header.Get("WWW-Authenticate"))
			}
		})
	}
}

// The problem of an enrolment names every precondition that is missing.
func TestEnrolmentNamesWhatIsMissing(t *testing.T) {
	answer := newServer(t).do(t, request{method: "PUT", path: "/v1/accounts/blank/program", bearer: "operator"})
	got := parsed[api.Problem](t, answer)
	if answer.StatusCode != http.StatusConflict || fmt.Sprint(got.Missing) != "[email_verified payment_method eligible_connector]" {
		t.Errorf("%d %+v", answer.StatusCode, got)
	}
}

func TestOtherMethodsSayWhichAreAllowed(t *testing.T) {
	s := newServer(t)
	for _, method := range []string{"OPTIONS", "PATCH", "TRACE"} {
		answer := s.do(t, request{method: method, path: "/v1/accounts/acme/holds/night"})
		if got := answer.Header.Get("Allow"); got != "DELETE, GET, HEAD, OPTIONS" {
			t.Errorf("%s: Allow is %q", method, got)
		}
	}
	if answer := s.do(t, request{method: "OPTIONS", path: "/v1/plans"}); answer.StatusCode != http.StatusNoContent {
		t.Errorf("OPTIONS: %s", answer.Status)
	}
	listener := httptest.NewServer(s)
	defer listener.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodHead, listener.URL+"/v1/accounts/acme/balance", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer customer")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK || answer.Header.Get("ETag") == "" || text(t, answer) != "" {
		t.Errorf("HEAD: %s, %v", answer.Status, answer.Header)
	}
}

// What breaks inside is logged with its request's id, and no word of it reaches the client.
func TestNothingOfTheInsideGetsOut(t *testing.T) {
	s := newServer(t)
	for name, breaks := range map[string]func(*fakeOffice){
		"a panic":  func(f *fakeOffice) { f.panics = true },
		"an error": func(f *fakeOffice) { f.broken = errors.New("a secret of the inside") },
	} {
		for _, path := range []string{"/v1/accounts/acme/balance", "/v1/accounts/acme/gate?connection=shop", "/v1/accounts/acme/ledger/export"} {
			t.Run(name+path, func(t *testing.T) {
				s.office.panics, s.office.broken = false, nil
				s.log.Reset()
				breaks(s.office)
				answer := s.do(t, request{method: "GET", path: path, bearer: "operator"})
				body := text(t, answer)
				if answer.StatusCode != http.StatusInternalServerError || strings.Contains(body, "secret") || !strings.Contains(body, `"internal"`) {
					t.Errorf("%d: %s", answer.StatusCode, body)
				}
				if logged := s.log.String(); !strings.Contains(logged, "a secret of the inside") || !strings.Contains(logged, answer.Header.Get("X-Request-Id")) {
					t.Errorf("the log says %s", logged)
				}
			})
		}
	}
}

func TestAServerThatIsAwayIsA503(t *testing.T) {
	s := newServer(t)
	s.office.broken = &office.Error{Kind: office.Unavailable, Reason: "unavailable", Detail: "The part that keeps balances does not answer."}
	answer := s.do(t, request{method: "GET", path: "/v1/accounts/acme/balance", bearer: "customer"})
	if answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") != "1" {
		t.Errorf("%s, Retry-After %q", answer.Status, answer.Header.Get("Retry-After"))
	}
}

// The access log has who asked for what and what came of it, and neither credentials nor bodies. The gate is not in it.
func TestTheAccessLog(t *testing.T) {
	s := newServer(t)
	s.do(t, request{method: "POST", path: "/v1/accounts/acme/grants", bearer: "operator", body: `{"amount":"12.5"}`, header: map[string]string{"X-Request-Id": "req-7"}})
	for _, want := range []string{`"request":"req-7"`, `"route":"grant-credits"`, `"status":202`, `"principal":"key:dk_operator"`, `"account":"acme"`} {
		if !strings.Contains(s.log.String(), want) {
			t.Errorf("%s is not in %s", want, s.log)
		}
	}
	for _, hidden := range []string{"Bearer", "12.5"} {
		if strings.Contains(s.log.String(), hidden) {
			t.Errorf("%s is in %s", hidden, s.log)
		}
	}
	s.log.Reset()
	s.do(t, request{method: "GET", path: "/v1/accounts/acme/gate?connection=shop", bearer: "worker"})
	if s.log.Len() > 0 {
		t.Errorf("the gate logs %s", s.log)
	}
}

// An id that could forge a line of the log is replaced.
func TestRequestIDs(t *testing.T) {
	s := newServer(t)
	seen := map[string]bool{}
	for _, given := range []string{"", "a b", "x\ny", strings.Repeat("a", 65), "né"} {
		id := s.do(t, request{method: "GET", path: "/v1/plans", bearer: "operator", header: map[string]string{"X-Request-Id": given}}).Header.Get("X-Request-Id")
		if len(id) != 24 || seen[id] {
			t.Errorf("%q became %q", given, id)
		}
		seen[id] = true
	}
}

func TestHeadersOfEveryAnswer(t *testing.T) {
	s := newServer(t)
	for _, path := range []string{"/v1/plans", "/v1/nothing", "/v1/accounts/acme/gate?connection=shop", "/v1/accounts/acme/ledger/export"} {
		h := s.do(t, request{method: "GET", path: path, bearer: "operator"}).Header
		for name, want := range map[string]string{
			"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
			"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
		} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
	}
}

func TestRateLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, func(c *api.Config) {
			c.RequestsPerSecond, c.RequestsBurst, c.GatePerSecond, c.GateBurst = 2, 4, 10, 20
		})
		ask := func(bearer, path string) *http.Response {
			return s.do(t, request{method: "GET", path: path, bearer: bearer})
		}
		for left := 3; left >= 0; left-- {
			h := ask("customer", "/v1/plans").Header
			if want := fmt.Sprintf(`"requests";r=%d;t=%d`, left, (4-left+1)/2); h.Get("RateLimit") != want || h.Get("RateLimit-Policy") != `"requests";q=4;w=2` {
				t.Errorf("RateLimit %s, RateLimit-Policy %s; want %s", h.Get("RateLimit"), h.Get("RateLimit-Policy"), want)
			}
		}
		refused := ask("customer", "/v1/plans")
		if refused.StatusCode != http.StatusTooManyRequests || refused.Header.Get("Retry-After") != "1" || !strings.Contains(text(t, refused), `"rate_limited"`) {
			t.Errorf("%s, %v", refused.Status, refused.Header)
		}
		if other := ask("operator", "/v1/plans"); other.StatusCode != http.StatusOK {
			t.Errorf("another credential: %s", other.Status)
		}
		if gate := ask("customer", "/v1/accounts/acme/gate?connection=shop"); gate.StatusCode != http.StatusOK || gate.Header.Get("RateLimit") != `"gate";r=19;t=1` {
			t.Errorf("the gate: %s, %v", gate.Status, gate.Header)
		}
		time.Sleep(time.Second) // virtual
		if again := ask("customer", "/v1/plans"); again.StatusCode != http.StatusOK {
			t.Errorf("after a second: %s", again.Status)
		}
	})
}

// Guessing credentials is slowed down by address; who has a valid one at the same address is not.
func TestGuessesAreSlowedDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, func(c *api.Config) { c.RefusalsPerSecond, c.RefusalsBurst = 1, 3 })
		for i, want := range []int{401, 401, 401, 429, 429} {
			if got := s.do(t, request{method: "GET", path: "/v1/plans", bearer: "guess" + strconv.Itoa(i)}).StatusCode; got != want {
				t.Errorf("guess %d: %d", i, got)
			}
		}
		if got := s.do(t, request{method: "GET", path: "/v1/plans", bearer: "operator"}).StatusCode; got != http.StatusOK {
			t.Errorf("a valid credential: %d", got)
		}
	})
}

func TestMetrics(t *testing.T) {
	s := newServer(t)
	s.do(t, request{method: "GET", path: "/v1/plans", bearer: "operator"})
	s.do(t, request{method: "GET", path: "/v1/plans"})
	s.do(t, request{method: "GET", path: "/v1/nothing"})
	s.do(t, request{method: "POST", path: "/v1/events", bearer: "worker", contentType: "application/cloudevents-batch+json", body: batchFor(full)})
	want := `
		# HELP drawdown_api_events_total Usage events taken over HTTP, by what became of them. Many rejected: a worker sends what is malformed, too old, or of accounts that it must not report for.
		# TYPE drawdown_api_events_total counter
		drawdown_api_events_total{state="accepted"} 1
		# HELP drawdown_api_requests_in_flight Requests being worked on. Growing: a server behind the API is slow, or clients wait for writes while workers lag.
		# TYPE drawdown_api_requests_in_flight gauge
		drawdown_api_requests_in_flight 0
	`
	if err := testutil.GatherAndCompare(s.registry, strings.NewReader(want), "drawdown_api_events_total", "drawdown_api_requests_in_flight"); err != nil {
		t.Error(err)
	}
	if got := requestsOf(t, s); fmt.Sprint(got) != "map[list-plans 2xx:1 list-plans 4xx:1 none 4xx:1 report-usage 2xx:1]" {
		t.Errorf("requests are %v", got)
	}
}

// requestsOf is how many requests were counted, by route and class of status.
func requestsOf(t *testing.T, s *server) map[string]float64 {
	t.Helper()
	families, err := s.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, family := range families {
		if family.GetName() != "drawdown_api_requests_total" {
			continue
		}
		for _, m := range family.GetMetric() {
			if v := m.GetCounter().GetValue(); v > 0 {
				got[m.GetLabel()[0].GetValue()+" "+m.GetLabel()[1].GetValue()] = v
			}
		}
	}
	return got
}

// A document that everybody may read, with an ETag.
func TestTheDocumentIsServed(t *testing.T) {
	s := newServer(t)
	for path, contentType := range map[string]string{"/v1/openapi.json": "application/openapi+json", "/v1/openapi.yaml": "application/openapi+yaml"} {
		answer := s.do(t, request{method: "GET", path: path})
		body := text(t, answer)
		if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != contentType || !strings.Contains(body, "3.1.0") {
			t.Errorf("%s: %s %v", path, answer.Status, answer.Header)
		}
		again := s.do(t, request{method: "GET", path: path, header: map[string]string{"If-None-Match": answer.Header.Get("ETag")}})
		if again.StatusCode != http.StatusNotModified || text(t, again) != "" {
			t.Errorf("%s again: %s", path, again.Status)
		}
	}
}

func TestConfigIsValidated(t *testing.T) {
	c := api.Config{}
	err := c.Validate()
	for _, option := range []string{"requests_per_second", "gate_burst", "credentials_max", "events_max", "request_timeout", "export_stall"} {
		if err == nil || !strings.Contains(err.Error(), option+": ") {
			t.Errorf("%s is not in %v", option, err)
		}
	}
	if c = api.Default(); c.Validate() != nil {
		t.Error(c.Validate())
	}
	if _, err := api.New(api.Default(), api.Deps{}); err == nil {
		t.Error("an API of nothing is made")
	}
}

// A client that goes away is no fault of ours: neither an error in the log nor a 5xx in the metrics.
func TestAClientThatIsGone(t *testing.T) {
	s := newServer(t)
	s.office.broken = context.Canceled
	s.do(t, request{method: "GET", path: "/v1/accounts/acme/balance", bearer: "customer"})
	if logged := s.log.String(); !strings.Contains(logged, `"level":"INFO"`) || !strings.Contains(logged, `"status":499`) {
		t.Errorf("the log says %s", logged)
	}
	if got := requestsOf(t, s); fmt.Sprint(got) != "map[show-balance 4xx:1]" {
		t.Errorf("requests are %v", got)
	}
}
