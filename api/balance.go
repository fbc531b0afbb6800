package api

import (
	"context"

	"drawdown"
	"drawdown/api/office"
)

// Balance is what an account holds.
type Balance struct {
	Account   string         `json:"account"`
	At        timeText       `json:"at,omitempty" doc:"The instant to which the account was advanced."`
	Status    string         `json:"status" enum:"active,purchasing,grace,payment_failed,exhausted"`
	Available creditsText    `json:"available" doc:"What is left of all grants, less overdraft, less what is held."`
	Held      creditsText    `json:"held" doc:"What is left of all open holds."`
	Overdraft creditsText    `json:"overdraft" doc:"Usage that no grant covered."`
	Granted   creditsText    `json:"granted" doc:"Over the account's lifetime, as are the next four."`
	Used      creditsText    `json:"used"`
	Expired   creditsText    `json:"expired"`
	Voided    creditsText    `json:"voided"`
	Waived    creditsText    `json:"waived" doc:"What free usage would have cost."`
	Period    Period         `json:"period"`
	Grants    []GrantBalance `json:"grants" doc:"Those with something left, in the order in which they are used."`
	Holds     []Hold         `json:"holds" doc:"Open and waiting, in the order in which they were placed."`
}

// GrantBalance is a grant with something left.
type GrantBalance struct {
	Grant     string      `json:"grant"`
	Category  string      `json:"category" enum:"subscription,promotional,purchased"`
	Amount    creditsText `json:"amount"`
	Remaining creditsText `json:"remaining"`
	ExpiresAt timeText    `json:"expires_at,omitempty" doc:"Absent: never."`
}

type balanceAnswer struct {
	Status int
	ETag   string `header:"ETag"`
	Body   Balance
}

func (s *server) balance(ctx context.Context, in *accountInput) (*balanceAnswer, error) {
	v, err := s.office.Overview(ctx, principal(ctx), in.Account)
	if err != nil {
		return nil, err
	}
	return &balanceAnswer{in.status(v.ETag), v.ETag, balanceOf(in.Account, &v.Balance)}, nil
}

func balanceOf(account string, b *drawdown.Balance) Balance {
	return Balance{
		Account: account, At: instant(b.At), Status: b.Status.String(),
		Available: credits(b.Available), Held: credits(b.Held), Overdraft: credits(b.Overdraft),
		Granted: total(b.Granted), Used: total(b.Used), Expired: total(b.Expired), Voided: total(b.Voided), Waived: total(b.Waived),
		Period: Period{instant(b.PeriodFrom), instant(b.PeriodTo)},
		Grants: list(b.Grants, func(g drawdown.GrantBalance) GrantBalance {
			return GrantBalance{g.Grant, g.Category.String(), credits(g.Amount), credits(g.Remaining), instant(g.ExpiresAt)}
		}),
		Holds: list(b.Holds, holdOf),
	}
}

type grantInput struct {
	AccountPath
	WriteHeaders
	Body struct {
		Amount    amountText `json:"amount"`
		Category  string     `json:"category,omitempty" enum:"promotional,purchased" default:"promotional" doc:"Promotional credits are used before purchased ones."`
		ExpiresAt timeText   `json:"expires_at,omitempty" doc:"Absent: never."`
	}
}

var grantCategories = map[string]drawdown.Category{"promotional": drawdown.PromotionalGrant, "purchased": drawdown.PurchasedGrant}

func (s *server) grant(ctx context.Context, in *grantInput) (*WriteAnswer, error) {
	amount, err := parseAmount(ctx, "body.amount", in.Body.Amount)
	if err != nil {
		return nil, err
	}
	expires, err := parseTime(ctx, "body.expires_at", in.Body.ExpiresAt)
	if err != nil {
		return nil, err
	}
	action := office.Grant{Amount: amount, Category: grantCategories[in.Body.Category], ExpiresAt: expires}
	answer, err := s.do(ctx, in.Account, action, &in.WriteHeaders, "/balance")
	if err != nil {
		return nil, err
	}
	return answer, nil
}

type voidInput struct {
	AccountPath
	Grant string `path:"grant" minLength:"1" maxLength:"192" doc:"The grant's id."`
	WriteHeaders
}

func (s *server) void(ctx context.Context, in *voidInput) (*WriteAnswer, error) {
	return s.do(ctx, in.Account, office.Void{Grant: in.Grant}, &in.WriteHeaders, "")
}
