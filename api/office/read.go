package office

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"

	"drawdown"
	"drawdown/api/access"
	"drawdown/balance"
)

// accountsMax bounds a page of accounts.
const accountsMax = 1000

// Plans are the plans published so far, in order of id. Whoever has a credential may see them.
func (o *Office) Plans(ctx context.Context) ([]*drawdown.Plan, error) {
	plans, err := o.deps.Accounts.Plans(ctx)
	if err != nil {
		return nil, unavailable(ctx, "plans", err)
	}
	return plans, nil
}

// Accounts lists accounts, page by page. A principal that is bound to an account finds that one only.
func (o *Office) Accounts(ctx context.Context, p *access.Principal, cursor string, limit int) (ids []string, next string, err error) {
	if err := mayAny(p, access.ReadAccounts); err != nil {
		return nil, "", err
	}
	if limit < 1 || limit > accountsMax {
		return nil, "", &Error{Kind: Invalid, Reason: string(drawdown.Malformed), Detail: fmt.Sprintf("limit: is %d, allowed are 1 to %d.", limit, accountsMax)}
	}
	if p.Account != "" {
		return o.ownAccount(ctx, p.Account, cursor)
	}
	ids, next, err = o.deps.Accounts.Accounts(ctx, cursor, limit)
	if err != nil {
		return nil, "", unavailable(ctx, "balances", err)
	}
	return ids, next, nil
}

func (o *Office) ownAccount(ctx context.Context, account, cursor string) ([]string, string, error) {
	if cursor != "" {
		return nil, "", badCursor(ErrBadCursor)
	}
	profile, err := o.deps.Accounts.Profile(ctx, account)
	if err != nil {
		return nil, "", unavailable(ctx, "balances", err)
	}
	if profile == nil {
		return nil, "", nil
	}
	return []string{account}, "", nil
}

// Overview is all that an account's page shows.
func (o *Office) Overview(ctx context.Context, p *access.Principal, account string) (*Overview, error) {
	if err := may(p, account, access.ReadAccount); err != nil {
		return nil, err
	}
	return o.overview(ctx, account)
}

// overview reads an account that the principal may see.
func (o *Office) overview(ctx context.Context, account string) (*Overview, error) {
	now := o.deps.Now()
	read, err := o.deps.Accounts.Overview(ctx, account, drawdown.TimeOf(now))
	if err != nil {
		return nil, unavailable(ctx, "balances", err)
	}
	if read == nil {
		return nil, noSuchAccount()
	}
	return &Overview{Overview: *read, Plan: read.Profile.Plan, Now: now.UTC(), ETag: etagOf(read)}, nil
}

// etagOf names what an overview shows: the state by its version, and what the catalogue adds to it at the instant, which is
// whether connections are free and enrolment is possible.
func etagOf(v *balance.Overview) string {
	shown := fmt.Appendf(nil, "%d %s %t", v.Version, v.Profile.Account, v.Enrolment.EligibleConnection)
	for i := range v.Connections {
		shown = fmt.Appendf(shown, " %t", v.Connections[i].Free)
	}
	sum := sha256.Sum256(shown)
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
}

// Gate answers whether a sync of a connection may start now (contract, section 10). job is nil where the question names none.
func (o *Office) Gate(ctx context.Context, p *access.Principal, account, connection string, job *uint64) (*balance.GateAnswer, error) {
	if err := may(p, account, access.AskGate); err != nil {
		return nil, err
	}
	if connection == "" || len(connection) > drawdown.MaxNameLen {
		return nil, &Error{Kind: Invalid, Reason: string(drawdown.Malformed), Detail: fmt.Sprintf("connection: 1 to %d bytes are allowed.", drawdown.MaxNameLen)}
	}
	answer, err := o.deps.Accounts.Gate(ctx, account, connection, job, drawdown.TimeOf(o.deps.Now()))
	if err != nil {
		return nil, unavailable(ctx, "balances", err)
	}
	if answer == nil {
		return nil, noSuchAccount()
	}
	return answer, nil
}
