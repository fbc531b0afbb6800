package page_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"drawdown"
	"drawdown/api/access"
	"drawdown/api/office"
	"drawdown/balance"
	"drawdown/sinks/clickhouse/report"
)

// now is when every test happens.
var now = time.Date(2026, time.March, 20, 14, 30, 0, 0, time.UTC)

func at(days int) drawdown.Time { return drawdown.TimeOf(now.AddDate(0, 0, days)) }

// fakeOffice is an office of one account, "acme", that behaves: what is done to it shows.
type fakeOffice struct {
	mu        sync.Mutex
	overview  office.Overview
	plans     []*drawdown.Plan
	purchases []report.Purchase
	ledger    []report.Entry
	usage     map[string][]int64 // credits by connection, the oldest day first
	free      map[string]bool
	perDay    drawdown.Credits
	runsOut   time.Time
	done      []office.Action // what was done
	keys      []string        // of orders
	checkout  string          // where orders and cards are paid and saved
	fails     map[string]error
	state     office.State // of writes; "" is applied
	reason    drawdown.Reason
}

func credits(n int64) drawdown.Credits { return drawdown.Credits(n) * drawdown.Credit }

func unitPrice(s string) *drawdown.UnitPrice {
	price, ok := drawdown.ParseUnitPrice([]byte(s))
	if !ok {
		panic(s)
	}
	return &price
}

func moneyOf(s string) drawdown.Money {
	m, ok := drawdown.ParseMoney([]byte(s))
	if !ok {
		panic(s)
	}
	return m
}

// cloudPlan is a plan of a pay-as-you-go seller.
func cloudPlan() *drawdown.Plan {
	low := credits(20)
	return &drawdown.Plan{
		ID: "cloud", Currency: "USD",
		Purchase:     drawdown.PurchaseTerms{Unit: 1, Min: 100, Max: 999, Default: 200, UnitPrice: unitPrice("2.50"), ValidMonths: 12, Orders: true},
		AutoPurchase: &drawdown.AutoPurchase{Threshold: credits(10), Target: credits(30), Min: 20},
		LowBalance:   &low,
	}
}

// teamPlan is a plan with a subscription and packs.
func teamPlan() *drawdown.Plan {
	low := credits(1000)
	return &drawdown.Plan{
		ID: "team-10k", Currency: "USD",
		Subscription: &drawdown.Subscription{Credits: credits(10_000), Price: moneyOf("9.00")},
		Purchase:     drawdown.PurchaseTerms{Unit: 1000, Min: 1000, Max: 1_000_000, Default: 1000, Orders: true},
		AutoPurchase: &drawdown.AutoPurchase{Pack: 10_000, SurchargePercent: 30, Cap: drawdown.Cap{Kind: drawdown.CapSubscription}},
		LowBalance:   &low,
	}
}

// freePlan sells nothing.
func freePlan() *drawdown.Plan {
	return &drawdown.Plan{
		ID: "free-1k", Currency: "USD", Subscription: &drawdown.Subscription{Credits: credits(1000), Price: moneyOf("0.00")},
		Purchase: drawdown.PurchaseTerms{Unit: 1000, Min: 1000, Max: 1000, Default: 1000},
	}
}

// newOffice has an account with credits, usage and some history.
func newOffice() *fakeOffice {
	o := &fakeOffice{plans: []*drawdown.Plan{cloudPlan(), freePlan(), teamPlan()}, fails: map[string]error{}, usage: map[string][]int64{}, free: map[string]bool{}}
	o.overview = office.Overview{Overview: balance.Overview{
		Version: 7, EnrolledAt: drawdown.NoTime,
		Balance: drawdown.Balance{
			Account: "acme", Status: drawdown.Active, Plan: "cloud", PeriodFrom: at(-10), PeriodTo: at(21),
			Grants: []drawdown.GrantBalance{
				{Grant: "welcome", Category: drawdown.PromotionalGrant, Amount: credits(14), Remaining: credits(3) + 250_000_000, ExpiresAt: at(9)},
				{Grant: "order-1", Category: drawdown.PurchasedGrant, Amount: credits(200), Remaining: credits(181) + 123_456_789, ExpiresAt: at(300)},
			},
		},
		Profile: drawdown.Profile{Account: "acme", Email: "ada@acme.example", EmailVerified: true, Recipients: []string{"ops@acme.example"}},
		Connections: []balance.ConnectionOverview{
			{Connection: "crm → warehouse", SourceConnector: "source-salesforce", DestinationConnector: "destination-snowflake", Known: true, HadUsage: true},
			{Connection: "shop orders", SourceConnector: "source-shopify", DestinationConnector: "destination-bigquery", Known: true, HadUsage: true, Priority: drawdown.PriorityCritical},
			{Connection: "old import", SourceConnector: "source-file", DestinationConnector: "destination-postgres", HadUsage: true},
		},
	}, Plan: cloudPlan(), Now: now}
	o.overview.Profile.Plan = o.overview.Plan
	o.useEvenly("crm → warehouse", 4)
	o.useEvenly("shop orders", 2)
	o.useEvenly("old import", 1)
	o.perDay, o.runsOut = credits(7), now.AddDate(0, 0, 26)
	o.purchases = []report.Purchase{
		{ID: "acme:1", Kind: "auto", State: "failed", Quantity: "28", Amount: "70.00", Currency: "USD", Reason: "card_declined", RequestedAt: now.AddDate(0, 0, -40), FailedAt: now.AddDate(0, 0, -39)},
		{ID: "order-1", Kind: "manual", State: "settled", Quantity: "200", Amount: "500.00", Currency: "USD", Tax: "95.00", Receipt: "https://pay.example/receipts/1", SettledAt: now.AddDate(0, 0, -60), Refunded: "10"},
	}
	o.settle()
	return o
}

// useEvenly has a connection use about so many credits a day, a little more on each later one.
func (o *fakeOffice) useEvenly(connection string, perDay int64) {
	for day := range int64(30) {
		o.usage[connection] = append(o.usage[connection], perDay*(20+day)/30)
	}
}

// settle computes what follows from the grants.
func (o *fakeOffice) settle() {
	b := &o.overview.Balance
	b.Available = -b.Overdraft - b.Held
	for _, g := range b.Grants {
		b.Available += g.Remaining
	}
	o.overview.Enrolment.EmailVerified = o.overview.Profile.EmailVerified
	o.overview.Enrolment.PaymentMethod = o.overview.Profile.Primary.Method != ""
	o.overview.Profile.Plan = o.overview.Plan
	b.Plan = o.overview.Plan.ID
	o.overview.Version++
}

// change changes the account.
func (o *fakeOffice) change(change func(*office.Overview)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	change(&o.overview)
	o.settle()
}

// empty takes all credits.
func (o *fakeOffice) empty(status drawdown.Status) {
	o.change(func(v *office.Overview) { v.Balance.Grants, v.Balance.Status = nil, status })
}

// pay settles an order, as the gateway's word does in the end.
func (o *fakeOffice) pay(purchase, kind string, quantity int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	b := &o.overview.Balance
	b.Grants = append(b.Grants, drawdown.GrantBalance{
		Grant: purchase, Category: drawdown.PurchasedGrant, Amount: credits(quantity), Remaining: credits(quantity), ExpiresAt: at(365),
	})
	b.Status, b.AutoPurchase.Open = drawdown.Active, ""
	o.purchases = slices.Insert(o.purchases, 0, report.Purchase{
		ID: purchase, Kind: kind, State: "settled", Quantity: fmt.Sprint(quantity), Amount: fmt.Sprintf("%d.%02d", quantity*5/2, quantity%2*50),
		Currency: "USD", Receipt: "https://pay.example/receipts/" + purchase, SettledAt: now,
	})
	o.settle()
}

// saved saves a card, as the gateway's word does in the end.
func (o *fakeOffice) saved(method string, backup bool) {
	o.change(func(v *office.Overview) {
		if backup {
			v.Profile.Backup.Method = method
			return
		}
		v.Profile.Primary.Method = method
		v.Balance.AutoPurchase.PaymentFailed = false
		if v.Balance.Status == drawdown.PaymentFailed {
			v.Balance.Status = drawdown.Exhausted
		}
	})
}

func (o *fakeOffice) actions() []office.Action {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.done)
}

var errNoSuchAccount = &office.Error{Kind: office.NotFound, Reason: "no_such_account", Detail: "There is no such account."}

// ask begins every answer: who may see what, and what a test has fail.
func (o *fakeOffice) ask(p *access.Principal, account, what string) error {
	if !p.Sees(account) || account != "acme" {
		return errNoSuchAccount
	}
	return o.fails[what]
}

func (o *fakeOffice) Plans(context.Context) ([]*drawdown.Plan, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.plans, o.fails["plans"]
}

func (o *fakeOffice) Accounts(_ context.Context, p *access.Principal, cursor string, _ int) ([]string, string, error) {
	if !p.May(access.ReadAccounts) {
		return nil, "", &office.Error{Kind: office.Forbidden, Reason: "forbidden", Detail: "You may not list accounts."}
	}
	if cursor == "" {
		return []string{"acme"}, "second", nil
	}
	return []string{"zeta"}, "", nil
}

func (o *fakeOffice) Overview(_ context.Context, p *access.Principal, account string) (*office.Overview, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.ask(p, account, "overview"); err != nil {
		return nil, err
	}
	overview := o.overview
	overview.Balance.Grants = slices.Clone(overview.Balance.Grants)
	overview.Connections = slices.Clone(overview.Connections)
	return &overview, nil
}

func (o *fakeOffice) Ledger(_ context.Context, p *access.Principal, account string, q report.LedgerQuery) (*report.LedgerPage, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.ask(p, account, "ledger"); err != nil {
		return nil, err
	}
	page := &report.LedgerPage{AsOf: now}
	for _, entry := range o.ledger {
		if slices.Contains(q.Types, entry.Type) && !entry.At.Before(q.From) {
			page.Entries = append(page.Entries, entry)
		}
	}
	return page, nil
}

// leave gives the notice that a connection leaves the Free Connector Program.
func (o *fakeOffice) leave(connection string, gaAt drawdown.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	line, err := json.Marshal(map[string]string{"type": "notice", "kind": "leaving_free_program", "connection": connection, "ga_at": gaAt.String()})
	if err != nil {
		panic(err)
	}
	o.ledger = append(o.ledger, report.Entry{At: now.AddDate(0, 0, -1), Type: "notice", Line: line})
}

func (o *fakeOffice) Usage(_ context.Context, p *access.Principal, account string, q report.UsageQuery) (*report.Usage, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.ask(p, account, "usage"); err != nil {
		return nil, err
	}
	return o.usageIn(q), nil
}

// usageIn cuts the days into a window's points; a week and a month have those of their days that are known.
func (o *fakeOffice) usageIn(q report.UsageQuery) *report.Usage {
	u := &report.Usage{AsOf: now.Add(-3 * time.Second)}
	today := now.Truncate(24 * time.Hour)
	switch q.Window {
	case report.Weekly:
		for i := range 26 {
			u.Points = append(u.Points, today.AddDate(0, 0, -4-7*(25-i))) // Monday
		}
	case report.Monthly:
		for i := range 12 {
			u.Points = append(u.Points, time.Date(2026, time.Month(3-11+i), 1, 0, 0, 0, 0, time.UTC))
		}
	case report.Daily:
		for i := range 30 {
			u.Points = append(u.Points, today.AddDate(0, 0, i-29))
		}
	case report.Period:
		for day := q.From.Truncate(24 * time.Hour); day.Before(q.To); day = day.AddDate(0, 0, 1) {
			u.Points = append(u.Points, day)
		}
	}
	u.Total.Points = make([]report.Amounts, len(u.Points))
	for name, days := range o.usage {
		s := report.Series{Name: name, Points: make([]report.Amounts, len(u.Points))}
		for i, used := range days {
			day := today.AddDate(0, 0, i-len(days)+1)
			point, _ := slices.BinarySearchFunc(u.Points, day, func(point, day time.Time) int {
				if point.After(day) {
					return 1
				}
				return -1
			})
			if point == 0 {
				continue
			}
			amount := report.Amounts{Events: 1, Billed: drawdown.TotalOf(credits(used))}
			if o.free[name] {
				amount.Billed, amount.Free = amount.Free, amount.Billed
			}
			for _, sum := range []*report.Amounts{&s.Points[point-1], &s.Total, &u.Total.Points[point-1], &u.Total.Total} {
				sum.Billed, sum.Free = sum.Billed.Plus(amount.Billed), sum.Free.Plus(amount.Free)
			}
		}
		u.Series = append(u.Series, s)
	}
	slices.SortFunc(u.Series, func(a, b report.Series) int {
		if c := b.Total.Billed.Plus(b.Total.Free).Compare(a.Total.Billed.Plus(a.Total.Free)); c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
	if q.Top > 0 && len(u.Series) > q.Top {
		u.Series = u.Series[:q.Top]
	}
	return u
}

func (o *fakeOffice) Syncs(_ context.Context, p *access.Principal, account string, q report.SyncQuery) (*report.SyncPage, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.ask(p, account, "syncs"); err != nil {
		return nil, err
	}
	page := &report.SyncPage{AsOf: now, Next: "more"}
	if q.Cursor != "" {
		page.Next = ""
	}
	for _, name := range []string{"crm → warehouse", "shop orders"} {
		if q.Connection == "" || q.Connection == name {
			page.Syncs = append(page.Syncs, report.Sync{Connection: name, Job: 41, Attempts: 2, LastAt: now, Amounts: report.Amounts{Billed: drawdown.TotalOf(credits(3))}})
		}
	}
	return page, nil
}

func (o *fakeOffice) Receipt(_ context.Context, p *access.Principal, account, connection string, job uint64) (*report.Receipt, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.ask(p, account, "receipt"); err != nil {
		return nil, err
	}
	if job != 41 {
		return nil, &office.Error{Kind: office.NotFound, Reason: "no_such_sync", Detail: "There is no such sync."}
	}
	billed := report.Amounts{Billed: drawdown.TotalOf(credits(3)), Free: drawdown.TotalOf(credits(1))}
	return &report.Receipt{
		AsOf: now, Account: account,
		Sync: report.Sync{Connection: connection, Job: job, Source: "source-salesforce", Destination: "destination-snowflake", Attempts: 1, FirstAt: now.Add(-time.Hour), LastAt: now, Amounts: billed},
		Attempts: []report.ReceiptAttempt{{Attempt: 1, Amounts: billed, Lines: []report.ReceiptLine{
			{Stream: "contacts", Kind: "api", Meter: "records", Rates: "2026-01", Category: "billed", Quantity: drawdown.TotalOfBig(big.NewInt(500_000)), Credits: drawdown.TotalOf(credits(3))},
			{Kind: "api", Meter: "records", Rates: "2026-01", Category: "free", Quantity: drawdown.TotalOfBig(big.NewInt(1000)), Waived: drawdown.TotalOf(credits(1))},
		}}},
		Burned: []report.Burn{{Grant: "order-1", Credits: drawdown.TotalOf(credits(2))}}, Overdraft: drawdown.TotalOf(credits(1)),
	}, nil
}

func (o *fakeOffice) Purchases(_ context.Context, p *access.Principal, account string, _ report.PurchaseQuery) (*report.PurchasePage, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.ask(p, account, "purchases"); err != nil {
		return nil, err
	}
	return &report.PurchasePage{AsOf: now, Purchases: slices.Clone(o.purchases)}, nil
}

func (o *fakeOffice) Forecast(_ context.Context, p *access.Principal, account string) (*office.Forecast, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.ask(p, account, "forecast"); err != nil {
		return nil, err
	}
	return &office.Forecast{AsOf: now, PerDay: drawdown.TotalOf(o.perDay), Available: o.overview.Balance.Available, RunsOutAt: o.runsOut}, nil
}

func (o *fakeOffice) Do(_ context.Context, p *access.Principal, account string, action office.Action, _ office.Write) (*office.Written, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.ask(p, account, "do"); err != nil {
		return nil, err
	}
	if _, enrols := action.(office.Enrol); enrols {
		if err := o.mayEnrol(); err != nil {
			return nil, err
		}
	}
	o.done = append(o.done, action)
	written := &office.Written{Operation: "op", State: office.Applied}
	if o.state != "" {
		written.State, written.Reason = o.state, o.reason
		return written, nil
	}
	o.apply(action)
	return written, nil
}

func (o *fakeOffice) mayEnrol() error {
	refused := &office.Error{Kind: office.Conflict, Reason: "no_payment_method", Detail: "Preconditions are not met."}
	e := o.overview.Enrolment
	for _, precondition := range []struct {
		met  bool
		name string
	}{{e.EmailVerified, "email_verified"}, {e.PaymentMethod, "payment_method"}, {e.EligibleConnection, "eligible_connector"}} {
		if !precondition.met {
			refused.Missing = append(refused.Missing, precondition.name)
		}
	}
	if refused.Missing == nil {
		return nil
	}
	return refused
}

// apply makes an action show.
func (o *fakeOffice) apply(action office.Action) {
	v := &o.overview
	switch a := action.(type) {
	case office.Enrol:
		v.EnrolledAt = at(0)
	case office.SetAutoPurchase:
		v.Balance.AutoPurchase.Enabled, v.MaxAmount = a.Enabled, a.MaxAmount
	case office.RemovePaymentMethod:
		if a.Backup {
			v.Profile.Backup = drawdown.PaymentMethod{}
		} else {
			v.Profile.Primary = drawdown.PaymentMethod{}
		}
	case office.SetContacts:
		if a.Email != nil {
			v.Profile.Email, v.Profile.EmailVerified = *a.Email, false
		}
		v.Profile.Recipients, v.Profile.OptOuts = *a.Recipients, *a.OptOuts
	case office.SetGate:
		v.Reserve, v.RunawayFactor, v.RunawayMin = a.Reserve, a.RunawayFactor, a.RunawayMin
	case office.Prioritize:
		priority, _ := drawdown.ParsePriority([]byte(a.Priority))
		o.each(a.Connection, func(c *balance.ConnectionOverview) { c.Priority = priority })
	case office.AcknowledgeRunaway:
		o.each(a.Connection, func(c *balance.ConnectionOverview) { c.Stopped = false })
	default:
		panic(fmt.Sprintf("the page does %T", action))
	}
	o.settle()
}

func (o *fakeOffice) each(name string, change func(*balance.ConnectionOverview)) {
	for i := range o.overview.Connections {
		if o.overview.Connections[i].Connection == name {
			change(&o.overview.Connections[i])
		}
	}
}

func (o *fakeOffice) Order(_ context.Context, p *access.Principal, account string, quantity int64, w office.Write) (*office.Order, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.ask(p, account, "order"); err != nil {
		return nil, err
	}
	if !o.overview.Plan.Purchase.Orders {
		return nil, &office.Error{Kind: office.Conflict, Reason: "orders_not_offered", Detail: "Your plan does not sell credits."}
	}
	o.keys = append(o.keys, w.Key)
	return &office.Order{Purchase: "order-new", URL: fmt.Sprintf("%s/pay?purchase=order-new&quantity=%d", o.checkout, quantity)}, nil
}

func (o *fakeOffice) SaveCard(_ context.Context, p *access.Principal, account string, backup bool, _ office.Write) (*office.Session, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.ask(p, account, "card"); err != nil {
		return nil, err
	}
	return &office.Session{URL: fmt.Sprintf("%s/card?backup=%t", o.checkout, backup)}, nil
}

// fakeSessions keep a principal by a cookie in plain text.
type fakeSessions map[string]*access.Principal

const sessionCookie = "test_session"

func (s fakeSessions) Begin(w http.ResponseWriter, p *access.Principal) error {
	http.SetCookie(w, &http.Cookie{Name: sessionCookie, Value: p.ID, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	return nil
}

func (s fakeSessions) Read(_ http.ResponseWriter, r *http.Request) (*access.Session, error) {
	cookie, err := r.Cookie(sessionCookie)
	if err != nil || s[cookie.Value] == nil {
		return nil, http.ErrNoCookie
	}
	return &access.Session{Principal: s[cookie.Value]}, nil
}

func (s fakeSessions) End(w http.ResponseWriter, _ *http.Request) {
	http.SetCookie(w, &http.Cookie{Name: sessionCookie, Path: "/", MaxAge: -1})
}

// fakeLinks sign in once.
type fakeLinks map[string]*access.Principal

func (l fakeLinks) Open(token string) (*access.Principal, error) {
	p := l[token]
	if p == nil {
		return nil, http.ErrNoCookie
	}
	delete(l, token)
	return p, nil
}

var (
	customer = &access.Principal{ID: "customer", Role: access.Customer, Account: "acme"}
	foreign  = &access.Principal{ID: "foreign", Role: access.Customer, Account: "other"}
	operator = &access.Principal{ID: "operator", Role: access.Operator}
	sessions = fakeSessions{"customer": customer, "foreign": foreign, "operator": operator}
)
