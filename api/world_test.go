package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"drawdown"
	"drawdown/api/access"
	"drawdown/api/office"
	"drawdown/balance"
	"drawdown/consumer/decode"
	"drawdown/notify"
	"drawdown/sinks/clickhouse/report"
)

// The accounts of the fake office. Of all others it says that there are none.
const (
	full  = "acme"  // has something of everything
	empty = "blank" // was just opened
)

// credentials are who asks, by what they send.
var credentials = map[string]*access.Principal{
	"operator":  {ID: "key:dk_operator", Role: access.Operator},
	"customer":  {ID: "key:dk_customer", Role: access.Customer, Account: full},
	"stranger":  {ID: "oidc:https://id.example#7", Role: access.Customer, Account: "other"},
	"scheduler": {ID: "key:dk_scheduler", Role: access.Worker},
	"worker":    {ID: "key:dk_worker", Role: access.Worker, Account: full},
	"nothing":   {ID: "key:dk_nothing", Role: access.Operator, Scopes: []access.Scope{}},
}

// keyring authenticates them.
type keyring struct{}

func (keyring) Authenticate(_ context.Context, bearer string) (*access.Principal, error) {
	if bearer == "away" {
		return nil, access.ErrUnavailable
	}
	if p, known := credentials[bearer]; known {
		return p, nil
	}
	return nil, fmt.Errorf("%w: %.8s", access.ErrUnauthenticated, bearer)
}

// fakeOffice behaves like the office, with a memory instead of servers. It checks account and scope like the real one, so a
// route that names the wrong scope in its row of the table is seen by the difference.
type fakeOffice struct {
	mu     sync.Mutex
	offset drawdown.Offset
	holds  map[string]drawdown.HoldBalance
	did    []office.Action
	writes []office.Write
	broken error // what everything answers, where it is set
	panics bool
	waited time.Duration   // for a hold
	once   map[string]bool // idempotency keys of changes to API keys
	// breakExport is what an export ends with, after its rows: exportRows, or 3.
	breakExport error
	exportRows  drawdown.Offset
	// everywhere: there is an account of every name, some of them blank.
	everywhere bool
}

func newFakeOffice() *fakeOffice {
	f := &fakeOffice{holds: map[string]drawdown.HoldBalance{}, once: map[string]bool{}}
	f.holds["night"] = drawdown.HoldBalance{
		HeldFor: drawdown.HeldFor{Hold: "night", Connection: "shop", Job: 7}, Amount: 30 * drawdown.Credit, Remaining: 12_500_000_000, ExpiresAt: noon + drawdown.Day,
	}
	f.holds["later"] = drawdown.HoldBalance{
		HeldFor: drawdown.HeldFor{Hold: "later", Connection: "crm/eu", Job: 8}, Amount: drawdown.Credit, Remaining: drawdown.Credit, ExpiresAt: noon + drawdown.Hour, Waiting: true,
	}
	return f
}

const noon = 20_500*drawdown.Day + 12*drawdown.Hour

func at(t drawdown.Time) time.Time { return time.UnixMilli(int64(t)).UTC() }

// has reports whether there is an account, and whether it has something of everything.
func (f *fakeOffice) has(account string) (exists, furnished bool) {
	if f.everywhere && account != empty {
		return len(account)%7 != 0, len(account)%3 != 0
	}
	return account == full || account == empty, account == full
}

func (f *fakeOffice) isFull(account string) bool {
	_, furnished := f.has(account)
	return furnished
}

func (f *fakeOffice) may(p *access.Principal, account string, scope access.Scope) error {
	if f.panics {
		panic("a secret of the inside")
	}
	if f.broken != nil {
		return f.broken
	}
	if exists, _ := f.has(account); !p.Sees(account) || account != "" && !exists {
		return &office.Error{Kind: office.NotFound, Reason: "no_such_account", Detail: "There is no such account."}
	}
	if !p.May(scope) {
		return &office.Error{Kind: office.Forbidden, Reason: "forbidden", Detail: "This needs the scope " + string(scope) + "."}
	}
	return nil
}

func (f *fakeOffice) Plans(context.Context) ([]*drawdown.Plan, error) {
	if err := f.may(credentials["operator"], "", access.ReadAccounts); err != nil {
		return nil, err
	}
	price := drawdown.UnitPrice(2_500_000_000)
	low := 20 * drawdown.Credit
	return []*drawdown.Plan{
		{
			ID: "airbyte-cloud", Currency: "USD", LowBalance: &low, ExpiryNoticeDays: []int64{30},
			Purchase:     drawdown.PurchaseTerms{Unit: 1, Min: 100, Max: 999, Default: 200, UnitPrice: &price, ValidMonths: 12, Orders: true},
			AutoPurchase: &drawdown.AutoPurchase{Threshold: 10 * drawdown.Credit, Target: 30 * drawdown.Credit, Min: 20, Cap: drawdown.Cap{Kind: drawdown.CapCount, Count: 3}},
		},
		{
			ID: "make-10k", Currency: "USD", UsageNotices: []int64{75, 90},
			Subscription: &drawdown.Subscription{Credits: 10_000 * drawdown.Credit, Price: dollars(9_00), Yearly: true},
			Purchase:     drawdown.PurchaseTerms{Unit: 1000, Min: 1000, Max: 1_000_000, Default: 1000},
			AutoPurchase: &drawdown.AutoPurchase{Pack: 10_000, SurchargePercent: 30, Cap: drawdown.Cap{Kind: drawdown.CapSubscription}},
		},
	}, nil
}

func dollars(cents uint64) drawdown.Money { return drawdown.Money{Cents: drawdown.Total128(0, cents)} }
func nano(n uint64) drawdown.Total        { return drawdown.Total128(0, n) }

func (f *fakeOffice) Accounts(_ context.Context, p *access.Principal, cursor string, limit int) ([]string, string, error) {
	if err := f.may(p, p.Account, access.ReadAccounts); err != nil {
		return nil, "", err
	}
	switch {
	case cursor == "" && limit == 1:
		return []string{full}, "after-acme", nil
	case cursor == "":
		return []string{full, empty}, "", nil
	case cursor == "after-acme":
		return []string{empty}, "", nil
	default:
		return nil, "", badCursor()
	}
}

func badCursor() error {
	return &office.Error{Kind: office.Invalid, Reason: "bad_cursor", Detail: "The cursor is not one of a page of this list."}
}

func (f *fakeOffice) Overview(_ context.Context, p *access.Principal, account string) (*office.Overview, error) {
	if err := f.may(p, account, access.ReadAccount); err != nil {
		return nil, err
	}
	plans, _ := f.Plans(context.Background())
	v := &office.Overview{Plan: plans[0], Now: at(noon), ETag: `"v1-` + account + `"`}
	v.Balance = drawdown.Balance{
		Account: account, At: noon, Plan: plans[0].ID, Status: drawdown.Exhausted, PeriodFrom: noon - drawdown.Day, PeriodTo: noon + 29*drawdown.Day,
	}
	v.EnrolledAt = drawdown.NoTime
	v.Profile = drawdown.Profile{Account: account, Plan: plans[0], Email: "owner@example.com"}
	if f.isFull(account) {
		f.furnish(v)
	}
	return v, nil
}

// furnish adds something of everything.
func (f *fakeOffice) furnish(v *office.Overview) {
	b := &v.Balance
	b.Status, b.Available, b.Overdraft, b.Held = drawdown.Active, 187_500_000_000, 0, 12_500_000_000
	b.Granted, b.Used, b.Waived = nano(300_000_000_000), nano(100_000_000_000), nano(6_000_000)
	b.Grants = []drawdown.GrantBalance{
		{Grant: "acme:1", Category: drawdown.PurchasedGrant, Amount: 300 * drawdown.Credit, Remaining: 200 * drawdown.Credit, ExpiresAt: noon + 300*drawdown.Day},
		{Grant: "welcome", Category: drawdown.PromotionalGrant, Amount: drawdown.Credit, Remaining: 1, ExpiresAt: drawdown.Never},
	}
	f.mu.Lock()
	for _, id := range slices.Sorted(mapKeys(f.holds)) {
		b.Holds = append(b.Holds, f.holds[id])
	}
	f.mu.Unlock()
	b.AutoPurchase = drawdown.AutoPurchaseBalance{Enabled: true, AutoPurchases: 1, Amount: dollars(75_00), Open: "acme:2"}
	limit := dollars(100_00)
	v.MaxAmount, v.Reserve, v.RunawayFactor, v.RunawayMin = &limit, 10*drawdown.Credit, 5, drawdown.Credit
	v.EnrolledAt = noon - drawdown.Hour
	v.Enrolment = balance.Enrolment{EmailVerified: true, PaymentMethod: true, EligibleConnection: true}
	v.Connections = []balance.ConnectionOverview{
		{Connection: "crm/eu", SourceConnector: "source-crm", DestinationConnector: "destination-s3", Known: true, Free: true, Waived: nano(6_000_000), Priority: drawdown.PriorityCritical},
		{Connection: "shop", SourceConnector: "source-postgres", DestinationConnector: "destination-s3", HadUsage: true, Used: nano(100_000_000_000), Stopped: true},
	}
	v.Profile = drawdown.Profile{
		Account: full, Plan: v.Plan, WaitingPlan: "make-10k", Email: "owner@example.com", EmailVerified: true,
		Recipients: []string{"ops@example.com"}, OptOuts: []string{"low_balance"},
		Primary: drawdown.PaymentMethod{Method: "pm_1", Customer: "cus_1"}, Backup: drawdown.PaymentMethod{Method: "pm_2"}, OpenPurchase: "acme:2",
		Webhooks: []drawdown.Webhook{
			{Endpoint: "ops", URL: "https://hooks.example.com/x", Kinds: []string{"exhausted"}, SecretVersion: 2, PreviousVersion: 1, PreviousUntil: noon + drawdown.Hour},
			{Endpoint: "old", URL: "https://old.example.com/", SecretVersion: 1, PreviousUntil: drawdown.NoTime, Disabled: "it failed for five days"},
		},
	}
}

func mapKeys[K comparable, V any](m map[K]V) func(func(K) bool) {
	return func(yield func(K) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func (f *fakeOffice) Gate(_ context.Context, p *access.Principal, account, connection string, job *uint64) (*balance.GateAnswer, error) {
	if err := f.may(p, account, access.AskGate); err != nil {
		return nil, err
	}
	answer := &balance.GateAnswer{Allowed: false, Reason: balance.GateExhausted, Status: drawdown.Exhausted, Available: -3}
	if !f.isFull(account) {
		return answer, nil
	}
	answer = &balance.GateAnswer{
		Allowed: true, Reason: balance.GateActive, Status: drawdown.Active, Available: 187_500_000_000, Held: 12_500_000_000,
		Reserve: 10 * drawdown.Credit, Priority: drawdown.PriorityCritical,
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, h := range f.holds {
		if job != nil && h.Connection == connection && h.Job == *job {
			answer.Hold = &h
		}
	}
	return answer, nil
}

func (f *fakeOffice) Holds(ctx context.Context, p *access.Principal, account string) (*office.Holds, error) {
	if err := f.may(p, account, access.AskGate); err != nil {
		return nil, err
	}
	v, err := f.Overview(ctx, credentials["operator"], account)
	if err != nil {
		return nil, err
	}
	b := &v.Balance
	return &office.Holds{Available: b.Available, Held: b.Held, Reserve: v.Reserve, Holds: b.Holds, ETag: v.ETag}, nil
}

// AwaitHold opens what is waited for at once.
func (f *fakeOffice) AwaitHold(ctx context.Context, p *access.Principal, account, hold string, wait time.Duration) (*drawdown.HoldBalance, string, error) {
	all, err := f.Holds(ctx, p, account)
	if err != nil {
		return nil, "", err
	}
	f.waited = wait
	for _, h := range all.Holds {
		if h.Hold == hold {
			h.Waiting = h.Waiting && wait == 0
			return &h, all.ETag, nil
		}
	}
	return nil, "", refused(office.NotFound, drawdown.UnknownHold)
}

func (f *fakeOffice) StartOrder(_ context.Context, p *access.Principal, account string, limit int) (*office.StartOrder, error) {
	if err := f.may(p, account, access.AskGate); err != nil || !f.isFull(account) {
		return &office.StartOrder{}, err
	}
	all := []office.Start{
		{Connection: "crm/eu", Priority: drawdown.PriorityCritical, Reason: balance.GateFree, Carries: true},
		{Connection: "shop", Reason: balance.GateActive, Carries: true, Estimate: &report.Estimate{AsOf: at(noon), Basis: "connection", Syncs: 28, Median: nano(3_000_000_000), P90: nano(4_500_000_000)}},
	}
	few := all[:min(limit, len(all))]
	return &office.StartOrder{Available: 187_500_000_000, Reserve: 10 * drawdown.Credit, Starts: few, More: len(few) < len(all)}, nil
}

func (f *fakeOffice) reading(p *access.Principal, account, cursor string) error {
	if err := f.may(p, account, access.ReadAccount); err != nil {
		return err
	}
	if cursor != "" && cursor != "next" {
		return badCursor()
	}
	return nil
}

func ledgerEntry(offset drawdown.Offset) report.Entry {
	text := fmt.Sprintf(`{"offset":%d,"n":0,"type":"grant.added","at":"2026-02-14T12:00:00Z","account":"acme","grant":"acme:1","category":"purchased","amount":"300","expires_at":null,"repaid":"0"}`, offset)
	return report.Entry{Partition: 3, Offset: offset, At: at(noon), Type: "grant.added", Line: []byte(text)}
}

func (f *fakeOffice) Ledger(_ context.Context, p *access.Principal, account string, q report.LedgerQuery) (*report.LedgerPage, error) {
	if err := f.reading(p, account, q.Cursor); err != nil || !f.isFull(account) {
		return &report.LedgerPage{}, err
	}
	page := &report.LedgerPage{AsOf: at(noon), Entries: []report.Entry{ledgerEntry(1207)}}
	if q.Cursor == "" {
		page.Next = "next"
	}
	return page, nil
}

func (f *fakeOffice) ExportLedger(_ context.Context, p *access.Principal, account string, _ report.LedgerQuery, take func(*report.Entry) error) error {
	if err := f.reading(p, account, ""); err != nil || !f.isFull(account) {
		return err
	}
	for offset := range max(3, f.exportRows) {
		e := ledgerEntry(offset)
		if err := take(&e); err != nil {
			return err
		}
	}
	return f.breakExport
}

func (f *fakeOffice) ExportCharges(_ context.Context, p *access.Principal, account string, q report.ChargeQuery, take func(*report.Charge) error) error {
	if err := f.reading(p, account, ""); err != nil || !f.isFull(account) {
		return err
	}
	c := &report.Charge{
		Partition: 3, Offset: 9, N: 1, At: at(noon), Time: at(noon), Connection: "=SUM(A1)", Source: "source-postgres", Destination: "destination-s3",
		Job: 7, Attempt: 1, Event: "e-1", Kind: "database", Meter: "records", Rates: "2026-01", Category: "billed", Quantity: 1000,
		Credits: nano(6_000_000), Burned: []report.Burn{{Grant: "acme:1", Credits: nano(6_000_000)}},
	}
	if q.Job != nil && *q.Job != c.Job {
		return nil
	}
	return take(c)
}

func amounts() report.Amounts {
	return report.Amounts{Events: 12, Billed: nano(100_000_000_000), Free: nano(6_000_000), Records: nano(12_000), Bytes: drawdown.Total128(1, 0)}
}

func (f *fakeOffice) Usage(_ context.Context, p *access.Principal, account string, q report.UsageQuery) (*report.Usage, error) {
	if err := f.reading(p, account, ""); err != nil {
		return nil, err
	}
	usage := &report.Usage{From: at(noon - drawdown.Day), To: at(noon), Points: []time.Time{at(noon - drawdown.Day)}}
	usage.Total.Points = []report.Amounts{{}}
	if f.isFull(account) {
		s := report.Series{Name: "shop", Points: []report.Amounts{amounts()}, Total: amounts()}
		usage.AsOf, usage.Series, usage.Total = at(noon), []report.Series{s}, s
		if q.Top > 0 {
			usage.Other = &report.Series{Points: []report.Amounts{{}}}
		}
	}
	return usage, nil
}

func sync7() report.Sync {
	return report.Sync{Connection: "shop", Job: 7, Source: "source-postgres", Destination: "destination-s3", Attempts: 2, FirstAt: at(noon), LastAt: at(noon), Amounts: amounts()}
}

func (f *fakeOffice) Syncs(_ context.Context, p *access.Principal, account string, q report.SyncQuery) (*report.SyncPage, error) {
	if err := f.reading(p, account, q.Cursor); err != nil || !f.isFull(account) {
		return &report.SyncPage{}, err
	}
	return &report.SyncPage{AsOf: at(noon), Syncs: []report.Sync{sync7()}, Next: "next"}, nil
}

func (f *fakeOffice) Receipt(_ context.Context, p *access.Principal, account, connection string, job uint64) (*report.Receipt, error) {
	if err := f.reading(p, account, ""); err != nil {
		return nil, err
	}
	if !f.isFull(account) || connection != "shop" || job != 7 {
		return nil, &office.Error{Kind: office.NotFound, Reason: "no_such_sync", Detail: "No charge of such a sync is known."}
	}
	burned := []report.Burn{{Grant: "acme:1", Credits: nano(100_000_000_000)}}
	return &report.Receipt{
		AsOf: at(noon), Account: account, Sync: sync7(), Burned: burned,
		Attempts: []report.ReceiptAttempt{{Attempt: 1, Amounts: amounts(), Lines: []report.ReceiptLine{{
			Stream: "orders", Kind: "database", Meter: "records", Rates: "2026-01", Category: "billed", Quantity: nano(12_000), Events: 12, Credits: nano(100_000_000_000), Burned: burned,
		}}}},
	}, nil
}

func (f *fakeOffice) Purchases(_ context.Context, p *access.Principal, account string, q report.PurchaseQuery) (*report.PurchasePage, error) {
	if err := f.reading(p, account, q.Cursor); err != nil || !f.isFull(account) {
		return &report.PurchasePage{}, err
	}
	return &report.PurchasePage{AsOf: at(noon), Purchases: []report.Purchase{
		{ID: "acme:2", Kind: "auto", State: "open", Quantity: "30", Amount: "75.00", Currency: "USD", Attempts: 1, RequestedAt: at(noon), Reason: "card_declined"},
		{ID: "order-1", Kind: "manual", State: "settled", Quantity: "300", Amount: "750.00", Currency: "USD", Tax: "142.50", Receipt: "https://pay.example/r/1", SettledAt: at(noon), Refunded: "12.5"},
	}}, nil
}

func (f *fakeOffice) Forecast(_ context.Context, p *access.Principal, account string) (*office.Forecast, error) {
	if err := f.reading(p, account, ""); err != nil || !f.isFull(account) {
		return &office.Forecast{Basis: "nothing was used"}, err
	}
	return &office.Forecast{AsOf: at(noon), PerDay: nano(3_300_000_000), Available: 187_500_000_000, RunsOutAt: at(noon + 57*drawdown.Day), Basis: "the last 30 days"}, nil
}

func (f *fakeOffice) Estimate(_ context.Context, p *access.Principal, account string, q report.EstimateQuery) (*office.Estimate, error) {
	if err := f.may(p, account, access.AskGate); err != nil {
		return nil, err
	}
	if !f.isFull(account) || q.Connection == "" {
		return &office.Estimate{Estimate: report.Estimate{Basis: "none"}}, nil
	}
	return &office.Estimate{Available: 187_500_000_000, Carries: true, Estimate: report.Estimate{
		AsOf: at(noon), Basis: "connection", Syncs: 28, Median: nano(3_000_000_000), P90: nano(4_500_000_000), Meter: "records",
	}}, nil
}

func (f *fakeOffice) Deliveries(_ context.Context, p *access.Principal, account string, _ notify.Filter) ([]notify.DeliveryRecord, error) {
	if err := f.reading(p, account, ""); err != nil || !f.isFull(account) {
		return nil, err
	}
	return []notify.DeliveryRecord{
		{
			ID: "3-1207-2/email/owner@example.com", State: notify.StatePending, Channel: notify.Email, Target: "owner@example.com", Tries: 1,
			CreatedAt: at(noon), ChangedAt: at(noon), NextAt: at(noon + drawdown.Minute), Detail: "451 try again later",
			Notice: &notify.Notice{ID: "3-1207-2", Kind: notify.LowBalance, Account: account, At: at(noon), Data: json.RawMessage(`{"available":"12.5"}`)},
		},
		{
			ID: "3-1208-0/webhook/ops", State: notify.StateDelivered, Channel: notify.Webhook, Target: "ops", Tries: 1, CreatedAt: at(noon), ChangedAt: at(noon),
			Notice: &notify.Notice{ID: "3-1208-0", Kind: notify.Exhausted, Account: account, At: at(noon)},
		},
	}, nil
}

func (f *fakeOffice) Audit(_ context.Context, p *access.Principal, q access.AuditFilter) ([]access.AuditEntry, error) {
	if err := f.may(p, q.Account, access.ReadAudit); err != nil || q.Account == empty || q.Before != "" {
		return nil, err
	}
	entries := []access.AuditEntry{
		{ID: "a2", Time: at(noon), Actor: "key:dk_operator", Role: access.Operator, Account: full, Action: "credits.granted", Operation: "op_1", RemoteAddr: "127.0.0.1", Detail: json.RawMessage(`{"amount":"5"}`)},
		{ID: "a1", Time: at(noon), Actor: "key:dk_operator", Role: access.Operator, Action: "key.issue"},
	}
	return entries[:min(q.Limit, len(entries))], nil
}

func (f *fakeOffice) WebhookSecret(_ context.Context, p *access.Principal, account, endpoint string) (string, error) {
	if err := f.may(p, account, access.SetAccount); err != nil {
		return "", err
	}
	if !f.isFull(account) || endpoint != "ops" {
		return "", &office.Error{Kind: office.NotFound, Reason: "unknown_endpoint", Detail: "The account has no such webhook endpoint."}
	}
	return "whsec_dGVzdA==", nil
}

// Do is like the office's: what is wrong with an action is told at once, what the engine rejects only after a wait.
func (f *fakeOffice) Do(_ context.Context, p *access.Principal, account string, a office.Action, w office.Write) (*office.Written, error) {
	scope := office.ScopeOf(a)
	if opened, ok := a.(office.OpenAccount); ok {
		if err := f.may(p, p.Account, scope); err != nil {
			return nil, err
		}
		if opened.Plan != "airbyte-cloud" {
			return nil, refused(office.Invalid, drawdown.UnknownPlan)
		}
	} else if err := f.may(p, account, scope); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.offset++
	f.did, f.writes = append(f.did, a), append(f.writes, w)
	written := &office.Written{Operation: fmt.Sprintf("op_%d", f.offset), Position: office.Position{Partition: 3, Offset: f.offset}, State: office.Appended}
	reason, err := f.apply(account, a)
	if err != nil {
		return nil, err
	}
	if w.Wait > 0 {
		written.State = office.Applied
		if reason != "" {
			written.State, written.Reason = office.Rejected, reason
		}
	}
	return written, nil
}

func refused(kind office.ErrorKind, reason drawdown.Reason) *office.Error {
	return &office.Error{Kind: kind, Reason: string(reason), Detail: "Because of " + string(reason) + "."}
}

// apply rejects what the engine would, for some of each kind.
func (f *fakeOffice) apply(account string, a office.Action) (drawdown.Reason, error) {
	switch a := a.(type) {
	case office.OpenAccount:
		if account == full || account == empty {
			return drawdown.AccountExists, nil
		}
	case office.ChangePlan:
		if a.Plan == "airbyte-cloud" {
			return drawdown.SamePlan, nil
		}
	case office.Enrol:
		if account == empty {
			e := refused(office.Conflict, drawdown.EmailNotVerified)
			e.Missing = []string{"email_verified", "payment_method", "eligible_connector"}
			return "", e
		}
	case office.RemoveConnection:
		if a.Connection != "shop" {
			return drawdown.UnknownConnection, nil
		}
	case office.PlaceHold:
		return f.hold(a), nil
	case office.ReleaseHold:
		if _, known := f.holds[a.Hold]; !known {
			return drawdown.UnknownHold, nil
		}
		delete(f.holds, a.Hold)
	case office.SetWebhook:
		if !strings.HasPrefix(a.URL, "https://") {
			return "", refused(office.Invalid, drawdown.Malformed)
		}
	}
	return "", nil
}

func (f *fakeOffice) hold(a office.PlaceHold) drawdown.Reason {
	switch {
	case a.Amount <= 0:
		return drawdown.BadHold
	case a.Amount > 100*drawdown.Credit && !a.Wait:
		return drawdown.InsufficientCredits
	}
	if a.Hold != "" {
		f.holds[a.Hold] = drawdown.HoldBalance{
			HeldFor: drawdown.HeldFor{Hold: a.Hold, Connection: a.Connection, Job: a.Job}, Amount: a.Amount, Remaining: a.Amount,
			ExpiresAt: drawdown.TimeOf(a.ExpiresAt), Waiting: a.Wait,
		}
	}
	return ""
}

func (f *fakeOffice) Order(_ context.Context, p *access.Principal, account string, quantity int64, _ office.Write) (*office.Order, error) {
	if err := f.may(p, account, access.Buy); err != nil {
		return nil, err
	}
	if quantity > 999 {
		return nil, &office.Error{Kind: office.Invalid, Reason: "bad_quantity", Detail: "At most 999 can be ordered at a time."}
	}
	return &office.Order{Purchase: "order-2", URL: "https://pay.example/c/2"}, nil
}

func (f *fakeOffice) SaveCard(_ context.Context, p *access.Principal, account string, _ bool, _ office.Write) (*office.Session, error) {
	if err := f.may(p, account, access.Buy); err != nil {
		return nil, err
	}
	return &office.Session{URL: "https://pay.example/s/1"}, nil
}

func (f *fakeOffice) Subscribe(_ context.Context, p *access.Principal, account, plan string, _ office.Write) (*office.Session, error) {
	if err := f.may(p, account, access.Buy); err != nil {
		return nil, err
	}
	if plan != "make-10k" {
		return nil, &office.Error{Kind: office.Invalid, Reason: "not_for_sale", Detail: "The plan has no subscription."}
	}
	return &office.Session{URL: "https://pay.example/u/1"}, nil
}

func (f *fakeOffice) PageLink(_ context.Context, p *access.Principal, account string) (string, time.Time, error) {
	if err := f.may(p, account, access.Administer); err != nil {
		return "", time.Time{}, err
	}
	return "http://127.0.0.1:9480/billing/link?token=t", at(noon), nil
}

func (f *fakeOffice) Ingest(_ context.Context, p *access.Principal, events [][]byte) ([]office.EventResult, error) {
	if err := f.may(p, p.Account, access.ReportUsage); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	results := make([]office.EventResult, len(events))
	for i, event := range events {
		var decoder decode.Decoder
		var e drawdown.Record
		decoder.Decode(event, drawdown.NoTime, &e)
		results[i] = office.EventResult{ID: string(e.ID), State: office.EventRejected, Reason: e.Reject}
		switch {
		case e.Reject != "":
			results[i].Detail = "It is not what the contract asks for."
		case e.Type != drawdown.SyncUsage:
			results[i].Reason, results[i].Detail = drawdown.UnknownType, "Only sync.usage is taken here."
		case !p.Sees(string(e.Account)):
			results[i].Reason, results[i].Detail = drawdown.UnknownAccount, "There is no such account."
		default:
			f.offset++
			results[i].State, results[i].Position = office.EventAccepted, office.Position{Partition: 1, Offset: f.offset}
		}
	}
	return results, nil
}

func fakeKey(id string) access.Key {
	return access.Key{
		ID: id, Name: "scheduler", Role: access.Worker, Account: full, Scopes: []access.Scope{access.AskGate}, CreatedAt: at(noon), CreatedBy: "key:dk_operator",
		Generation: 2, RotatedAt: at(noon), PreviousUntil: at(noon + drawdown.Day), LastUsedAt: at(noon),
	}
}

func (f *fakeOffice) managing(p *access.Principal, id string) error {
	if err := f.may(p, p.Account, access.ManageKeys); err != nil {
		return err
	}
	if id != "dk_7f3aq0x2m4vd" {
		return &office.Error{Kind: office.NotFound, Reason: "no_such_key", Detail: "There is no such key."}
	}
	return nil
}

// doneOnce refuses what an idempotency key was used for.
func (f *fakeOffice) doneOnce(once, id string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if once != "" && f.once[once] {
		return &office.Error{Kind: office.Conflict, Reason: "already_done", Key: id, Detail: "The key " + id + " was issued by this request before."}
	}
	f.once[once] = true
	return nil
}

func (f *fakeOffice) IssueKeyOnce(_ context.Context, p *access.Principal, wanted access.NewKey, once string) (access.Key, string, error) {
	if err := f.managing(p, "dk_7f3aq0x2m4vd"); err != nil {
		return access.Key{}, "", err
	}
	if wanted.Role == access.Customer && wanted.Account == "" {
		return access.Key{}, "", &office.Error{Kind: office.Invalid, Reason: "malformed", Detail: "account: a customer has one."}
	}
	if err := f.doneOnce(once, "dk_7f3aq0x2m4vd"); err != nil {
		return access.Key{}, "", err
	}
	return fakeKey("dk_7f3aq0x2m4vd"), "dk_7f3aq0x2m4vd_secret", nil
}

func (f *fakeOffice) Keys(_ context.Context, p *access.Principal) ([]access.Key, error) {
	if err := f.managing(p, "dk_7f3aq0x2m4vd"); err != nil {
		return nil, err
	}
	return []access.Key{fakeKey("dk_7f3aq0x2m4vd"), {ID: "dk_old", Name: "old", Role: access.Operator, CreatedAt: at(noon), CreatedBy: "bootstrap", RevokedAt: at(noon), RevokedBy: "key:dk_operator"}}, nil
}

func (f *fakeOffice) RotateKeyOnce(_ context.Context, p *access.Principal, id string, _ time.Duration, once string) (access.Key, string, error) {
	if err := f.managing(p, id); err != nil {
		return access.Key{}, "", err
	}
	if err := f.doneOnce(once, id); err != nil {
		return access.Key{}, "", err
	}
	return fakeKey(id), id + "_other", nil
}

func (f *fakeOffice) RevokeKey(_ context.Context, p *access.Principal, id string) (access.Key, error) {
	if err := f.managing(p, id); err != nil {
		return access.Key{}, err
	}
	key := fakeKey(id)
	key.RevokedAt, key.RevokedBy = at(noon), p.ID
	return key, nil
}
