package api

import (
	"context"

	"drawdown"
	"drawdown/api/office"
)

type accountsInput struct{ Paging }

// AccountsPage is a page of accounts.
type AccountsPage struct {
	Accounts   []string `json:"accounts" doc:"Ids."`
	NextCursor string   `json:"next_cursor,omitempty"`
}

type accountsAnswer struct {
	Link string `header:"Link"`
	Body AccountsPage
}

func (s *server) accounts(ctx context.Context, in *accountsInput) (*accountsAnswer, error) {
	ids, next, err := s.office.Accounts(ctx, principal(ctx), in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	return &accountsAnswer{nextLink(ctx, next), AccountsPage{append([]string{}, ids...), next}}, nil
}

// NewAccount is an account to be opened.
type NewAccount struct {
	Account       string `json:"account" minLength:"1" maxLength:"128" pattern:"^[A-Za-z0-9._:-]+$" doc:"Its id, for ever." example:"acme"`
	Plan          string `json:"plan" minLength:"1" maxLength:"128" doc:"One of GET /v1/plans." example:"airbyte-cloud"`
	Email         string `json:"email" minLength:"1" maxLength:"128" doc:"Who gets notices." example:"owner@example.com"`
	EmailVerified bool   `json:"email_verified,omitempty" doc:"Whether the address is known to be the customer's."`
}

type openAccountInput struct {
	WriteHeaders
	Body NewAccount
}

func (s *server) openAccount(ctx context.Context, in *openAccountInput) (*WriteAnswer, error) {
	b := &in.Body
	action := office.OpenAccount{Plan: b.Plan, Email: b.Email, EmailVerified: b.EmailVerified}
	answer, err := s.do(ctx, b.Account, action, &in.WriteHeaders, "/")
	if err != nil {
		return nil, err
	}
	answer.Location = prefix + "/accounts/" + b.Account
	return answer, nil
}

type accountInput struct {
	AccountPath
	Conditional
}

// Account is an account without what it holds: see its balance for that.
type Account struct {
	Account       string      `json:"account"`
	Plan          string      `json:"plan"`
	WaitingPlan   string      `json:"waiting_plan,omitempty" doc:"The plan that it gets when the period ends."`
	Status        string      `json:"status" enum:"active,purchasing,grace,payment_failed,exhausted"`
	Available     creditsText `json:"available" doc:"The balance less what is held."`
	Period        Period      `json:"period"`
	Email         string      `json:"email"`
	EmailVerified bool        `json:"email_verified"`
	EnrolledAt    timeText    `json:"enrolled_at,omitempty" doc:"In the Free Connector Program since."`
	At            timeText    `json:"at,omitempty" doc:"The instant to which the account was advanced."`
}

// Period is a span of time; To is exclusive.
type Period struct {
	From timeText `json:"from"`
	To   timeText `json:"to"`
}

type accountAnswer struct {
	Status int
	ETag   string `header:"ETag"`
	Body   Account
}

func (s *server) account(ctx context.Context, in *accountInput) (*accountAnswer, error) {
	v, err := s.office.Overview(ctx, principal(ctx), in.Account)
	if err != nil {
		return nil, err
	}
	b, p := &v.Balance, &v.Profile
	return &accountAnswer{in.status(v.ETag), v.ETag, Account{
		Account: in.Account, Plan: b.Plan, WaitingPlan: p.WaitingPlan, Status: b.Status.String(), Available: credits(b.Available),
		Period: Period{instant(b.PeriodFrom), instant(b.PeriodTo)}, Email: p.Email, EmailVerified: p.EmailVerified,
		EnrolledAt: instant(v.EnrolledAt), At: instant(b.At),
	}}, nil
}

type changePlanInput struct {
	AccountPath
	WriteHeaders
	Body struct {
		Plan string `json:"plan" minLength:"1" maxLength:"128" doc:"One of GET /v1/plans; the account's own drops a change that waits."`
		When string `json:"when,omitempty" enum:"now,period_end" default:"now" doc:"now: what is left of subscription credits is voided and a new period starts. period_end: when the current period ends."`
	}
}

func (s *server) changePlan(ctx context.Context, in *changePlanInput) (*WriteAnswer, error) {
	return s.do(ctx, in.Account, office.ChangePlan{Plan: in.Body.Plan, AtPeriodEnd: in.Body.When == "period_end"}, &in.WriteHeaders, "")
}

type bareWriteInput struct {
	AccountPath
	WriteHeaders
}

func (s *server) verifyEmail(ctx context.Context, in *bareWriteInput) (*WriteAnswer, error) {
	return s.do(ctx, in.Account, office.VerifyEmail{}, &in.WriteHeaders, "")
}

type pageLinkInput struct {
	AccountPath
	HarmlessHeader
}

// PageLink signs its visitor in to the account's billing page.
type PageLink struct {
	URL       string   `json:"url" format:"uri-reference" doc:"Give it to the account's customer only. It works once."`
	ExpiresAt timeText `json:"expires_at"`
}

type pageLinkAnswer struct{ Body PageLink }

func (s *server) makePageLink(ctx context.Context, in *pageLinkInput) (*pageLinkAnswer, error) {
	url, expires, err := s.office.PageLink(ctx, principal(ctx), in.Account)
	if err != nil {
		return nil, err
	}
	return &pageLinkAnswer{PageLink{url, moment(expires)}}, nil
}

type plansInput struct{}

// PlanList is every plan.
type PlanList struct {
	Plans []Plan `json:"plans" doc:"By id."`
}

type plansAnswer struct{ Body PlanList }

func (s *server) plans(ctx context.Context, _ *plansInput) (*plansAnswer, error) {
	plans, err := s.office.Plans(ctx)
	if err != nil {
		return nil, err
	}
	return &plansAnswer{PlanList{list(plans, planOf)}}, nil
}

// Plan says how an account buys and what it is told (docs/contract.md, sections 6, 9 and 10).
type Plan struct {
	ID           string            `json:"id"`
	Currency     string            `json:"currency"`
	Subscription *PlanSubscription `json:"subscription,omitempty"`
	Purchase     PurchaseTerms     `json:"purchase"`
	AutoPurchase *AutoTerms        `json:"auto_purchase,omitempty"`
	GraceHours   int64             `json:"grace_hours"`
	MaxOverdraft creditsText       `json:"max_overdraft"`
	LowBalance   creditsText       `json:"low_balance,omitempty" doc:"Absent: there is no such notice."`
	UsageNotices []int64           `json:"usage_notices" doc:"Percentages of the subscription's credits."`
	ExpiryDays   []int64           `json:"expiry_notice_days"`
}

// PlanSubscription is a plan's grant of credits in each period.
type PlanSubscription struct {
	Credits creditsText `json:"credits"`
	Price   moneyText   `json:"price"`
	Period  string      `json:"period" enum:"month,year"`
}

// PurchaseTerms are what may be ordered, in whole credits.
type PurchaseTerms struct {
	Unit           int64     `json:"unit"`
	Min            int64     `json:"min"`
	Max            int64     `json:"max"`
	Default        int64     `json:"default"`
	UnitPrice      priceText `json:"unit_price,omitempty" doc:"Absent under a subscription: then its price / credits."`
	ValidityMonths int       `json:"validity_months,omitempty" doc:"Absent: until the end of the period in which the purchase settles."`
	Orders         bool      `json:"orders" doc:"Whether customers may order by hand."`
}

// AutoTerms are a plan's rule for buying credits without being asked.
type AutoTerms struct {
	Mode             string      `json:"mode" enum:"pack,target"`
	Threshold        creditsText `json:"threshold"`
	Pack             int64       `json:"pack,omitempty" doc:"Mode pack: credits of each purchase."`
	Target           creditsText `json:"target,omitempty" doc:"Mode target: what is bought up to."`
	Min              int64       `json:"min,omitempty" doc:"Mode target: the least that is bought."`
	SurchargePercent int64       `json:"surcharge_percent"`
	Cap              string      `json:"cap" enum:"none,subscription,count" doc:"subscription: as many packs a period as the subscription has credits for."`
	CapCount         int64       `json:"cap_count,omitempty" doc:"Cap count: purchases a period."`
}

func planOf(p *drawdown.Plan) Plan {
	t := &p.Purchase
	plan := Plan{
		ID: p.ID, Currency: p.Currency, GraceHours: p.GraceHours, MaxOverdraft: credits(p.MaxOverdraft),
		UsageNotices: append([]int64{}, p.UsageNotices...), ExpiryDays: append([]int64{}, p.ExpiryNoticeDays...),
		Purchase:     PurchaseTerms{Unit: t.Unit, Min: t.Min, Max: t.Max, Default: t.Default, ValidityMonths: t.ValidMonths, Orders: t.Orders},
		AutoPurchase: autoTermsOf(p.AutoPurchase),
	}
	if t.UnitPrice != nil {
		plan.Purchase.UnitPrice = priceText(drawdown.Credits(*t.UnitPrice).String()) // both are in units of 10^-9
	}
	if p.LowBalance != nil {
		plan.LowBalance = credits(*p.LowBalance)
	}
	if p.Subscription != nil {
		plan.Subscription = &PlanSubscription{credits(p.Subscription.Credits), money(p.Subscription.Price), "month"}
		if p.Subscription.Yearly {
			plan.Subscription.Period = "year"
		}
	}
	return plan
}

var capNames = map[drawdown.CapKind]string{drawdown.CapNone: "none", drawdown.CapSubscription: "subscription", drawdown.CapCount: "count"}

func autoTermsOf(a *drawdown.AutoPurchase) *AutoTerms {
	if a == nil {
		return nil
	}
	terms := &AutoTerms{
		Mode: "pack", Threshold: credits(a.Threshold), Pack: a.Pack, SurchargePercent: a.SurchargePercent,
		Cap: capNames[a.Cap.Kind], CapCount: a.Cap.Count,
	}
	if !a.IsPack() {
		terms.Mode, terms.Target, terms.Min = "target", credits(a.Target), a.Min
	}
	return terms
}
