package office

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"drawdown"
	"drawdown/api/access"
	"drawdown/notify"
	"drawdown/sinks/clickhouse/report"
)

// question is a method of the office as somebody asks it about an account.
type question struct {
	name  string
	scope access.Scope
	ask   func(ctx context.Context, o *Office, p *access.Principal, account string) error
}

// valid has one of each action that nothing is wrong with.
var valid = []Action{
	OpenAccount{Plan: "airbyte-cloud", Email: "a@b.example"}, ChangePlan{Plan: "airbyte-cloud"}, VerifyEmail{},
	Grant{Amount: drawdown.Credit, Category: drawdown.PromotionalGrant}, Void{Grant: "g"}, RemovePaymentMethod{}, SetAutoPurchase{Enabled: true}, Enrol{},
	SetConnection{Connection: "shop", Source: "s", Destination: "d"}, RemoveConnection{Connection: "shop"},
	Prioritize{Connection: "shop", Priority: "critical"}, SetGate{Reserve: drawdown.Credit}, AcknowledgeRunaway{Connection: "shop"},
	SetContacts{Recipients: &[]string{"b@c.example"}}, SetWebhook{Endpoint: "ops", URL: "https://acme.example/hook?token=t"}, RemoveWebhook{Endpoint: "ops"},
	PlaceHold{Hold: "h", Connection: "shop", Job: 1, Amount: drawdown.Credit, ExpiresAt: now.Add(time.Hour)}, ReleaseHold{Hold: "h"},
}

// questions are all methods about one account. TestEveryMethodIsAsked fails for one that is missing here.
func questions() []question {
	all := []question{
		{"Overview", access.ReadAccount, func(ctx context.Context, o *Office, p *access.Principal, account string) error {
			_, err := o.Overview(ctx, p, account)
			return err
		}},
		{"Gate", access.AskGate, func(ctx context.Context, o *Office, p *access.Principal, account string) error {
			_, err := o.Gate(ctx, p, account, "shop", nil)
			return err
		}},
		{"Holds", access.AskGate, func(ctx context.Context, o *Office, p *access.Principal, account string) error {
			_, err := o.Holds(ctx, p, account)
			return err
		}},
		{"Hold", access.AskGate, func(ctx context.Context, o *Office, p *access.Principal, account string) error {
			_, _, err := o.Hold(ctx, p, account, "night")
			return err
		}},
		{"AwaitHold", access.AskGate, func(ctx context.Context, o *Office, p *access.Principal, account string) error {
			_, _, err := o.AwaitHold(ctx, p, account, "night", time.Minute)
			return err
		}},
		{"StartOrder", access.AskGate, func(ctx context.Context, o *Office, p *access.Principal, account string) error {
			_, err := o.StartOrder(ctx, p, account, 10)
			return err
		}},
		{"Ledger", access.ReadAccount, func(ctx context.Context, o *Office, p *access.Principal, account string) error {
			_, err := o.Ledger(ctx, p, account, report.LedgerQuery{Limit: 1, Account: "zeta"})
			return err
		}},
		{"ExportLedger", access.ReadAccount, func(ctx context.Context, o *Office, p *access.Principal, account string) error {
			return o.ExportLedger(ctx, p, account, report.LedgerQuery{Account: "zeta"}, func(*report.Entry) error { return nil })
		}},
		{"ExportCharges", access.ReadAccount, func(ctx context.Context, o *Office, p *access.Principal, account string) error {
			return o.ExportCharges(ctx, p, account, report.ChargeQuery{Account: "zeta"}, func(*report.Charge) error { return nil })
		}},
		{"Usage", access.ReadAccount, func(ctx context.Context, o *Office, p *access.Principal, account string) error {
			_, err := o.Usage(ctx, p, account, report.UsageQuery{Window: report.Daily, Account: "zeta"})
			return err
		}},
		{"Syncs", access.ReadAccount, func(ctx context.Context, o *Office, p *access.Principal, account string) error {
			_, err := o.Syncs(ctx, p, account, report.SyncQuery{Limit: 1, Account: "zeta"})
			return err
		}},
		{"Receipt", access.ReadAccount, func(ctx context.Context, o *Office, p *access.Principal, account string) error {
			_, err := o.Receipt(ctx, p, account, "shop", 1)
			return err
		}},
		{"Purchases", access.ReadAccount, func(ctx context.Context, o *Office, p *access.Principal, account string) error {
			_, err := o.Purchases(ctx, p, account, report.PurchaseQuery{Limit: 1, Account: "zeta"})
			return err
		}},
		{"Forecast", access.ReadAccount, func(ctx context.Context, o *Office, p *access.Principal, account string) error {
			_, err := o.Forecast(ctx, p, account)
			return err
		}},
		{"Estimate", access.AskGate, func(ctx context.Context, o *Office, p *access.Principal, account string) error {
			_, err := o.Estimate(ctx, p, account, report.EstimateQuery{Connection: "shop", Account: "zeta"})
			return err
		}},
		{"Deliveries", access.ReadAccount, func(ctx context.Context, o *Office, p *access.Principal, account string) error {
			_, err := o.Deliveries(ctx, p, account, notify.Filter{Account: "zeta"})
			return err
		}},
		{"WebhookSecret", access.SetAccount, func(ctx context.Context, o *Office, p *access.Principal, account string) error {
			_, err := o.WebhookSecret(ctx, p, account, "ops")
			return err
		}},
		{"Order", access.Buy, func(ctx context.Context, o *Office, p *access.Principal, account string) error {
			_, err := o.Order(ctx, p, account, 200, Write{})
			return err
		}},
		{"SaveCard", access.Buy, func(ctx context.Context, o *Office, p *access.Principal, account string) error {
			_, err := o.SaveCard(ctx, p, account, false, Write{})
			return err
		}},
		{"Subscribe", access.Buy, func(ctx context.Context, o *Office, p *access.Principal, account string) error {
			_, err := o.Subscribe(ctx, p, account, "make-10k", Write{})
			return err
		}},
		{"PageLink", access.Administer, func(ctx context.Context, o *Office, p *access.Principal, account string) error {
			_, _, err := o.PageLink(ctx, p, account)
			return err
		}},
	}
	for _, a := range valid {
		all = append(all, question{"Do " + reflect.TypeOf(a).Name(), ScopeOf(a), func(ctx context.Context, o *Office, p *access.Principal, account string) error {
			_, err := o.Do(ctx, p, account, a, Write{Key: "k"})
			return err
		}})
	}
	return all
}

// notAboutOneAccount are tested by tests of their own.
var notAboutOneAccount = []string{"Plans", "Accounts", "Audit", "Ingest", "IssueKey", "IssueKeyOnce", "Keys", "RotateKey", "RotateKeyOnce", "RevokeKey", "Do"}

func TestEveryMethodIsAsked(t *testing.T) {
	asked := slices.Clone(notAboutOneAccount)
	for _, q := range questions() {
		asked = append(asked, q.name)
	}
	office := reflect.TypeFor[*Office]()
	for i := range office.NumMethod() {
		if name := office.Method(i).Name; !slices.Contains(asked, name) {
			t.Errorf("%s is not asked across accounts", name)
		}
	}
	for _, a := range actions {
		if !slices.ContainsFunc(valid, func(v Action) bool { return reflect.TypeOf(v) == reflect.TypeOf(a) }) {
			t.Errorf("%T is not done across accounts", a)
		}
	}
}

// TestForeignAccountsDoNotExist asks everything about an account that the principal does not see, one that does not exist
// and one that can't: all get the same words, and nothing was looked up or done for the first and the last.
func TestForeignAccountsDoNotExist(t *testing.T) {
	stranger := &access.Principal{ID: "key:stranger", Role: access.Operator, Account: "zeta"}
	for _, q := range questions() {
		for name, c := range map[string]struct {
			asker   *access.Principal
			account string
			looked  bool
		}{
			"foreign": {stranger, "acme", false}, "no account": {operator, "nobody", true}, "no id": {operator, "a/b", false}, "nobody": {nil, "acme", false},
		} {
			if name == "no account" && q.name == "Do OpenAccount" {
				continue // that is what it is for
			}
			w := newWorld()
			refusal := refused(t, q.ask(t.Context(), w.office(t), c.asker, c.account))
			if refusal.Kind != NotFound || !reflect.DeepEqual(refusal, noSuchAccount()) {
				t.Errorf("%s, %s: %+v", q.name, name, refusal)
			}
			if len(w.operations)+len(w.audited)+len(w.orders) > 0 || !c.looked && len(w.accounts) > 0 {
				t.Errorf("%s, %s: something was done: %+v", q.name, name, w)
			}
		}
	}
}

// TestEachScopeIsAskedFor asks everything with all scopes but the one it takes, and with that one only.
func TestEachScopeIsAskedFor(t *testing.T) {
	for _, q := range questions() {
		others := slices.DeleteFunc(access.RoleScopes(access.Operator), func(s access.Scope) bool { return s == q.scope })
		w := newWorld()
		err := q.ask(t.Context(), w.office(t), &access.Principal{ID: "key:a", Role: access.Operator, Scopes: others}, "acme")
		if refusal := refused(t, err); refusal.Kind != Forbidden || refusal.Reason != "forbidden" || !strings.Contains(refusal.Detail, string(q.scope)) {
			t.Errorf("%s without %s: %+v", q.name, q.scope, refusal)
		}
		if len(w.accounts)+len(w.audited) > 0 {
			t.Errorf("%s without %s: something was done", q.name, q.scope)
		}
		w = newWorld()
		if err := q.ask(t.Context(), w.office(t), &access.Principal{ID: "key:b", Role: access.Operator, Account: "acme", Scopes: []access.Scope{q.scope}}, "acme"); err != nil {
			t.Errorf("%s with %s only: %v", q.name, q.scope, err)
		}
		for _, account := range w.accounts {
			if account != "acme" && account != "" {
				t.Errorf("%s asked about %q: what the query names is not what the path names", q.name, account)
			}
		}
	}
}

// TestRolesHaveTheirScopes: what a role can't do at all is refused whatever the credential claims.
func TestRolesHaveTheirScopes(t *testing.T) {
	for _, q := range questions() {
		for _, role := range []access.Role{access.Customer, access.Worker, access.Operator} {
			allowed := slices.Contains(access.RoleScopes(role), q.scope)
			err := q.ask(t.Context(), newWorld().office(t), &access.Principal{ID: "key:c", Role: role, Account: "acme", Scopes: []access.Scope{q.scope}}, "acme")
			if allowed != (err == nil) {
				t.Errorf("%s as %s: %v", q.name, role, err)
			}
		}
	}
}

// TestAServerThatIsAwayIsTold: no question fails otherwise than as unavailable, and the caller is not told which server.
func TestAServerThatIsAwayIsTold(t *testing.T) {
	for _, q := range questions() {
		w := newWorld()
		w.away = true
		err := q.ask(t.Context(), w.office(t), operator, "acme")
		refusal := refused(t, err)
		if refusal.Kind != Unavailable || !errors.Is(err, errAway) || strings.Contains(refusal.Detail+refusal.Error(), "10.0.0.7") {
			t.Errorf("%s: %+v", q.name, refusal)
		}
	}
}
