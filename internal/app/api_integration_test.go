//go:build integration

package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"drawdown"
	"drawdown/api/access"
	"drawdown/api/office"
	"drawdown/balance"
	"drawdown/consumer"
	"drawdown/internal/servers/kafka"
	"drawdown/internal/servers/redis"
	"drawdown/internal/servers/serverstest"
)

// patience is how long anything may take that is to happen.
const patience = time.Minute

// stage is a log, a Redis, a worker and an API, all real but ClickHouse, which is away.
type stage struct {
	t       *testing.T
	config  Config
	running *RunningAPI
	office  *office.Office
	base    string // of the API
	stop    func() error
}

var (
	operator = &access.Principal{ID: "key:operator", Role: access.Operator}
	customer = &access.Principal{ID: "link:acme", Role: access.Customer, Account: "acme"}
	programs = &access.Principal{ID: "key:scheduler", Role: access.Worker}
)

func newStage(t *testing.T) *stage {
	t.Helper()
	broker := serverstest.Kafka(t, kafka.Options{})
	store := serverstest.Redis(t, redis.Options{})
	config := Default()
	config.Kafka.Brokers, config.Redis.Addrs = []string{broker.Addr()}, []string{store.Addr()}
	config.ClickHouse.DSN = "http://127.0.0.1:1/drawdown"
	config.SigningKeys = "k:c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"
	config.Worker.SessionTimeout, config.Worker.RetryPauseMax = 6*time.Second, 250*time.Millisecond
	s := &stage{t: t, config: config}
	cluster, err := config.Cluster()
	s.must(err)
	t.Cleanup(cluster.Close)
	spec := consumer.DefaultTopicSpec()
	spec.Partitions = 4
	s.must(s.config.EnsureTopics(t.Context(), cluster, spec))
	state, err := s.config.CheckTopics(t.Context(), cluster)
	if err != nil || state.Partitions["drawdown.access"] != 1 || state.Partitions["drawdown.audit"] != 4 {
		t.Fatalf("the topics are %v, %v", state.Partitions, err)
	}
	s.startWorker()
	s.publish()
	s.startAPI()
	return s
}

func (s *stage) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) startWorker() {
	s.t.Helper()
	worker, closeAll, err := s.config.NewWorker(prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	s.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- worker.Run(ctx) }()
	s.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			s.t.Error(err)
		}
		closeAll()
	})
}

// publish publishes what the examples of a deployment have.
func (s *stage) publish() {
	s.t.Helper()
	read := func(name string) []byte {
		text, err := os.ReadFile("../../deploy/examples/" + name + ".json")
		s.must(err)
		return text
	}
	s.broadcast(drawdown.RatesPublished, read("rates"))
	s.broadcast(drawdown.PlanPublished, read("airbyte-cloud"))
	s.broadcast(drawdown.PlanPublished, read("make-10k"))
	var connectors []json.RawMessage
	s.must(json.Unmarshal(read("connectors"), &connectors))
	for _, connector := range connectors {
		s.broadcast(drawdown.ConnectorSet, connector)
	}
}

func (s *stage) broadcast(recordType drawdown.Type, data json.RawMessage) {
	s.t.Helper()
	operations, err := s.config.OpenOperations("test")
	s.must(err)
	defer operations.Close()
	positions, err := operations.Append(s.t.Context(), Operation{Type: recordType, Data: data})
	s.must(err)
	client, store, err := s.config.OpenRedis()
	s.must(err)
	defer client.Close()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	for _, at := range positions {
		s.must(WaitApplied(ctx, store, at))
	}
}

func (s *stage) startAPI() {
	s.t.Helper()
	running, closeAll, err := s.config.OpenAPI(prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	s.must(err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	s.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- running.Serve(ctx, listener) }()
	s.stop = sync.OnceValue(func() error {
		cancel()
		err := <-ended
		closeAll()
		return err
	})
	s.t.Cleanup(func() { _ = s.stop() })
	s.running, s.office, s.base = running, running.Office, "http://"+listener.Addr().String()
	s.await("the API is ready", func() error { return errors.Join(running.Ready(), running.outcomes.Ready()) })
}

// await looks until nothing is wrong any more.
func (s *stage) await(what string, wrong func() error) {
	s.t.Helper()
	deadline := time.After(patience)
	for {
		err := wrong()
		if err == nil {
			return
		}
		select {
		case <-deadline:
			s.t.Fatalf("%s: %v", what, err)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// do does something and waits until it is applied or rejected.
func (s *stage) do(p *access.Principal, account string, a office.Action, key string) (*office.Written, error) {
	s.t.Helper()
	written, err := s.office.Do(s.t.Context(), p, account, a, office.Write{Key: key, Wait: 10 * time.Second})
	if written != nil && written.State == office.Appended {
		s.t.Fatalf("%+v of %s: no outcome within ten seconds", a, account)
	}
	return written, err
}

func (s *stage) done(p *access.Principal, account string, a office.Action) {
	s.t.Helper()
	if _, err := s.do(p, account, a, ""); err != nil {
		s.t.Fatalf("%+v: %v", a, err)
	}
}

func (s *stage) available(account string) drawdown.Credits {
	s.t.Helper()
	overview, err := s.office.Overview(s.t.Context(), operator, account)
	s.must(err)
	return overview.Balance.Available
}

func (s *stage) refused(err error) *office.Error {
	s.t.Helper()
	var refusal *office.Error
	if !errors.As(err, &refusal) {
		s.t.Fatalf("%v is no refusal", err)
	}
	return refusal
}

// TestTheOfficeOnRealServers is one story, since servers take longer to start than all of it takes.
func TestTheOfficeOnRealServers(t *testing.T) {
	s := newStage(t)
	s.done(operator, "acme", office.OpenAccount{Plan: "airbyte-cloud", Email: "owner@acme.example"})
	for _, part := range []struct {
		name string
		test func(*testing.T)
	}{
		{"read your writes", s.readYourWrites}, {"rejections", s.rejections}, {"enrolment", s.enrolment}, {"idempotency", s.idempotency},
		{"the gate follows", s.gateFollows}, {"holds race", s.holdsRace}, {"usage", s.usage}, {"audit", s.audit}, {"reports are away", s.reportsAway},
		{"over HTTP", s.overHTTP}, {"audit over HTTP", s.auditOverHTTP}, {"foreign accounts", s.foreignAccounts},
		{"keys once", s.keysOnce}, {"a hold in line", s.holdInLine}, {"another instance", s.anotherInstance}, {"end", s.end},
	} {
		t.Run(part.name, func(t *testing.T) {
			s.t = t
			part.test(t)
		})
	}
}

// readYourWrites: each write that was waited for is in what is read next, on many accounts at a time.
func (s *stage) readYourWrites(t *testing.T) {
	var writing sync.WaitGroup
	for i := range 8 {
		account := fmt.Sprintf("reader-%d", i)
		writing.Go(func() {
			o, ctx := s.office, t.Context()
			wait := office.Write{Wait: 10 * time.Second}
			if _, err := o.Do(ctx, operator, account, office.OpenAccount{Plan: "airbyte-cloud", Email: "a@b.example"}, wait); err != nil {
				t.Errorf("%s: %v", account, err)
				return
			}
			for n := range 25 {
				written, err := o.Do(ctx, operator, account, office.Grant{Amount: drawdown.Credit, Category: drawdown.PromotionalGrant}, wait)
				if err != nil || written.State != office.Applied {
					t.Errorf("%s: %+v, %v", account, written, err)
					return
				}
				overview, err := o.Overview(ctx, operator, account)
				if want := drawdown.Credits(n+1) * drawdown.Credit; err != nil || overview.Balance.Available != want {
					t.Errorf("%s: %v after grant %d, %v", account, overview.Balance.Available, n+1, err)
					return
				}
			}
		})
	}
	writing.Wait()
}

// rejections are known for what they are, among others that are applied at the same time.
func (s *stage) rejections(t *testing.T) {
	s.done(operator, "acme", office.Grant{Amount: 10 * drawdown.Credit, Category: drawdown.PromotionalGrant})
	hour := time.Now().Add(time.Hour)
	s.done(programs, "acme", office.PlaceHold{Hold: "h-1", Connection: "shop", Job: 1, Amount: 4 * drawdown.Credit, ExpiresAt: hour})
	for _, c := range []struct {
		action office.Action
		reason string
		kind   office.ErrorKind
	}{
		{office.ChangePlan{Plan: "airbyte-cloud"}, "same_plan", office.Conflict},
		{office.OpenAccount{Plan: "airbyte-cloud", Email: "a@b.example"}, "account_exists", office.Conflict},
		{office.Void{Grant: "g"}, "unknown_grant", office.NotFound},
		{office.RemoveConnection{Connection: "none"}, "unknown_connection", office.NotFound},
		{office.RemoveWebhook{Endpoint: "none"}, "unknown_endpoint", office.NotFound},
		{office.ReleaseHold{Hold: "none"}, "unknown_hold", office.NotFound},
		{office.PlaceHold{Hold: "h-2", Connection: "shop", Job: 1, Amount: 1, ExpiresAt: hour}, "hold_exists", office.Conflict},
		{office.PlaceHold{Hold: "h-2", Connection: "shop", Job: 2, Amount: 7 * drawdown.Credit, ExpiresAt: hour}, "insufficient_credits", office.Conflict},
	} {
		written, err := s.do(operator, "acme", c.action, "")
		refusal := s.refused(err)
		if refusal.Reason != c.reason || refusal.Kind != c.kind || written.State != office.Rejected {
			t.Errorf("%+v: %+v, %+v", c.action, written, refusal)
		}
	}
	if got := s.available("acme"); got != 6*drawdown.Credit {
		t.Errorf("after rejections there are %v credits", got)
	}
	if _, err := s.do(operator, "nobody", office.VerifyEmail{}, ""); s.refused(err).Reason != "no_such_account" {
		t.Error(err)
	}
	s.done(programs, "acme", office.ReleaseHold{Hold: "h-1"})
}

// enrolment tells all that is missing, and goes through when nothing is.
func (s *stage) enrolment(t *testing.T) {
	_, err := s.do(customer, "acme", office.Enrol{}, "")
	if missing := s.refused(err).Missing; !slices.Equal(missing, []string{"email_verified", "payment_method", "eligible_connector"}) {
		t.Errorf("missing are %v", missing)
	}
	s.done(operator, "acme", office.VerifyEmail{})
	s.done(operator, "acme", office.SetConnection{Connection: "beta", Source: "source-intercom", Destination: "destination-s3"})
	_, err = s.do(customer, "acme", office.Enrol{}, "")
	if refusal := s.refused(err); !slices.Equal(refusal.Missing, []string{"payment_method"}) || refusal.Reason != "no_payment_method" {
		t.Errorf("%+v", refusal)
	}
	operations, err := s.config.OpenOperations("test")
	s.must(err)
	defer operations.Close()
	at, err := operations.Append(t.Context(), Operation{Type: drawdown.PaymentMethodSaved, Account: "acme", Data: map[string]any{"method": "pm_1", "kind": "card", "customer": "cus_1"}})
	s.must(err)
	if _, known, err := s.running.outcomes.Await(t.Context(), office.Position{Partition: at[0].Partition, Offset: drawdown.Offset(at[0].Offset)}); err != nil || !known {
		t.Fatal(known, err)
	}
	s.done(customer, "acme", office.Enrol{})
	overview, err := s.office.Overview(t.Context(), customer, "acme")
	if err != nil || overview.EnrolledAt == drawdown.NoTime {
		t.Errorf("%+v, %v", overview, err)
	}
}

// idempotency: one key, one effect; also when Redis has forgotten the key.
func (s *stage) idempotency(t *testing.T) {
	before := s.available("acme")
	grant := office.Grant{Amount: 3 * drawdown.Credit, Category: drawdown.PromotionalGrant}
	first, err := s.do(operator, "acme", grant, "grant-1")
	s.must(err)
	again, err := s.do(operator, "acme", grant, "grant-1")
	if err != nil || *again != *first {
		t.Errorf("again: %+v, %v; first %+v", again, err, first)
	}
	if _, err := s.do(operator, "acme", office.VerifyEmail{}, "grant-1"); s.refused(err).Reason != "idempotency_key_reused" {
		t.Error(err)
	}
	client, _, err := s.config.OpenRedis()
	s.must(err)
	defer client.Close()
	keys, err := client.Keys(t.Context(), s.config.Redis.Prefix+"api:idem:*").Result()
	if err != nil || len(keys) == 0 {
		t.Fatalf("remembered are %v, %v", keys, err)
	}
	if ttl := client.TTL(t.Context(), keys[0]).Val(); ttl <= 0 || ttl > 24*time.Hour {
		t.Errorf("remembered for %v", ttl)
	}
	s.must(client.Del(t.Context(), keys...).Err())
	lost, err := s.do(operator, "acme", grant, "grant-1")
	if err != nil || lost.State != office.Applied || lost.Operation != first.Operation || lost.Position == first.Position {
		t.Errorf("after the memory was lost: %+v, %v", lost, err)
	}
	if got := s.available("acme"); got != before+3*drawdown.Credit {
		t.Errorf("granted %v, expected 3", got-before)
	}
	// Many at a time with one key: one effect, and each is told it or to come again.
	var asking sync.WaitGroup
	for range 16 {
		asking.Go(func() {
			_, err := s.office.Do(t.Context(), operator, "acme", grant, office.Write{Key: "grant-2", Wait: 10 * time.Second})
			if err != nil && s.refused(err).Reason != "in_progress" {
				t.Error(err)
			}
		})
	}
	asking.Wait()
	if got := s.available("acme"); got != before+6*drawdown.Credit {
		t.Errorf("granted %v, expected 6", got-before)
	}
}

// gateFollows: what changes an account or the catalogue changes the gate's answer, the latter within the second.
func (s *stage) gateFollows(t *testing.T) {
	ask := func(connection string) *balance.GateAnswer {
		answer, err := s.office.Gate(t.Context(), programs, "acme", connection, nil)
		s.must(err)
		return answer
	}
	if a := ask("shop"); !a.Allowed || a.Reason != balance.GateActive {
		t.Fatalf("%+v", a)
	}
	if a := ask("beta"); a.Reason != balance.GateFree {
		t.Fatalf("a free connection: %+v", a)
	}
	s.done(operator, "acme", office.SetGate{Reserve: 1000 * drawdown.Credit})
	if a := ask("shop"); a.Allowed || a.Reason != balance.GateReserved {
		t.Fatalf("with a reserve: %+v", a)
	}
	s.done(operator, "acme", office.SetGate{})
	// A connector becomes alpha: connections with it are free from then on.
	s.done(operator, "acme", office.SetConnection{Connection: "soon", Source: "source-postgres", Destination: "destination-s3"})
	if a := ask("soon"); a.Reason != balance.GateActive {
		t.Fatalf("before the catalogue changes: %+v", a)
	}
	s.broadcast(drawdown.ConnectorSet, json.RawMessage(`{"connector":"source-postgres","kind":"database","stage":"alpha"}`))
	changed := time.Now()
	s.await("the gate knows the connector's stage", func() error {
		if a := ask("soon"); a.Reason != balance.GateFree {
			return fmt.Errorf("%+v", a)
		}
		return nil
	})
	if took := time.Since(changed); took > 3*time.Second { // the second, and what a busy machine adds
		t.Errorf("the gate knew after %v", took)
	}
	// A plan that is published, and an account on it: nothing can't be read.
	s.broadcast(drawdown.PlanPublished, json.RawMessage(`{"id":"new-plan","currency":"USD","purchase":{"unit":1,"min":1,"max":10,"default":1,"unit_price":"1","validity":{"months":1}}}`))
	s.done(operator, "fresh", office.OpenAccount{Plan: "new-plan", Email: "a@b.example"})
	if overview, err := s.office.Overview(t.Context(), operator, "fresh"); err != nil || overview.Plan.ID != "new-plan" {
		t.Errorf("%+v, %v", overview, err)
	}
	if a, err := s.office.Gate(t.Context(), programs, "fresh", "c", nil); err != nil || a.Allowed {
		t.Errorf("%+v, %v", a, err)
	}
}

// holdsRace: schedulers that all want the last credits at once never get more than there are.
func (s *stage) holdsRace(t *testing.T) {
	s.done(operator, "race", office.OpenAccount{Plan: "airbyte-cloud", Email: "a@b.example"})
	s.done(operator, "race", office.Grant{Amount: 37 * drawdown.Credit, Category: drawdown.PromotionalGrant})
	var schedulers sync.WaitGroup
	var mu sync.Mutex
	got := map[string]int{}
	for job := range uint64(200) {
		schedulers.Go(func() {
			_, err := s.office.Do(t.Context(), programs, "race", office.PlaceHold{
				Connection: fmt.Sprintf("c-%d", job%7), Job: job, Amount: 2 * drawdown.Credit, ExpiresAt: time.Now().Add(time.Hour),
			}, office.Write{Wait: 10 * time.Second})
			outcome := "held"
			if err != nil {
				outcome = s.refused(err).Reason
			}
			mu.Lock()
			defer mu.Unlock()
			got[outcome]++
		})
	}
	schedulers.Wait()
	if got["held"] != 18 || got["insufficient_credits"] != 182 {
		t.Errorf("of 200 schedulers for 37 credits, 2 each: %v", got)
	}
	overview, err := s.office.Overview(t.Context(), operator, "race")
	if err != nil || overview.Balance.Held != 36*drawdown.Credit || overview.Balance.Available != drawdown.Credit {
		t.Errorf("held %v, available %v, %v", overview.Balance.Held, overview.Balance.Available, err)
	}
}

// usage that is handed in is charged, each event once.
func (s *stage) usage(t *testing.T) {
	s.done(operator, "ingest", office.OpenAccount{Plan: "airbyte-cloud", Email: "a@b.example"})
	s.done(operator, "ingest", office.Grant{Amount: 100 * drawdown.Credit, Category: drawdown.PromotionalGrant})
	var events [][]byte
	for seq := range 500 {
		events = append(events, fmt.Appendf(nil, `{"specversion":"1.0","id":"e-%d","source":"/w","type":"sync.usage","time":%q,"data":{"connection":"shop","source_connector":"source-faker","destination_connector":"destination-s3","job":1,"attempt":0,"seq":%d,"records":10000}}`,
			seq, time.Now().UTC().Format(time.RFC3339), seq+1))
	}
	bound := &access.Principal{ID: "key:w", Role: access.Worker, Account: "ingest"}
	for range 2 { // the second time they are duplicates
		results, err := s.office.Ingest(t.Context(), bound, append(events, []byte("{}")))
		s.must(err)
		for i, r := range results[:len(events)] {
			if r.State != office.EventAccepted || i > 0 && r.Position.Offset != results[i-1].Position.Offset+1 {
				t.Fatalf("event %d: %+v after %+v", i, r, results[max(i-1, 0)])
			}
		}
		if last := results[len(events)]; last.State != office.EventRejected {
			t.Errorf("an event that is none: %+v", last)
		}
		at := results[len(events)-1].Position
		reason, known, err := s.running.outcomes.Await(t.Context(), at)
		if err != nil || !known || reason != "" {
			t.Fatalf("%q, %t, %v", reason, known, err)
		}
		if got := s.available("ingest"); got != 70*drawdown.Credit { // 5,000,000 records at 6 credits a million
			t.Errorf("%v credits are left", got)
		}
	}
	// What only the account's state tells is found when it is applied.
	unknown := []byte(strings.ReplaceAll(strings.ReplaceAll(string(events[0]), "source-faker", "source-unknown"), `"seq":1,`, `"seq":9999,`))
	results, err := s.office.Ingest(t.Context(), bound, [][]byte{unknown})
	s.must(err)
	if reason, known, err := s.running.outcomes.Await(t.Context(), results[0].Position); err != nil || !known || reason != drawdown.UnknownConnector {
		t.Errorf("%q, %t, %v", reason, known, err)
	}
}

// audit: what was asked for is there, by whom, with the operation's id.
func (s *stage) audit(t *testing.T) {
	written, err := s.do(customer, "acme", office.Prioritize{Connection: "beta", Priority: "critical"}, "")
	s.must(err)
	entries, err := s.office.Audit(t.Context(), customer, access.AuditFilter{Limit: 1})
	if err != nil || len(entries) != 1 || entries[0].Operation != written.Operation || entries[0].Actor != "link:acme" || entries[0].Action != "connection.prioritized" {
		t.Errorf("%+v, %v", entries, err)
	}
	rejects, err := consumer.NewRejects(s.config.Worker, mustCluster(t, &s.config).Transport, mustCluster(t, &s.config).Addr, slog.New(slog.DiscardHandler))
	s.must(err)
	for record, err := range rejects.List(t.Context(), consumer.AllRejects()) {
		s.must(err)
		var attributes struct{ Type, Actor string }
		if json.Unmarshal(record.Value, &attributes) == nil && attributes.Type != "sync.usage" && attributes.Actor == "" {
			t.Errorf("an operation names nobody: %s", record.Value)
		}
	}
}

func mustCluster(t *testing.T, config *Config) *Cluster {
	cluster, err := config.Cluster()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return cluster
}

// reportsAway: without ClickHouse reports are unavailable, and nothing else is.
func (s *stage) reportsAway(t *testing.T) {
	_, err := s.office.Forecast(t.Context(), customer, "acme")
	if refusal := s.refused(err); refusal.Kind != office.Unavailable || strings.Contains(refusal.Detail, "127.0.0.1") {
		t.Errorf("%+v", refusal)
	}
	if err := s.running.Ready(); err != nil {
		t.Errorf("ready: %v", err)
	}
}

// overHTTP asks the gate with a key that was issued, and signs in to the page with a link.
func (s *stage) overHTTP(t *testing.T) {
	_, token, err := s.office.IssueKey(t.Context(), operator, access.NewKey{Name: "scheduler", Role: access.Worker, Account: "acme"})
	s.must(err)
	ask := func(path string) int {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.base+path, nil)
		s.must(err)
		request.Header.Set("Authorization", "Bearer "+token)
		response, err := http.DefaultClient.Do(request)
		s.must(err)
		defer response.Body.Close()
		return response.StatusCode
	}
	for path, want := range map[string]int{
		"/v1/accounts/acme/gate?connection=shop": http.StatusOK, "/v1/accounts/race/gate?connection=shop": http.StatusNotFound,
		"/v1/accounts/acme": http.StatusForbidden, "/billing/signin": http.StatusOK,
	} {
		if got := ask(path); got != want {
			t.Errorf("%s: %d, expected %d", path, got, want)
		}
	}
	link, expires, err := s.office.PageLink(t.Context(), operator, "acme")
	if err != nil || !strings.HasPrefix(link, "http://localhost:9480/billing/link?token=") || time.Until(expires) > linkFor {
		t.Errorf("%s, %v, %v", link, expires, err)
	}
}

// anotherInstance: a second API on the same servers knows the keys and answers of the first.
func (s *stage) anotherInstance(t *testing.T) {
	_, token, err := s.office.IssueKey(t.Context(), operator, access.NewKey{Name: "both", Role: access.Worker})
	s.must(err)
	first, err := s.do(operator, "acme", office.Grant{Amount: 1, Category: drawdown.PromotionalGrant}, "grant-3")
	s.must(err)
	other := &stage{t: t, config: s.config}
	other.startAPI()
	if _, err := other.running.Keys.Check(token); err != nil {
		t.Errorf("the key of the other instance: %v", err)
	}
	again, err := other.do(operator, "acme", office.Grant{Amount: 1, Category: drawdown.PromotionalGrant}, "grant-3")
	if err != nil || *again != *first {
		t.Errorf("%+v, %v; first %+v", again, err, first)
	}
	// It began after this record: what became of it is not known there, and not guessed.
	if _, known, err := other.running.outcomes.Await(t.Context(), first.Position); err != nil || known {
		t.Errorf("an old record: known %t, %v", known, err)
	}
	s.must(other.stop())
}

// end: a request that is under way when the API is told to end gets its answer.
func (s *stage) end(t *testing.T) {
	_, token, err := s.office.IssueKey(t.Context(), operator, access.NewKey{Name: "last", Role: access.Operator})
	s.must(err)
	body, rest := io.Pipe()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.base+"/v1/accounts/acme/grants", body)
	s.must(err)
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Prefer", "wait=5")
	request.Header.Set("Expect", "100-continue") // the body is sent when the handler reads it
	answered := make(chan error, 1)
	go func() {
		response, err := http.DefaultClient.Do(request)
		if err == nil {
			defer response.Body.Close()
			if response.StatusCode != http.StatusCreated && response.StatusCode != http.StatusOK {
				err = fmt.Errorf("status %d", response.StatusCode)
			}
		}
		answered <- err
	}()
	if _, err := rest.Write([]byte(`{"amount":"1",`)); err != nil { // it is being sent
		t.Fatal(err)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- s.stop() }()
	s.await("the API is ending", func() error {
		if err := s.running.Ready(); !errors.Is(err, errEndingAPI) {
			return fmt.Errorf("ready: %w", err)
		}
		return nil
	})
	if _, err := rest.Write([]byte(`"category":"promotional"}`)); err != nil {
		t.Fatal(err)
	}
	_ = rest.Close()
	if err := <-answered; err != nil {
		t.Errorf("a request under way at the end: %v", err)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}
