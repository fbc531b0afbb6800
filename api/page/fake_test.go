package page_test

import (
	"fmt"
	"net/http"
	"slices"
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
