package office

import (
	"context"
	"errors"
	"time"

	"drawdown"
	"drawdown/api/access"
)

// Deps are what an office works with. They stay their owner's.
type Deps struct {
	Accounts   Accounts
	Reports    Reports
	Log        Log
	Outcomes   Outcomes
	Memory     Memory
	Desk       Desk // nil where nothing can be bought
	Deliveries Deliveries
	Endpoints  Endpoints // nil where there are no webhooks
	Keys       Keys
	Audit      access.AuditLog
	Links      Links
	// Now is the clock; nil for the machine's.
	Now func() time.Time
}

// Office is what can be seen and done. Its methods may be called from any goroutine. What they refuse is an [*Error]; any
// other error is a fault of this program, or the caller's context that ended.
type Office struct{ deps Deps }

// New returns an office.
func New(deps Deps) (*Office, error) {
	if deps.Accounts == nil || deps.Reports == nil || deps.Log == nil || deps.Outcomes == nil || deps.Memory == nil || deps.Deliveries == nil ||
		deps.Keys == nil || deps.Audit == nil || deps.Links == nil {
		return nil, errors.New("office: all but Desk, Endpoints and Now are required")
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	return &Office{deps}, nil
}

// ErrBadCursor is what ports answer to a cursor that none of their answers gave.
var ErrBadCursor = errors.New("no such cursor")

// may checks that a principal sees an account and may do something to it. Whom it does not see, and what can't be an
// account, does not exist for it.
func may(p *access.Principal, account string, scope access.Scope) error {
	if p == nil || !p.Sees(account) || !drawdown.ValidAccount([]byte(account)) {
		return noSuchAccount()
	}
	return mayAny(p, scope)
}

// mayAny checks what is not about one account.
func mayAny(p *access.Principal, scope access.Scope) error {
	if p == nil || !p.May(scope) {
		return &Error{
			Kind: Forbidden, Reason: "forbidden",
			Detail: "This needs the scope " + string(scope) + ", which your credential does not have.",
		}
	}
	return nil
}

func noSuchAccount() *Error {
	return &Error{Kind: NotFound, Reason: "no_such_account", Detail: "There is no such account."}
}

// exists checks that there is an account, after may.
func (o *Office) exists(ctx context.Context, account string) (*drawdown.Profile, error) {
	profile, err := o.deps.Accounts.Profile(ctx, account)
	if err != nil {
		return nil, unavailable(ctx, "balances", err)
	}
	if profile == nil {
		return nil, noSuchAccount()
	}
	return profile, nil
}

// unavailable tells that a server is away; an error that is an [*Error] already, and a context that ended, stay.
func unavailable(ctx context.Context, what string, err error) error {
	var known *Error
	if errors.As(err, &known) || ctx.Err() != nil {
		return err
	}
	if errors.Is(err, ErrBadCursor) {
		return badCursor(err)
	}
	return &Error{
		Kind: Unavailable, Reason: "unavailable", cause: err,
		Detail: "The part of the service that keeps " + what + " does not answer now. Try again in a moment; repeating the request is harmless.",
	}
}

func badCursor(cause error) *Error {
	return &Error{
		Kind: Invalid, Reason: "bad_cursor", cause: cause,
		Detail: "The cursor is not one of a page of this list. Begin without a cursor.",
	}
}
