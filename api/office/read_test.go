package office

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"drawdown"
	"drawdown/api/access"
	"drawdown/notify"
	"drawdown/purchasing"
	"drawdown/sinks/clickhouse/report"
)

func TestTheOverviewNamesWhatItShows(t *testing.T) {
	w := newWorld()
	o := w.office(t)
	first, err := o.Overview(t.Context(), customer, "acme")
	if err != nil || first.Plan.ID != "airbyte-cloud" || !first.Now.Equal(now) || len(first.ETag) < 10 || first.ETag[0] != '"' {
		t.Fatalf("%+v, %v", first, err)
	}
	tags := []string{first.ETag}
	for what, change := range map[string]func(){
		"nothing":  func() {},
		"version":  func() { w.overview.Version++ },
		"eligible": func() { w.overview.Enrolment.EligibleConnection = false },
		"free":     func() { w.overview.Connections[0].Free = true },
	} {
		*w = *newWorld()
		change()
		next, err := o.Overview(t.Context(), customer, "acme")
		if err != nil || (next.ETag == tags[0]) != (what == "nothing") || slices.Contains(tags[1:], next.ETag) {
			t.Errorf("%s: %s, %v; before %v", what, next.ETag, err, tags)
		}
		tags = append(tags, next.ETag)
	}
}

func TestListingAccounts(t *testing.T) {
	w := newWorld()
	o := w.office(t)
	if ids, _, err := o.Accounts(t.Context(), operator, "", 10); err != nil || !slices.Equal(ids, []string{"acme", "zeta"}) {
		t.Errorf("%v, %v", ids, err)
	}
	bound := &access.Principal{ID: "key:b", Role: access.Operator, Account: "acme"}
	if ids, next, err := o.Accounts(t.Context(), bound, "", 10); err != nil || !slices.Equal(ids, []string{"acme"}) || next != "" {
		t.Errorf("bound to an account: %v, %v", ids, err)
	}
	bound.Account = "gone"
	if ids, _, err := o.Accounts(t.Context(), bound, "", 10); err != nil || len(ids) > 0 {
		t.Errorf("bound to an account that is not there: %v, %v", ids, err)
	}
	for _, c := range []struct {
		who    *access.Principal
		cursor string
		limit  int
		reason string
	}{{customer, "", 10, "forbidden"}, {worker, "", 10, "forbidden"}, {nil, "", 10, "forbidden"}, {operator, "forged", 10, "bad_cursor"}, {bound, "any", 10, "bad_cursor"}, {operator, "", 0, "malformed"}, {operator, "", 1001, "malformed"}} {
		if _, _, err := o.Accounts(t.Context(), c.who, c.cursor, c.limit); refused(t, err).Reason != c.reason {
			t.Errorf("%+v: %v", c, err)
		}
	}
	w.away = true
	if _, err := o.Plans(t.Context()); refused(t, err).Kind != Unavailable {
		t.Error(err)
	}
}

func TestTheGateIsAskedForAConnection(t *testing.T) {
	for _, connection := range []string{"", strings.Repeat("c", 129)} {
		if _, err := newWorld().office(t).Gate(t.Context(), worker, "acme", connection, nil); refused(t, err).Kind != Invalid {
			t.Errorf("%q: %v", connection, err)
		}
	}
}

// TestUsageOfThePlansPeriod fills in the period that the account is in.
func TestUsageOfThePlansPeriod(t *testing.T) {
	w := newWorld()
	o := w.office(t)
	if _, err := o.Usage(t.Context(), customer, "acme", report.UsageQuery{Window: report.Period, Account: "zeta", Now: now.AddDate(1, 0, 0)}); err != nil {
		t.Fatal(err)
	}
	q := w.usageQuery
	if q.Account != "acme" || !q.Now.Equal(now) || !q.From.Equal(now.AddDate(0, 0, -10)) || !q.To.Equal(now.AddDate(0, 0, 18)) {
		t.Errorf("asked %+v", q)
	}
	from, to := now.AddDate(0, -2, 0), now.AddDate(0, -1, 0)
	if _, err := o.Usage(t.Context(), customer, "acme", report.UsageQuery{Window: report.Period, From: from, To: to}); err != nil || !w.usageQuery.From.Equal(from) {
		t.Errorf("asked %+v, %v", w.usageQuery, err)
	}
}

// TestWhatTheAccountCarries: a connection that is not critical can't have the reserve.
func TestWhatTheAccountCarries(t *testing.T) {
	for _, c := range []struct {
		p90, available drawdown.Credits
		priority       drawdown.Priority
		carries        bool
	}{
		{70, 100, drawdown.PriorityNormal, true}, {71, 100, drawdown.PriorityNormal, false}, {100, 100, drawdown.PriorityCritical, true},
		{101, 100, drawdown.PriorityCritical, false}, {0, 30, drawdown.PriorityLow, true}, {0, 29, drawdown.PriorityLow, false}, {0, -1, drawdown.PriorityCritical, false},
	} {
		w := newWorld()
		w.gate.Available, w.gate.Priority = c.available*drawdown.Credit, c.priority
		w.estimate.P90 = drawdown.TotalOf(c.p90 * drawdown.Credit)
		got, err := w.office(t).Estimate(t.Context(), worker, "acme", report.EstimateQuery{Connection: "shop"})
		if err != nil || got.Carries != c.carries || got.Available != w.gate.Available {
			t.Errorf("%+v: %+v, %v", c, got, err)
		}
		if got.Basis != "source-postgres>destination-s3" {
			t.Errorf("the connectors asked about are %s", got.Basis)
		}
	}
	got, err := newWorld().office(t).Estimate(t.Context(), worker, "acme", report.EstimateQuery{Connection: "new", Source: "a", Destination: "b"})
	if err != nil || got.Basis != "a>b" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestWhenCreditsRunOut(t *testing.T) {
	w := newWorld()
	perDay := drawdown.TotalOf(10 * drawdown.Credit)
	w.rate = report.BurnRate{AsOf: now, Days: slices.Repeat([]drawdown.Total{perDay}, 30)}
	f, err := w.office(t).Forecast(t.Context(), customer, "acme")
	if err != nil || f.PerDay != perDay || f.Available != 100*drawdown.Credit || !f.AsOf.Equal(now) {
		t.Fatalf("%+v, %v", f, err)
	}
	if days := f.RunsOutAt.Sub(now); days < 9*24*time.Hour || days > 11*24*time.Hour {
		t.Errorf("100 credits at 10 a day run out at %v", f.RunsOutAt)
	}
	w.rate.Days = slices.Repeat([]drawdown.Total{drawdown.TotalOf(1)}, 30)
	if f, err := w.office(t).Forecast(t.Context(), customer, "acme"); err != nil || !f.RunsOutAt.IsZero() {
		t.Errorf("in a million years: %+v, %v", f, err)
	}
	w.rate.Days = make([]drawdown.Total, 30)
	if f, err := w.office(t).Forecast(t.Context(), customer, "acme"); err != nil || !f.RunsOutAt.IsZero() || !f.PerDay.IsZero() {
		t.Errorf("without usage: %+v, %v", f, err)
	}
}

func TestErrorsOfReportsAreRefusals(t *testing.T) {
	for _, c := range []struct {
		err    error
		kind   ErrorKind
		reason string
	}{
		{report.ErrBadCursor, Invalid, "bad_cursor"}, {report.ErrNoSync, NotFound, "no_such_sync"},
		{&report.QueryError{Member: "limit", Rule: "is 0"}, Invalid, "malformed"}, {errors.New("code: 209"), Unavailable, "unavailable"},
	} {
		w := newWorld()
		w.reportErr = c.err
		_, err := w.office(t).Receipt(t.Context(), customer, "acme", "shop", 1)
		if refusal := refused(t, err); refusal.Kind != c.kind || refusal.Reason != c.reason {
			t.Errorf("%v: %+v", c.err, refusal)
		}
	}
	full := errors.New("the client has gone")
	err := newWorld().office(t).ExportLedger(t.Context(), customer, "acme", report.LedgerQuery{}, func(*report.Entry) error { return full })
	if !errors.Is(err, full) || errors.As(err, new(*Error)) {
		t.Errorf("an error of whoever takes an export became %v", err)
	}
}

func TestTheSecretOfAnEndpoint(t *testing.T) {
	w := newWorld()
	secret, err := w.office(t).WebhookSecret(t.Context(), customer, "acme", "ops")
	if err != nil || secret != "whsec_acmeops4" || w.audited[0].Action != "webhook.secret_shown" {
		t.Errorf("%q, %v, %+v", secret, err, w.audited)
	}
	if _, err := w.office(t).WebhookSecret(t.Context(), customer, "acme", "other"); refused(t, err).Reason != "unknown_endpoint" {
		t.Error(err)
	}
	o := w.office(t)
	o.deps.Endpoints = nil
	if _, err := o.WebhookSecret(t.Context(), customer, "acme", "ops"); refused(t, err).Reason != "webhooks_not_offered" {
		t.Error(err)
	}
	if _, err := o.Do(t.Context(), customer, "acme", SetWebhook{Endpoint: "e", URL: "https://a.example"}, Write{}); refused(t, err).Reason != "webhooks_not_offered" {
		t.Error(err)
	}
}

// TestTheAuditLogOfOneAccount: who is bound to an account sees its entries only.
func TestTheAuditLogOfOneAccount(t *testing.T) {
	w := newWorld()
	w.audited = []access.AuditEntry{{ID: "1", Account: "acme"}, {ID: "2", Account: "zeta"}, {ID: "3"}}
	o := w.office(t)
	if list, err := o.Audit(t.Context(), operator, access.AuditFilter{}); err != nil || len(list) != 3 {
		t.Errorf("an operator sees %v, %v", list, err)
	}
	if list, err := o.Audit(t.Context(), customer, access.AuditFilter{}); err != nil || len(list) != 1 || list[0].ID != "1" {
		t.Errorf("a customer sees %v, %v", list, err)
	}
	for _, c := range []struct {
		who    *access.Principal
		filter access.AuditFilter
		reason string
	}{
		{customer, access.AuditFilter{Account: "zeta"}, "no_such_account"}, {worker, access.AuditFilter{}, "forbidden"},
		{worker, access.AuditFilter{Account: "acme"}, "forbidden"}, {operator, access.AuditFilter{Limit: 1001}, "malformed"}, {nil, access.AuditFilter{}, "forbidden"},
	} {
		if _, err := o.Audit(t.Context(), c.who, c.filter); refused(t, err).Reason != c.reason {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestKeysAreTheOperators(t *testing.T) {
	w := newWorld()
	o := w.office(t)
	all := map[string]func(*access.Principal) error{
		"IssueKey": func(p *access.Principal) error {
			_, _, err := o.IssueKey(t.Context(), p, access.NewKey{Name: strings.Repeat("n", 20_000), Role: access.Worker, Account: "no account", ExpiresAt: now})
			return err
		},
		"IssueKeyOnce": func(p *access.Principal) error {
			_, _, err := o.IssueKeyOnce(t.Context(), p, access.NewKey{Name: "n", Role: access.Worker}, "once")
			return err
		},
		"RotateKeyOnce": func(p *access.Principal) error {
			_, _, err := o.RotateKeyOnce(t.Context(), p, "dk_1", time.Hour, "twice")
			return err
		},
		"RotateKey": func(p *access.Principal) error {
			_, _, err := o.RotateKey(t.Context(), p, "dk_1", time.Hour)
			return err
		},
		"RevokeKey": func(p *access.Principal) error {
			_, err := o.RevokeKey(t.Context(), p, "dk_1")
			return err
		},
		"Keys": func(p *access.Principal) error {
			_, err := o.Keys(t.Context(), p)
			return err
		},
	}
	for name, ask := range all {
		for _, p := range []*access.Principal{customer, worker, nil, {ID: "key:x", Role: access.Operator, Scopes: []access.Scope{access.Administer}}} {
			if err := ask(p); refused(t, err).Kind != Forbidden {
				t.Errorf("%s: %v", name, err)
			}
		}
		before := len(w.audited)
		if err := ask(operator); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if audited := len(w.audited) > before; audited != (name != "Keys") {
			t.Errorf("%s: audited is %t", name, audited)
		}
	}
	for _, c := range []struct {
		err  error
		kind ErrorKind
	}{
		{&access.InvalidKeyError{Err: errors.New("name: is empty")}, Invalid}, {access.ErrBeyondIssuer, Forbidden}, {access.ErrNoSuchKey, NotFound},
		{access.ErrKeyEnded, Conflict}, {access.ErrKeyChanged, Conflict}, {access.ErrTooManyKeys, Conflict}, {access.ErrUnavailable, Unavailable},
	} {
		w.keyErr = c.err
		for _, name := range []string{"IssueKey", "RotateKey", "RevokeKey"} {
			if refusal := refused(t, all[name](operator)); refusal.Kind != c.kind {
				t.Errorf("%s: %v became %+v", name, c.err, refusal)
			}
		}
	}
}

func TestOrdersFollowThePlan(t *testing.T) {
	w := newWorld()
	o := w.office(t)
	order, err := o.Order(t.Context(), customer, "acme", 300, Write{Key: "k"})
	if err != nil || order.Purchase != "order-1" || order.URL == "" || w.audited[0].Action != "purchase.order" {
		t.Fatalf("%+v, %v, %+v", order, err, w.audited)
	}
	again, err := o.Order(t.Context(), customer, "acme", 300, Write{Key: "k"})
	if err != nil || *again != *order || len(w.orders) != 1 {
		t.Errorf("again: %+v, %v, %d orders", again, err, len(w.orders))
	}
	if _, err := o.Order(t.Context(), customer, "acme", 0, Write{}); err != nil {
		t.Errorf("the default: %v", err)
	}
	for _, quantity := range []int64{99, 1000, -5} {
		if _, err := o.Order(t.Context(), customer, "acme", quantity, Write{}); refused(t, err).Reason != "bad_quantity" {
			t.Errorf("%d: %v", quantity, err)
		}
	}
	w.profile.Plan = &drawdown.Plan{ID: "make-free", Purchase: w.profile.Plan.Purchase}
	w.profile.Plan.Purchase.Orders = false
	if _, err := o.Order(t.Context(), customer, "acme", 300, Write{}); refused(t, err).Reason != "orders_not_offered" {
		t.Errorf("a plan without orders: %v", err)
	}
	if len(w.orders) != 2 {
		t.Errorf("the desk was asked %d times", len(w.orders))
	}
}

func TestWhatTheDeskRefuses(t *testing.T) {
	for _, c := range []struct {
		err    error
		reason string
	}{
		{&purchasing.OrderError{Account: "acme", Problem: "it has plan make-10k already"}, "not_for_sale"}, {purchasing.ErrNotOffered, "not_offered"}, {errAway, "unavailable"},
	} {
		w := newWorld()
		w.deskErr = c.err
		_, err := w.office(t).Subscribe(t.Context(), customer, "acme", "make-10k", Write{})
		if refusal := refused(t, err); refusal.Reason != c.reason || strings.Contains(refusal.Detail, "account acme") {
			t.Errorf("%v: %+v", c.err, refusal)
		}
	}
	o := newWorld().office(t)
	o.deps.Desk = nil
	if _, err := o.SaveCard(t.Context(), customer, "acme", false, Write{}); refused(t, err).Reason != "no_gateway" {
		t.Error(err)
	}
}

func TestAPageLinkIsAudited(t *testing.T) {
	w := newWorld()
	url, expires, err := w.office(t).PageLink(t.Context(), operator, "acme")
	if err != nil || !strings.HasSuffix(url, "acme") || !expires.After(now) || len(w.audited) != 1 {
		t.Errorf("%s, %v, %v, %+v", url, expires, err, w.audited)
	}
}

func TestDeliveriesAreTheAccounts(t *testing.T) {
	w := newWorld()
	if _, err := w.office(t).Deliveries(t.Context(), customer, "acme", notify.Filter{Account: "zeta"}); err != nil || slices.Contains(w.accounts, "zeta") {
		t.Errorf("%v, asked about %v", err, w.accounts)
	}
}

func TestAnOfficeNeedsItsPorts(t *testing.T) {
	if _, err := New(Deps{}); err == nil {
		t.Error("an office on nothing is made")
	}
}
