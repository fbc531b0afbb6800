package drawdown

// Head is where and when an entry happened. It opens every entry.
type Head struct {
	Offset  Offset // of the input record
	N       int    // 0, 1, … within the record
	At      Time   // the instant: due, or the partition's clock; NoTime before any record set it
	Account string // "" where the entry has none
}

// Output takes what a record causes, in the order in which it happens. What is passed is valid during the call only.
type Output interface {
	Charge(*Charge)
	Ledger(Entry)
	Rejected(*Rejected)
	Duplicate(*Duplicate)
}

// Charge is a rated usage event.
type Charge struct {
	Head
	Time                 Time
	Connection           string
	SourceConnector      string
	DestinationConnector string
	Job, Attempt         uint64
	Stream               []byte // nil where the event has none
	Event                []byte // the event's id
	Kind                 string // of the source connector
	Meter                Meter
	Quantity             uint64
	Credits              Total // below 2^64: at most two times what an account can hold
	Waived               Total // below 2^128
	Free                 bool
	Rates                string // version of the rate card
	Burned               []Burn
	Overdraft            Credits // the part that no grant covered
}

// Burn is what a charge took from one grant.
type Burn struct {
	Grant   string
	Credits Credits
}

// Rejected is a record without effect, and why.
type Rejected struct {
	Head
	Reason Reason
	// Broadcast is whether the record's type names a broadcast: its line has no account then.
	Broadcast bool
}

// Duplicate is a record that repeats one already applied.
type Duplicate struct {
	Head
	Event     []byte // the record's id
	Broadcast bool
}

// Entry is an immutable fact of a change of an account, or a notice: whatever is neither a charge, a rejection nor a
// duplicate. The types that implement it are a closed set.
type Entry interface {
	// EntryType is the type member of the entry's line.
	EntryType() string
	// Where returns the entry's head.
	Where() *Head
	appendMembers(*members)
}

// Where returns the head itself.
func (h *Head) Where() *Head { return h }

// PeriodStarted says that a period with a subscription began.
type PeriodStarted struct {
	Head
	From Time
	To   Time
}

// GrantAdded says that credits were given.
type GrantAdded struct {
	Head
	Grant     string
	Category  Category
	Amount    Credits
	ExpiresAt Time
	Repaid    Credits // overdraft repaid from it
}

// GrantExpired says that what remained of a grant is gone.
type GrantExpired struct {
	Head
	Grant  string
	Amount Credits
}

// GrantVoided says that what remained of a grant was taken back.
type GrantVoided struct {
	Head
	Grant  string
	Amount Credits
}

// PurchaseRequested asks the purchaser to charge the customer once.
type PurchaseRequested struct {
	Head
	Purchase string
	Quantity Credits
	Amount   Money
	Currency string
	Payer    PaymentMethod // written only where its customer is known (contract, section 9)
}

// PurchaseSettledEntry says that money for a purchase arrived.
type PurchaseSettledEntry struct {
	Head
	Purchase string
	Kind     string
	Quantity Credits
	Amount   Money
	Currency string
	Tax      *Money
	Receipt  *string
}

// PurchaseFailedEntry says that a charge was refused, or was not settled in time.
type PurchaseFailedEntry struct {
	Head
	Purchase string
	Reason   string
	Attempt  int64 // the one that was refused; 0 where the record named none, and then it is not written
}

// PurchaseDeclined says that an attempt to charge was refused and that another one follows.
type PurchaseDeclined struct {
	Head
	Purchase string
	Attempt  int64 // the one that was refused
	Reason   string
	RetryAt  Time
	Backup   bool // the next attempt is with the backup, else with the primary method
}

// PurchaseRetried asks the purchaser to make another attempt at a purchase.
type PurchaseRetried struct {
	Head
	Purchase string
	Attempt  int64
	Backup   bool
	Quantity Credits
	Amount   Money
	Currency string
	Payer    PaymentMethod // the zero value where the method is not saved any more
}

// GrantRefunded says that credits of a purchase were taken back because money went back.
type GrantRefunded struct {
	Head
	Grant     string
	Amount    Credits // all that was taken back
	Overdraft Credits // the part that had been used
}

// Status is whether an account can be used (contract, section 7).
type Status uint8

// The statuses. StatusNone is that of an account before its opening is settled.
const (
	StatusNone Status = iota
	Active
	Purchasing
	Grace
	PaymentFailed
	Exhausted
	StatusCount
)

var statusNames = [StatusCount]string{"", "active", "purchasing", "grace", "payment_failed", "exhausted"}

// String returns the status's name in entries.
func (s Status) String() string { return statusNames[s] }

// StatusChanged says that an account's status is not what it was.
type StatusChanged struct {
	Head
	From Status
	To   Status
}

// LowBalanceNotice is given when available credits fall to the plan's low_balance.
type LowBalanceNotice struct {
	Head
	Available Credits
}

// UsagePercentNotice is given when a period's usage reaches a percentage of the subscription's credits.
type UsagePercentNotice struct {
	Head
	Percent int64
	Used    Total
}

// CreditsExpiringNotice is given some days before a purchased grant expires.
type CreditsExpiringNotice struct {
	Head
	Grant     string
	Remaining Credits
	ExpiresAt Time
}

// LeavingFreeProgramNotice is given two weeks before a free connection is charged for.
type LeavingFreeProgramNotice struct {
	Head
	Connection string
	GAAt       Time
}

// AutoPurchaseCappedNotice is given once a period when a cap forbids an auto-purchase.
type AutoPurchaseCappedNotice struct {
	Head
	AutoPurchases int64
}

// WebhookDisabledNotice is given when nothing is sent to an endpoint any more.
type WebhookDisabledNotice struct {
	Head
	Endpoint string
	Reason   string
}

// HeldFor says which sync a hold is for.
type HeldFor struct {
	Hold       string
	Connection string
	Job        uint64
}

// HoldPlacedEntry says that credits are held for a sync from now on.
type HoldPlacedEntry struct {
	Head
	HeldFor
	Amount    Credits
	ExpiresAt Time
}

// HoldQueuedEntry says that a hold waits until it can be held.
type HoldQueuedEntry struct {
	Head
	HeldFor
	Amount    Credits
	ExpiresAt Time
}

// HoldReleasedEntry says that a hold ended because its owner ended it.
type HoldReleasedEntry struct {
	Head
	HeldFor
	Amount Credits // what was left of it; of one that waited, all
	Used   Credits // what usage took of it
}

// HoldExpiredEntry says that a hold ended because its time was over.
type HoldExpiredEntry struct {
	Head
	HeldFor
	Amount Credits // what was left of it; of one that waited, all
	Used   Credits // what usage took of it
}

// RunawayNotice is given when a job costs many times what the connection's jobs usually cost: the connection is
// stopped.
type RunawayNotice struct {
	Head
	Connection string
	Job        uint64
	Used       Total // the job's credits
	Usual      Total // the median of the connection's other jobs
}

// EntryType implements [Entry].
func (*PeriodStarted) EntryType() string { return "period.started" }

// EntryType implements [Entry].
func (*GrantAdded) EntryType() string { return "grant.added" }

// EntryType implements [Entry].
func (*GrantExpired) EntryType() string { return "grant.expired" }

// EntryType implements [Entry].
func (*GrantVoided) EntryType() string { return "grant.voided" }

// EntryType implements [Entry].
func (*PurchaseRequested) EntryType() string { return "purchase.requested" }

// EntryType implements [Entry].
func (*PurchaseSettledEntry) EntryType() string { return "purchase.settled" }

// EntryType implements [Entry].
func (*PurchaseFailedEntry) EntryType() string { return "purchase.failed" }

// EntryType implements [Entry].
func (*StatusChanged) EntryType() string { return "status.changed" }

// EntryType implements [Entry].
func (*LowBalanceNotice) EntryType() string { return "notice" }

// EntryType implements [Entry].
func (*UsagePercentNotice) EntryType() string { return "notice" }

// EntryType implements [Entry].
func (*CreditsExpiringNotice) EntryType() string { return "notice" }

// EntryType implements [Entry].
func (*LeavingFreeProgramNotice) EntryType() string { return "notice" }

// EntryType implements [Entry].
func (*AutoPurchaseCappedNotice) EntryType() string { return "notice" }

// EntryType implements [Entry].
func (*PurchaseDeclined) EntryType() string { return "purchase.declined" }

// EntryType implements [Entry].
func (*PurchaseRetried) EntryType() string { return "purchase.retried" }

// EntryType implements [Entry].
func (*GrantRefunded) EntryType() string { return "grant.refunded" }

// EntryType implements [Entry].
func (*WebhookDisabledNotice) EntryType() string { return "notice" }

// EntryType implements [Entry].
func (*HoldPlacedEntry) EntryType() string { return "hold.placed" }

// EntryType implements [Entry].
func (*HoldQueuedEntry) EntryType() string { return "hold.queued" }

// EntryType implements [Entry].
func (*HoldReleasedEntry) EntryType() string { return "hold.released" }

// EntryType implements [Entry].
func (*HoldExpiredEntry) EntryType() string { return "hold.expired" }

// EntryType implements [Entry].
func (*RunawayNotice) EntryType() string { return "notice" }
