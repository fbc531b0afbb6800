package office

import (
	"context"
	"time"

	"drawdown"
	"drawdown/api/access"
	"drawdown/balance"
	"drawdown/notify"
	"drawdown/purchasing"
	"drawdown/sinks/clickhouse/report"
)

// Accounts reads accounts as the store has them: behind the log by what is not committed yet.
type Accounts interface {
	// Gate answers for one connection of an account, with one round trip at most; nil where there is no such account.
	Gate(ctx context.Context, account, connection string, job *uint64, at drawdown.Time) (*balance.GateAnswer, error)
	// Overview reads everything of an account that is shown; nil where there is no such account.
	Overview(ctx context.Context, account string, at drawdown.Time) (*balance.Overview, error)
	// Profile reads who pays and who is told; nil where there is no such account.
	Profile(ctx context.Context, account string) (*drawdown.Profile, error)
	// Accounts lists ids page by page; cursor "" begins, next "" ends. An account that is there from the first page to the
	// last is listed once. A cursor that none of its answers gave is [ErrBadCursor].
	Accounts(ctx context.Context, cursor string, limit int) (ids []string, next string, err error)
	// Plans are the plans published so far, in order of id.
	Plans(ctx context.Context) ([]*drawdown.Plan, error)
}

// Reports reads the past. See package report for what each answer means.
type Reports interface {
	Usage(ctx context.Context, q report.UsageQuery) (*report.Usage, error)
	Syncs(ctx context.Context, q report.SyncQuery) (*report.SyncPage, error)
	Receipt(ctx context.Context, account, connection string, job uint64) (*report.Receipt, error)
	Ledger(ctx context.Context, q report.LedgerQuery) (*report.LedgerPage, error)
	EachEntry(ctx context.Context, q report.LedgerQuery, take func(*report.Entry) error) error
	EachCharge(ctx context.Context, q report.ChargeQuery, take func(*report.Charge) error) error
	Purchases(ctx context.Context, q report.PurchaseQuery) (*report.PurchasePage, error)
	Estimate(ctx context.Context, q report.EstimateQuery) (*report.Estimate, error)
	BurnRate(ctx context.Context, account string, now time.Time) (*report.BurnRate, error)
}

// Operation is an operation on an account, to be signed and appended.
type Operation struct {
	Type    drawdown.Type
	Account string
	ID      string // with Source it identifies the operation
	Source  string
	Actor   string // who asked for it: a principal's id
	Time    time.Time
	Data    map[string]any // nil where the type has no members
}

// UsageEvent is a usage event as it is written to the log, and whose.
type UsageEvent struct {
	Account string
	Value   []byte
}

// Log appends to the log, and returns once all in-sync replicas have what was appended.
type Log interface {
	// Append signs and appends an operation. An error means that it may stand there or not: appending the same again is
	// harmless.
	Append(ctx context.Context, o *Operation) (Position, error)
	// AppendUsage appends usage events, those of an account in their order, and returns where each landed. After an error
	// some may stand there: appending all of them again is harmless.
	AppendUsage(ctx context.Context, events []UsageEvent) ([]Position, error)
}

// Outcomes knows what became of records.
type Outcomes interface {
	// Await waits until the store stands behind a record, and returns why it was rejected; "" where it was not. known is
	// false where the wait ended first, or the record is older than what is remembered of rejections.
	Await(ctx context.Context, at Position) (reason drawdown.Reason, known bool, err error)
}

// Memory keeps what idempotency keys were used for, for a day. It may forget: operations are protected by the engine's own
// memory of their ids (contract, section 4).
type Memory interface {
	// Claim puts a value under a key that has none, and returns nil; otherwise it returns the value that is there.
	Claim(ctx context.Context, key string, value []byte) (before []byte, err error)
	// Put replaces the value under a key.
	Put(ctx context.Context, key string, value []byte) error
}

// Desk is where customers begin what they do at the gateway. Implemented by *[purchasing.Desk].
type Desk interface {
	SaveCard(ctx context.Context, account string, backup bool) (purchasing.Session, error)
	Order(ctx context.Context, account string, quantity int64, key string) (purchase string, session purchasing.Session, err error)
	Subscribe(ctx context.Context, account, plan string) (purchasing.Session, error)
}

// Deliveries shows what was told to whom. Implemented by *[notify.DeliveryLog].
type Deliveries interface {
	List(ctx context.Context, f notify.Filter) ([]notify.DeliveryRecord, error)
}

// Endpoints knows the rules of webhook endpoints.
type Endpoints interface {
	// CheckURL says what is wrong with an endpoint's URL in words that the customer may read, nil where nothing is.
	CheckURL(url string) error
	// Secret is what an endpoint's notices are signed with.
	Secret(account, endpoint string, version int64) string
}

// Keys keeps API keys. Implemented by *[access.KeyStore].
type Keys interface {
	Issue(ctx context.Context, by *access.Principal, wanted access.NewKey) (access.Key, string, error)
	Rotate(ctx context.Context, by *access.Principal, id string, overlap time.Duration) (access.Key, string, error)
	Revoke(ctx context.Context, by *access.Principal, id string) (access.Key, error)
	Keys(p *access.Principal) []access.Key
	Key(p *access.Principal, id string) (access.Key, error)
}

// Links makes sign-in links to the billing page.
type Links interface {
	// Make returns a link that signs in as the customer of an account, once, until it expires.
	Make(account string) (url string, expires time.Time, err error)
}
