package drawdown

// Plan is the data of plan.published: how an account buys and what it is told (contract, sections 6 and 9).
type Plan struct {
	ID           string
	Currency     string
	Subscription *Subscription // nil where the plan has none
	Purchase     PurchaseTerms
	AutoPurchase *AutoPurchase // nil where the plan has none
	GraceHours   int64
	MaxOverdraft Credits
	LowBalance   *Credits // nil: no such notice
	// UsageNotices are percentages of the subscription's credits, ascending.
	UsageNotices []int64
	// ExpiryNoticeDays are days before a purchased grant expires, descending.
	ExpiryNoticeDays []int64
	// PaymentLadder is what follows a refused charge, in order; nil where the purchase then fails.
	PaymentLadder []LadderStep
}

// LadderStep is a further attempt to charge (contract, section 9).
type LadderStep struct {
	AfterMinutes int64 // after the purchase was requested
	Backup       bool  // with the backup, else with the primary method
}

// Subscription is a plan's grant of credits at the start of each period.
type Subscription struct {
	Credits Credits
	Price   Money
	Yearly  bool // period is year, else month
	// GatewayPrice is the price at the gateway that bills the subscription, Fallback the plan that an account gets when
	// the subscription has ended or stays unpaid; "" where absent. Neither means anything to the engine.
	GatewayPrice, Fallback string
}

// PurchaseTerms are what a customer may order and how long it is valid. Quantities are in whole credits.
type PurchaseTerms struct {
	Unit, Min, Max, Default int64
	UnitPrice               *UnitPrice // nil: the subscription's price / credits
	ValidMonths             int        // 0: until the end of the period in which the purchase settles
	// Orders is whether customers may order by hand. It means nothing to the engine (contract, section 10).
	Orders bool
}

// AutoPurchase is a plan's rule for buying credits without being asked.
type AutoPurchase struct {
	Pack             int64 // whole credits; 0 in target mode
	Threshold        Credits
	Target           Credits // mode target
	Min              int64   // whole credits, mode target
	SurchargePercent int64
	Cap              Cap
}

// IsPack reports whether the rule buys packs of a fixed size rather than up to a target.
func (a *AutoPurchase) IsPack() bool { return a.Pack > 0 }

// Cap bounds the auto-purchases of a period.
type Cap struct {
	Kind  CapKind
	Count int64 // for CapCount
}

// CapKind says how a cap is given.
type CapKind uint8

// The kinds of cap. CapSubscription allows floor(subscription credits / pack) purchases a period.
const (
	CapNone CapKind = iota
	CapSubscription
	CapCount
)

// MaxOrder is the greatest quantity of a purchase, in whole credits.
const MaxOrder = 100_000_000
