package office

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"drawdown"
	"drawdown/api/access"
	"drawdown/balance"
	"drawdown/notify"
	"drawdown/purchasing"
	"drawdown/sinks/clickhouse/report"
)

// now is the instant of all tests.
var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

var errAway = errors.New("dial tcp 10.0.0.7:6379: connection refused")

// world is a fake of everything that an office works with: account acme is there, and what is asked of it is put down.
type world struct {
	mu       sync.Mutex
	away     bool // every server
	profile  drawdown.Profile
	overview balance.Overview
	gate     balance.GateAnswer

	accounts    []string // asked about, by any port
	audited     []access.AuditEntry
	operations  []Operation
	usage       []UsageEvent
	memory      map[string][]byte
	outcome     drawdown.Reason
	unknown     bool // outcomes are not known
	appending   func()
	orders      []string // keys
	deskErr     error
	usageQuery  report.UsageQuery
	estimate    report.Estimate
	rate        report.BurnRate
	reportErr   error
	keyErr      error
	lostReply   bool // what ends with keyErr was done all the same
	issued      int
	generations map[string]int                // of secrets, by key
	denied      map[string]balance.GateReason // by connection
	free        map[string]bool
	costs       map[string]drawdown.Credits // p90, by connection
	urlErr      error
}

func newWorld() *world {
	plan := &drawdown.Plan{
		ID: "airbyte-cloud", Currency: "USD",
		Purchase: drawdown.PurchaseTerms{Unit: 1, Min: 100, Max: 999, Default: 200, ValidMonths: 12, Orders: true},
	}
	w := &world{
		memory:      map[string][]byte{},
		generations: map[string]int{"dk_1": 1},
		profile:     drawdown.Profile{Account: "acme", Plan: plan, Email: "owner@acme.example", EmailVerified: true},
		gate:        balance.GateAnswer{Allowed: true, Reason: balance.GateActive, Available: 100 * drawdown.Credit, Reserve: 30 * drawdown.Credit},
	}
	w.profile.Webhooks = []drawdown.Webhook{{Endpoint: "ops", URL: "https://acme.example/hook", SecretVersion: 4}}
	w.overview = balance.Overview{
		Version: 7, Profile: w.profile, EnrolledAt: drawdown.NoTime,
		Enrolment:   balance.Enrolment{EmailVerified: true, PaymentMethod: true, EligibleConnection: true},
		Connections: []balance.ConnectionOverview{{Connection: "shop", SourceConnector: "source-postgres", DestinationConnector: "destination-s3"}},
		Balance: drawdown.Balance{
			Holds: []drawdown.HoldBalance{{
				HeldFor: drawdown.HeldFor{Hold: "night", Connection: "shop", Job: 7}, Amount: 10 * drawdown.Credit, Remaining: 10 * drawdown.Credit,
			}},
			Available: 90 * drawdown.Credit, Held: 10 * drawdown.Credit,
			PeriodFrom: drawdown.TimeOf(now.AddDate(0, 0, -10)), PeriodTo: drawdown.TimeOf(now.AddDate(0, 0, 18)),
		},
	}
	return w
}

func (w *world) office(t testing.TB) *Office {
	t.Helper()
	o, err := New(Deps{
		Accounts: w, Reports: fakeReports{w}, Log: fakeLog{w}, Outcomes: fakeOutcomes{w}, Memory: fakeMemory{w}, Desk: fakeDesk{w},
		Deliveries: fakeDeliveries{w}, Endpoints: fakeEndpoints{w}, Keys: fakeKeys{w}, Audit: fakeAudit{w}, Links: fakeLinks{},
		Now: func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// asks puts down that a port was asked about an account.
func (w *world) asks(account string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.accounts = append(w.accounts, account)
	if w.away {
		return errAway
	}
	return nil
}

func (w *world) Gate(_ context.Context, account, connection string, _ *uint64, at drawdown.Time) (*balance.GateAnswer, error) {
	if err := w.asks(account); err != nil || account != "acme" {
		return nil, err
	}
	if at != drawdown.TimeOf(now) {
		return nil, errors.New("the gate was asked for another instant")
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	answer := w.gate
	if denied := w.denied[connection]; denied != "" {
		answer.Allowed, answer.Reason = false, denied
	}
	if w.free[connection] {
		answer.Reason = balance.GateFree
	}
	return &answer, nil
}

func (w *world) Overview(_ context.Context, account string, _ drawdown.Time) (*balance.Overview, error) {
	if err := w.asks(account); err != nil || account != "acme" {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	overview := w.overview
	return &overview, nil
}

func (w *world) Profile(_ context.Context, account string) (*drawdown.Profile, error) {
	if err := w.asks(account); err != nil || account != "acme" {
		return nil, err
	}
	profile := w.profile
	return &profile, nil
}

func (w *world) Accounts(_ context.Context, cursor string, limit int) ([]string, string, error) {
	if cursor == "forged" {
		return nil, "", ErrBadCursor
	}
	return []string{"acme", "zeta"}[:min(limit, 2)], "", w.asks("")
}

func (w *world) Plans(context.Context) ([]*drawdown.Plan, error) {
	return []*drawdown.Plan{w.profile.Plan}, w.asks("")
}

type fakeReports struct{ *world }

func (w fakeReports) answer(account string) error {
	if err := w.asks(account); err != nil {
		return err
	}
	return w.reportErr
}

func (w fakeReports) Usage(_ context.Context, q report.UsageQuery) (*report.Usage, error) {
	w.usageQuery = q
	return &report.Usage{}, w.answer(q.Account)
}

func (w fakeReports) Syncs(_ context.Context, q report.SyncQuery) (*report.SyncPage, error) {
	return &report.SyncPage{}, w.answer(q.Account)
}

func (w fakeReports) Receipt(_ context.Context, account, _ string, _ uint64) (*report.Receipt, error) {
	return &report.Receipt{}, w.answer(account)
}

func (w fakeReports) Ledger(_ context.Context, q report.LedgerQuery) (*report.LedgerPage, error) {
	return &report.LedgerPage{}, w.answer(q.Account)
}

func (w fakeReports) EachEntry(_ context.Context, q report.LedgerQuery, take func(*report.Entry) error) error {
	return errors.Join(w.answer(q.Account), take(&report.Entry{Type: "grant.added"}))
}

func (w fakeReports) EachCharge(_ context.Context, q report.ChargeQuery, take func(*report.Charge) error) error {
	return errors.Join(w.answer(q.Account), take(&report.Charge{Event: "e-1"}))
}

func (w fakeReports) Purchases(_ context.Context, q report.PurchaseQuery) (*report.PurchasePage, error) {
	return &report.PurchasePage{}, w.answer(q.Account)
}

func (w fakeReports) Estimate(_ context.Context, q report.EstimateQuery) (*report.Estimate, error) {
	estimate := w.estimate
	if cost, known := w.costs[q.Connection]; known {
		estimate.P90 = drawdown.TotalOf(cost)
	}
	estimate.Basis = q.Source + ">" + q.Destination
	return &estimate, w.answer(q.Account)
}

func (w fakeReports) BurnRate(_ context.Context, account string, _ time.Time) (*report.BurnRate, error) {
	return &w.rate, w.answer(account)
}

type fakeLog struct{ *world }

func (w fakeLog) Append(_ context.Context, o *Operation) (Position, error) {
	if w.appending != nil {
		w.appending()
	}
	if err := w.asks(o.Account); err != nil {
		return Position{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.operations = append(w.operations, *o)
	return Position{Partition: 3, Offset: drawdown.Offset(40 + len(w.operations))}, nil
}

func (w fakeLog) AppendUsage(_ context.Context, events []UsageEvent) ([]Position, error) {
	positions := make([]Position, len(events))
	for i := range events {
		if err := w.asks(events[i].Account); err != nil {
			return nil, err
		}
		positions[i] = Position{Partition: 5, Offset: drawdown.Offset(len(w.usage))}
		w.usage = append(w.usage, UsageEvent{events[i].Account, slices.Clone(events[i].Value)})
	}
	return positions, nil
}

type fakeOutcomes struct{ *world }

func (w fakeOutcomes) Await(ctx context.Context, _ Position) (drawdown.Reason, bool, error) {
	if w.unknown {
		<-ctx.Done()
		return "", false, ctx.Err()
	}
	return w.outcome, true, nil
}

type fakeMemory struct{ *world }

func (w fakeMemory) Claim(_ context.Context, key string, value []byte) ([]byte, error) {
	if w.away {
		return nil, errAway
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if before, there := w.memory[key]; there {
		return before, nil
	}
	w.memory[key] = value
	return nil, nil
}

func (w fakeMemory) Put(_ context.Context, key string, value []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.memory[key] = value
	return nil
}

type fakeDesk struct{ *world }

func (w fakeDesk) SaveCard(_ context.Context, account string, _ bool) (purchasing.Session, error) {
	return purchasing.Session{URL: "https://gateway.example/card"}, errors.Join(w.asks(account), w.deskErr)
}

func (w fakeDesk) Order(_ context.Context, account string, _ int64, key string) (string, purchasing.Session, error) {
	w.orders = append(w.orders, key)
	return "order-1", purchasing.Session{URL: "https://gateway.example/order"}, errors.Join(w.asks(account), w.deskErr)
}

func (w fakeDesk) Subscribe(_ context.Context, account, _ string) (purchasing.Session, error) {
	return purchasing.Session{URL: "https://gateway.example/plan"}, errors.Join(w.asks(account), w.deskErr)
}

type fakeDeliveries struct{ *world }

func (w fakeDeliveries) List(_ context.Context, f notify.Filter) ([]notify.DeliveryRecord, error) {
	return nil, w.asks(f.Account)
}

type fakeEndpoints struct{ *world }

func (w fakeEndpoints) CheckURL(string) error { return w.urlErr }

func (w fakeEndpoints) Secret(account, endpoint string, version int64) string {
	return "whsec_" + account + endpoint + string(rune('0'+version))
}

type fakeAudit struct{ *world }

func (w fakeAudit) Append(_ context.Context, e access.AuditEntry) error {
	if err := e.Validate(); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.away {
		return errAway
	}
	w.audited = append(w.audited, e)
	return nil
}

func (w fakeAudit) List(_ context.Context, f access.AuditFilter) ([]access.AuditEntry, error) {
	var found []access.AuditEntry
	for _, e := range w.audited {
		if f.Wants(&e) {
			found = append(found, e)
		}
	}
	return found, w.asks(f.Account)
}

// fakeKeys has dk_1, and what was issued under ids that were asked for. keyErr is what changes end with; lostReply makes
// the change before.
type fakeKeys struct{ *world }

func (w fakeKeys) Issue(_ context.Context, _ *access.Principal, wanted access.NewKey) (access.Key, string, error) {
	key := access.Key{ID: wanted.ID, Account: wanted.Account, Generation: 1}
	if key.ID == "" {
		key.ID = "dk_new"
	}
	if _, there := w.generations[wanted.ID]; there {
		return access.Key{}, "", access.ErrKeyExists
	}
	if w.keyErr == nil || w.lostReply {
		w.issued++
		w.generations[key.ID] = 1
	}
	return key, "secret", w.keyErr
}

func (w fakeKeys) Rotate(_ context.Context, _ *access.Principal, id string, _ time.Duration) (access.Key, string, error) {
	if w.keyErr == nil || w.lostReply {
		w.generations[id]++
	}
	return access.Key{ID: id, Generation: w.generations[id]}, "secret", w.keyErr
}

func (w fakeKeys) Key(_ *access.Principal, id string) (access.Key, error) {
	if generation := w.generations[id]; generation > 0 {
		return access.Key{ID: id, Generation: generation}, nil
	}
	return access.Key{}, access.ErrNoSuchKey
}

func (w fakeKeys) Revoke(_ context.Context, _ *access.Principal, id string) (access.Key, error) {
	return access.Key{ID: id}, w.keyErr
}

func (w fakeKeys) Keys(*access.Principal) []access.Key { return []access.Key{{ID: "dk_1"}} }

type fakeLinks struct{}

func (fakeLinks) Make(account string) (string, time.Time, error) {
	return "https://page.example/billing/link?token=" + account, now.Add(time.Minute), nil
}

// The principals of tests.
var (
	operator = &access.Principal{ID: "key:op", Role: access.Operator}
	customer = &access.Principal{ID: "link:acme", Role: access.Customer, Account: "acme"}
	worker   = &access.Principal{ID: "key:worker", Role: access.Worker}
)

// refused returns the refusal in an error, and fails where it is none.
func refused(t *testing.T, err error) *Error {
	t.Helper()
	var refusal *Error
	if !errors.As(err, &refusal) {
		t.Fatalf("%v is no refusal", err)
	}
	if refusal.Kind == 0 || refusal.Reason == "" || refusal.Detail == "" {
		t.Fatalf("the refusal does not say all: %#v", refusal)
	}
	return refusal
}
