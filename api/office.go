package api

import (
	"context"
	"time"

	"drawdown"
	"drawdown/api/access"
	"drawdown/api/office"
	"drawdown/balance"
	"drawdown/notify"
	"drawdown/sinks/clickhouse/report"
)

// Office is what can be seen and done, checked against who asks. Implemented by *[office.Office], which documents it.
type Office interface {
	Plans(ctx context.Context) ([]*drawdown.Plan, error)
	Accounts(ctx context.Context, p *access.Principal, cursor string, limit int) (ids []string, next string, err error)
	Overview(ctx context.Context, p *access.Principal, account string) (*office.Overview, error)
	Gate(ctx context.Context, p *access.Principal, account, connection string, job *uint64) (*balance.GateAnswer, error)
	Holds(ctx context.Context, p *access.Principal, account string) (*office.Holds, error)
	AwaitHold(ctx context.Context, p *access.Principal, account, hold string, wait time.Duration) (found *drawdown.HoldBalance, etag string, err error)
	StartOrder(ctx context.Context, p *access.Principal, account string, limit int) (*office.StartOrder, error)

	Ledger(ctx context.Context, p *access.Principal, account string, q report.LedgerQuery) (*report.LedgerPage, error)
	ExportLedger(ctx context.Context, p *access.Principal, account string, q report.LedgerQuery, take func(*report.Entry) error) error
	ExportCharges(ctx context.Context, p *access.Principal, account string, q report.ChargeQuery, take func(*report.Charge) error) error
	Usage(ctx context.Context, p *access.Principal, account string, q report.UsageQuery) (*report.Usage, error)
	Syncs(ctx context.Context, p *access.Principal, account string, q report.SyncQuery) (*report.SyncPage, error)
	Receipt(ctx context.Context, p *access.Principal, account, connection string, job uint64) (*report.Receipt, error)
	Purchases(ctx context.Context, p *access.Principal, account string, q report.PurchaseQuery) (*report.PurchasePage, error)
	Forecast(ctx context.Context, p *access.Principal, account string) (*office.Forecast, error)
	Estimate(ctx context.Context, p *access.Principal, account string, q report.EstimateQuery) (*office.Estimate, error)
	Deliveries(ctx context.Context, p *access.Principal, account string, f notify.Filter) ([]notify.DeliveryRecord, error)
	Audit(ctx context.Context, p *access.Principal, f access.AuditFilter) ([]access.AuditEntry, error)
	WebhookSecret(ctx context.Context, p *access.Principal, account, endpoint string) (string, error)

	Do(ctx context.Context, p *access.Principal, account string, a office.Action, w office.Write) (*office.Written, error)
	Order(ctx context.Context, p *access.Principal, account string, quantity int64, w office.Write) (*office.Order, error)
	SaveCard(ctx context.Context, p *access.Principal, account string, backup bool, w office.Write) (*office.Session, error)
	Subscribe(ctx context.Context, p *access.Principal, account, plan string, w office.Write) (*office.Session, error)
	PageLink(ctx context.Context, p *access.Principal, account string) (url string, expires time.Time, err error)

	Ingest(ctx context.Context, p *access.Principal, events [][]byte) ([]office.EventResult, error)

	IssueKeyOnce(ctx context.Context, p *access.Principal, wanted access.NewKey, once string) (key access.Key, token string, err error)
	Keys(ctx context.Context, p *access.Principal) ([]access.Key, error)
	RotateKeyOnce(ctx context.Context, p *access.Principal, id string, overlap time.Duration, once string) (key access.Key, token string, err error)
	RevokeKey(ctx context.Context, p *access.Principal, id string) (access.Key, error)
}

// Authenticator finds out who asks. Implemented by *[access.Authenticator]. Its error is an [access.ErrUnauthenticated]
// where the credential is not valid, anything else where that could not be found out.
type Authenticator interface {
	Authenticate(ctx context.Context, bearer string) (*access.Principal, error)
}
