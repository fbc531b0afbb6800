package drawdown

// Reason is why a record was rejected: it has no effect and is kept whole (contract, sections 3, 9 and 10).
type Reason string

// The reasons, in the order in which they are checked; those of a type's own checks last.
const (
	Malformed           Reason = "malformed"
	UnknownType         Reason = "unknown_type"
	UnsignedOperation   Reason = "unsigned_operation"
	WrongPartition      Reason = "wrong_partition"
	Future              Reason = "future"
	Late                Reason = "late"
	UnknownAccount      Reason = "unknown_account"
	AccountExists       Reason = "account_exists"
	UnknownConnector    Reason = "unknown_connector"
	NoRate              Reason = "no_rate"
	OutOfRange          Reason = "out_of_range"
	UnknownPlan         Reason = "unknown_plan"
	SamePlan            Reason = "same_plan"
	CardRequired        Reason = "card_required"
	EmailNotVerified    Reason = "email_not_verified"
	NoPaymentMethod     Reason = "no_payment_method"
	NoEligibleConnector Reason = "no_eligible_connector"
	UnknownConnection   Reason = "unknown_connection"
	BadAmount           Reason = "bad_amount"
	GrantExists         Reason = "grant_exists"
	UnknownGrant        Reason = "unknown_grant"
	UnknownPurchase     Reason = "unknown_purchase"
	Backdated           Reason = "backdated"
	VersionExists       Reason = "version_exists"
	NoticeTooShort      Reason = "notice_too_short"
	PlanExists          Reason = "plan_exists"
	TooManyEndpoints    Reason = "too_many_endpoints"
	UnknownEndpoint     Reason = "unknown_endpoint"
	BadHold             Reason = "bad_hold"
	HoldExists          Reason = "hold_exists"
	TooManyHolds        Reason = "too_many_holds"
	ConnectionStopped   Reason = "connection_stopped"
	InsufficientCredits Reason = "insufficient_credits"
	UnknownHold         Reason = "unknown_hold"
)

// Reasons lists every reason, for metrics and help texts.
var Reasons = []Reason{
	Malformed, UnknownType, UnsignedOperation, WrongPartition, Future, Late, UnknownAccount, AccountExists,
	UnknownConnector, NoRate, OutOfRange, UnknownPlan, SamePlan, CardRequired, EmailNotVerified, NoPaymentMethod,
	NoEligibleConnector, UnknownConnection, BadAmount, GrantExists, UnknownGrant, UnknownPurchase, Backdated,
	VersionExists, NoticeTooShort, PlanExists, TooManyEndpoints, UnknownEndpoint, BadHold, HoldExists, TooManyHolds,
	ConnectionStopped, InsufficientCredits, UnknownHold,
}
