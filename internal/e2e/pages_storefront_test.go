//go:build integration

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"drawdown/internal/servers"
)

// storefront is an installation with everything that customers see: the billing page, the API, and a sandbox to pay at.
type storefront struct {
	*installation
	base     string // of the page and the API
	checkout string // of the sandbox: another site than the page, as a gateway is
	operator string // an API key, and so is reporter
	reporter string // a worker's
	tables   driver.Conn

	worker, sink, purchaser, api *process
}

// openStorefront starts all processes, over a log that has half a year of the account history already.
func openStorefront(t *testing.T) *storefront {
	t.Helper()
	s := &storefront{}
	s.installation = install(t, needs{Partitions: 2, ClickHouse: true, Further: s.furnish})
	s.tables = s.database()
	s.writeHistory()
	s.worker, s.sink, s.purchaser, s.api = s.start("worker"), s.start("sink"), s.start("purchaser"), s.start("api")
	s.operator = s.firstKey()
	for _, p := range []*process{s.worker, s.sink, s.purchaser, s.api} {
		p.awaitReady()
	}
	s.await("the API knows the operator's key", func(ctx context.Context) (bool, any) {
		status, answer := s.ask(ctx, http.MethodGet, "/keys", s.operator, nil)
		return status == http.StatusOK, string(answer)
	})
	var issued struct{ Secret string }
	s.tell(http.MethodPost, "/keys", map[string]any{"name": "sync workers", "role": "worker"}, &issued)
	s.reporter = issued.Secret
	s.secret("a worker's API key", s.reporter)
	return s
}

// furnish adds how the page and the sandbox are reached, and a log that keeps the times of its producers.
func (s *storefront) furnish(in *installation, all settings) {
	in.t.Helper()
	page, err := servers.FreeAddr()
	in.must(err)
	gateway, err := servers.FreeAddr()
	in.must(err)
	s.base, s.checkout = "http://"+page, strings.Replace("http://"+gateway, "127.0.0.1", "localhost", 1)
	name, sessions := all["worker.group"].(string), randomText(32)
	in.secret("the key of sessions", sessions)
	all["api"] = map[string]any{
		"addr": page, "public_url": s.base,
		"access": map[string]any{"keys_topic": name + ".access", "audit_topic": name + ".audit", "session_keys": sessions},
		"page": map[string]any{
			"name": "Example Sync", "refresh_every": "500ms", "write_wait": "10s", "checkout_origins": []string{s.checkout},
			"sales_url": "https://example.com/sales", "invoice_url": "https://example.com/invoice", "support_url": "mailto:help@example.com",
		},
	}
	for setting, value := range (settings{
		"purchasing.gateway": "sandbox", "purchasing.webhooks_addr": gateway, "purchasing.sandbox_url": s.checkout,
		"purchasing.retry_min": "10ms", "purchasing.retry_max": "250ms",
		"worker.allow_create_time": true, "worker.session_timeout": "20s", // a journey suspends the worker for a moment
	}) {
		all[setting] = value
	}
	// Without an end to its retention a broker deletes what is older than a week.
	in.must(broker.CreateTopic(in.t.Context(), all["worker.metering_topic"].(string), in.partitions, map[string]string{
		"message.timestamp.type": "CreateTime", "retention.ms": "-1",
	}))
}

// firstKey issues a key as an operator does who has none yet: on the command line.
func (s *storefront) firstKey() string {
	s.t.Helper()
	output, status := s.command("keys", "issue", "--name", "operator", "--role", "operator", "--json", "--config", s.file)
	var issued struct{ Secret string }
	if err := json.Unmarshal([]byte(output), &issued); err != nil || status != 0 {
		s.t.Fatalf("issuing a key ended with %d: %v\n%s", status, err, output)
	}
	s.secret("the operator's API key", issued.Secret)
	return issued.Secret
}

// on is the same storefront for a part of the test.
func (s *storefront) on(t *testing.T) *storefront {
	in := *s.installation
	in.t = t
	part := *s
	part.installation = &in
	return &part
}

// ask asks the API, whatever it answers.
func (s *storefront) ask(ctx context.Context, method, path, key string, body any) (status int, answer []byte) {
	s.t.Helper()
	text, err := json.Marshal(body)
	s.must(err)
	request, err := http.NewRequestWithContext(ctx, method, s.base+"/v1"+path, bytes.NewReader(text))
	s.must(err)
	request.Header.Set("Authorization", "Bearer "+key)
	if body == nil {
		request.Body = http.NoBody
	} else {
		request.Header.Set("Content-Type", "application/json")
	}
	request.Header.Set("Prefer", "wait=10")
	response, err := http.DefaultClient.Do(request)
	s.must(err)
	defer response.Body.Close()
	answer, err = io.ReadAll(response.Body)
	s.must(err)
	return response.StatusCode, answer
}

// tell has the API do something as the operator, and waits until it is applied. into may be nil.
func (s *storefront) tell(method, path string, body, into any) {
	s.t.Helper()
	status, answer := s.ask(s.t.Context(), method, path, s.operator, body)
	if status != http.StatusOK && status != http.StatusCreated {
		s.t.Fatalf("%s %s: %d %s", method, path, status, answer)
	}
	if into != nil {
		s.must(json.Unmarshal(answer, into))
	}
}

// openCustomer opens an account.
func (s *storefront) openCustomer(account, plan string, verified bool) {
	s.t.Helper()
	s.tell(http.MethodPost, "/accounts", map[string]any{
		"account": account, "plan": plan, "email": account + "@example.com", "email_verified": verified,
	}, nil)
}

// connect makes a connection known, as a worker does.
func (s *storefront) connect(account, connection, source, destination string) {
	s.t.Helper()
	path := "/accounts/" + account + "/connections/" + url.PathEscape(connection)
	status, answer := s.ask(s.t.Context(), http.MethodPut, path, s.reporter, map[string]any{
		"source_connector": source, "destination_connector": destination,
	})
	if status != http.StatusOK {
		s.t.Fatalf("connect %s: %d %s", connection, status, answer)
	}
}

// gate asks, as a scheduler does, whether a sync may start, and returns why or why not.
func (s *storefront) gate(account, connection string) (allowed bool, reason string) {
	s.t.Helper()
	status, answer := s.ask(s.t.Context(), http.MethodGet, "/accounts/"+account+"/gate?connection="+url.QueryEscape(connection), s.reporter, nil)
	var gate struct {
		Allowed bool
		Reason  string
	}
	s.must(json.Unmarshal(answer, &gate))
	if status != http.StatusOK {
		s.t.Fatalf("ask the gate of %s: %d %s", account, status, answer)
	}
	return gate.Allowed, gate.Reason
}

// spend reports usage over HTTP, as workers without Kafka do.
func (s *storefront) spend(events ...usage) {
	s.t.Helper()
	var batch []json.RawMessage
	for _, event := range events {
		batch = append(batch, s.encode(event))
	}
	text, err := json.Marshal(batch)
	s.must(err)
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.base+"/v1/events", bytes.NewReader(text))
	s.must(err)
	request.Header.Set("Authorization", "Bearer "+s.reporter)
	request.Header.Set("Content-Type", "application/cloudevents-batch+json")
	response, err := http.DefaultClient.Do(request)
	s.must(err)
	defer response.Body.Close()
	var answer struct {
		Results []struct{ State, Detail string }
	}
	s.must(json.NewDecoder(response.Body).Decode(&answer))
	if response.StatusCode != http.StatusOK || len(answer.Results) != len(events) {
		s.t.Fatalf("reporting %d events was answered %d: %+v", len(events), response.StatusCode, answer)
	}
	for _, result := range answer.Results {
		if result.State != "accepted" {
			s.t.Fatalf("an event was %s: %s", result.State, result.Detail)
		}
	}
}

// close ends the processes that write, and compares everything with what the log means.
func (s *storefront) close() {
	s.t.Helper()
	for _, p := range []*process{s.api, s.purchaser, s.worker} {
		if err := p.stop(); err != nil {
			s.t.Errorf("the %s ended with %v", p.name, err)
		}
	}
	m := s.settle()
	s.awaitRows(m)
	if err := s.sink.stop(); err != nil {
		s.t.Errorf("the sink ended with %v", err)
	}
	s.check(m)
	s.checkRows(m)
	s.checkTopics()
}
