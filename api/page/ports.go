package page

import (
	"context"
	"log/slog"
	"net/http"

	"drawdown"
	"drawdown/api/access"
	"drawdown/api/office"
	"drawdown/sinks/clickhouse/report"
)

// Office is what the page shows and does: the methods of [office.Office] that it uses. Every one of them checks what the
// principal may see.
type Office interface {
	Plans(ctx context.Context) ([]*drawdown.Plan, error)
	Accounts(ctx context.Context, p *access.Principal, cursor string, limit int) (ids []string, next string, err error)
	Overview(ctx context.Context, p *access.Principal, account string) (*office.Overview, error)
	Ledger(ctx context.Context, p *access.Principal, account string, q report.LedgerQuery) (*report.LedgerPage, error)
	Usage(ctx context.Context, p *access.Principal, account string, q report.UsageQuery) (*report.Usage, error)
	Syncs(ctx context.Context, p *access.Principal, account string, q report.SyncQuery) (*report.SyncPage, error)
	Receipt(ctx context.Context, p *access.Principal, account, connection string, job uint64) (*report.Receipt, error)
	Purchases(ctx context.Context, p *access.Principal, account string, q report.PurchaseQuery) (*report.PurchasePage, error)
	Forecast(ctx context.Context, p *access.Principal, account string) (*office.Forecast, error)
	Do(ctx context.Context, p *access.Principal, account string, action office.Action, w office.Write) (*office.Written, error)
	Order(ctx context.Context, p *access.Principal, account string, quantity int64, w office.Write) (*office.Order, error)
	SaveCard(ctx context.Context, p *access.Principal, account string, backup bool, w office.Write) (*office.Session, error)
}

// Sessions knows who a visitor is, by a cookie. Implemented by [access.Sessions].
type Sessions interface {
	// Begin signs a visitor in.
	Begin(w http.ResponseWriter, p *access.Principal) error
	// Read returns the session of a request, and may renew its cookie; an error where there is none any more.
	Read(w http.ResponseWriter, r *http.Request) (*access.Session, error)
	// End signs the visitor out.
	End(w http.ResponseWriter, r *http.Request)
}

// Links opens sign-in links. Implemented by [access.Links].
type Links interface {
	// Open returns whom a link's token signs in, and uses it up. An error says that it is none, or too old, or used.
	Open(token string) (*access.Principal, error)
}

// Login signs in at an identity provider. Implemented by [access.Login].
type Login interface {
	// Begin answers with a redirect to the identity provider, and in the end back to a path of ours.
	Begin(w http.ResponseWriter, r *http.Request, returnTo string) error
	// Finish returns who came back from there, and the path to go on to.
	Finish(w http.ResponseWriter, r *http.Request) (*access.Principal, string, error)
}

// Deps are what the page needs.
type Deps struct {
	Office   Office
	Sessions Sessions
	Links    Links
	Login    Login // nil: there is no identity provider
	Logger   *slog.Logger
}
