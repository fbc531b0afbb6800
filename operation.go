package drawdown

// Operation is the decoded data of a record that is not usage. The types that implement it are a closed set: one for
// each record type with members.
type Operation interface{ operation() }

// OpenAccount is the data of account.opened.
type OpenAccount struct {
	Plan          string
	Email         string
	EmailVerified bool
}

// ChangePlan is the data of account.plan_changed.
type ChangePlan struct {
	Plan        string
	AtPeriodEnd bool // `when` is period_end, else now
}

// SavePaymentMethod is the data of payment_method.saved.
type SavePaymentMethod struct {
	Method, Kind string
	Customer     string // who pays, as the gateway names them; "" where absent
	Backup       bool   // saved as the backup, else as the primary
}

// RemovePaymentMethod is the data of payment_method.removed, where there is any.
type RemovePaymentMethod struct{ Backup bool }

// SetAutoPurchase is the data of auto_purchase.set.
type SetAutoPurchase struct {
	Enabled   bool
	MaxAmount *Money // the customer's own limit per period; nil where there is none
}

// SetConnection is the data of connection.set.
type SetConnection struct{ Connection, SourceConnector, DestinationConnector string }

// RemoveConnection is the data of connection.removed.
type RemoveConnection struct{ Connection string }

// GrantCredits is the data of credits.granted.
type GrantCredits struct {
	Amount    Credits // as read: may be 0 or negative
	Category  Category
	ExpiresAt Time // Never where absent
}

// VoidCredits is the data of credits.voided.
type VoidCredits struct{ Grant string }

// SettlePurchase is the data of purchase.settled.
type SettlePurchase struct {
	Purchase string
	Auto     bool    // kind is auto, else manual
	Quantity Credits // whole credits, above 0
	Amount   Money
	Currency string
	Tax      *Money  // nil where absent
	Receipt  *string // nil where absent
}

// FailPurchase is the data of purchase.failed.
type FailPurchase struct {
	Purchase, Reason string
	Attempt          int64 // the attempt that was refused; 0 where absent: the purchase fails whatever the ladder
}

// RefundPurchase is the data of purchase.refunded.
type RefundPurchase struct {
	Purchase string
	Quantity Credits // above 0
	Reason   string
}

// SetContacts is the data of contacts.set. What is nil stays as it was.
type SetContacts struct {
	Email         *string
	EmailVerified bool // counts only where Email is there
	Recipients    *[]string
	OptOuts       *[]string
}

// SetWebhook is the data of webhook.set.
type SetWebhook struct {
	Endpoint, URL string
	Kinds         []string // nil where absent: all
	SecretVersion int64
}

// RemoveWebhook is the data of webhook.removed.
type RemoveWebhook struct{ Endpoint string }

// DisableWebhook is the data of webhook.disabled.
type DisableWebhook struct{ Endpoint, Reason string }

// PlaceHold is the data of hold.placed.
type PlaceHold struct {
	Hold       string
	Connection string
	Job        uint64
	Amount     Credits // as read: may be 0 or negative
	ExpiresAt  Time
	Wait       bool // hold it as soon as it can be held, else now or not at all
}

// ReleaseHold is the data of hold.released.
type ReleaseHold struct{ Hold string }

// PrioritizeConnection is the data of connection.prioritized.
type PrioritizeConnection struct {
	Connection string
	Priority   Priority
}

// SetGate is the data of gate.set: what only critical connections may start on, and the breaker.
type SetGate struct {
	Reserve       Credits // 0 or more
	RunawayFactor int64   // 0 where absent: the breaker is off
	RunawayMin    Credits // 0 or more
}

// AcknowledgeRunaway is the data of runaway.acknowledged.
type AcknowledgeRunaway struct{ Connection string }

func (*OpenAccount) operation()          {}
func (*ChangePlan) operation()           {}
func (*SavePaymentMethod) operation()    {}
func (*SetAutoPurchase) operation()      {}
func (*SetConnection) operation()        {}
func (*RemoveConnection) operation()     {}
func (*GrantCredits) operation()         {}
func (*VoidCredits) operation()          {}
func (*SettlePurchase) operation()       {}
func (*FailPurchase) operation()         {}
func (*RemovePaymentMethod) operation()  {}
func (*RefundPurchase) operation()       {}
func (*SetContacts) operation()          {}
func (*SetWebhook) operation()           {}
func (*RemoveWebhook) operation()        {}
func (*DisableWebhook) operation()       {}
func (*PlaceHold) operation()            {}
func (*ReleaseHold) operation()          {}
func (*PrioritizeConnection) operation() {}
func (*SetGate) operation()              {}
func (*AcknowledgeRunaway) operation()   {}
func (*Plan) operation()                 {}
func (*RateCard) operation()             {}
func (*ConnectorEntry) operation()       {}
