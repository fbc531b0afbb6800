package email

import (
	"encoding/json"
	"fmt"
	"math"

	"drawdown"
	"drawdown/notify"
)

// content says what a notice of one kind holds.
type content struct {
	required []string   // members that must be there and not null (contract, sections 8 to 10)
	empty    func() any // what they are read into
	// optional is whether a customer can do without: such messages offer to be unsubscribed. Receipts, payments and
	// what stops syncs are not among them.
	optional bool
}

var contents = map[notify.Kind]content{
	notify.LowBalance:         {[]string{"available"}, func() any { return new(lowBalance) }, true},
	notify.UsagePercent:       {[]string{"percent", "used"}, func() any { return new(usagePercent) }, true},
	notify.Exhausted:          {[]string{"from", "to"}, func() any { return new(statusChange) }, false},
	notify.Resumed:            {[]string{"from", "to"}, func() any { return new(statusChange) }, true},
	notify.PurchaseSettled:    {[]string{"purchase", "kind", "quantity", "amount", "currency"}, func() any { return new(settled) }, false},
	notify.PaymentDeclined:    {[]string{"purchase", "attempt", "reason", "retry_at", "method"}, func() any { return new(declined) }, false},
	notify.PaymentFailed:      {[]string{"purchase", "reason"}, func() any { return new(failed) }, false},
	notify.PurchaseRefunded:   {[]string{"grant", "amount", "overdraft"}, func() any { return new(refunded) }, false},
	notify.CreditsExpiring:    {[]string{"grant", "remaining", "expires_at"}, func() any { return new(expiring) }, true},
	notify.CreditsExpired:     {[]string{"grant", "amount"}, func() any { return new(expired) }, true},
	notify.LeavingFreeProgram: {[]string{"connection", "ga_at"}, func() any { return new(leaving) }, false},
	notify.AutoPurchaseCapped: {[]string{"auto_purchases"}, func() any { return new(capped) }, true},
	notify.WebhookDisabled:    {[]string{"endpoint", "reason"}, func() any { return new(webhookDisabled) }, true},
	notify.Runaway:            {[]string{"connection", "job", "used", "usual"}, func() any { return new(runaway) }, false},
}

// read reads a notice's data. An error says which member is wrong.
func (c content) read(data json.RawMessage) (any, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		return nil, fmt.Errorf("data is no JSON object: %w", err)
	}
	for _, member := range c.required {
		if value, there := members[member]; !there || string(value) == "null" {
			return nil, fmt.Errorf("data has no %s", member)
		}
	}
	notice := c.empty()
	if err := json.Unmarshal(data, notice); err != nil {
		return nil, fmt.Errorf("read data: %w", err)
	}
	return notice, nil
}

type lowBalance struct{ Available amount }

type usagePercent struct {
	Percent uint8
	Used    amount
}

// statusChange is that of exhausted and resumed.
type statusChange struct{ From, To string }

type settled struct {
	Purchase name
	Kind     string // manual or auto
	Quantity amount
	Amount   money
	Currency currency
	Tax      *money // nil where the gateway told none
	Receipt  receipt
}

// Price is what the credits cost without tax.
func (s *settled) Price() string { return s.Amount.in(s.Currency) }

// TaxAmount is the tax, which must not be nil.
func (s *settled) TaxAmount() string { return s.Tax.in(s.Currency) }

// Total is the exact sum of price and tax.
func (s *settled) Total() string {
	if s.Tax == nil {
		return s.Price()
	}
	return money{s.Amount.Plus(s.Tax.Money)}.in(s.Currency)
}

type declined struct {
	Purchase name
	Attempt  uint64
	Reason   reason
	RetryAt  instant `json:"retry_at"`
	Method   string
}

// Card is what the next attempt charges.
func (d *declined) Card() string {
	if d.Method == "backup" {
		return "your backup card"
	}
	return "your card"
}

type failed struct {
	Purchase name
	Reason   reason
}

type refunded struct {
	Grant     name // the purchase's id
	Amount    amount
	Overdraft amount // the part of Amount that had been used
}

type expiring struct {
	Grant     name
	Remaining amount
	ExpiresAt instant `json:"expires_at"`
}

type expired struct {
	Grant  name
	Amount amount
}

type leaving struct {
	Connection name
	GAAt       instant `json:"ga_at"`
}

type capped struct {
	AutoPurchases int64 `json:"auto_purchases"`
}

// stop is what forbids another auto-purchase in the period.
type stop uint8

const (
	stopUnknown stop = iota // the plan is not known here
	stopPlan                // the plan's cap
	stopLimit               // the customer's own limit
)

// stop works out which of the two limits it was (contract, section 7): the notice does not say. The plan's comes first,
// because where both hold, raising one's own limit would not help.
func (c *capped) stop(plan *drawdown.Plan) stop {
	if plan == nil || plan.AutoPurchase == nil {
		return stopUnknown
	}
	if c.AutoPurchases >= purchasesMax(plan) {
		return stopPlan
	}
	return stopLimit
}

// purchasesMax is how many auto-purchases a period of the plan may have: the engine's own rule (package balance), which
// decides; here it only explains.
func purchasesMax(plan *drawdown.Plan) int64 {
	auto := plan.AutoPurchase
	switch auto.Cap.Kind {
	case drawdown.CapCount:
		return auto.Cap.Count
	case drawdown.CapSubscription:
		if plan.Subscription != nil && auto.Pack > 0 {
			return int64(plan.Subscription.Credits / (drawdown.Credits(auto.Pack) * drawdown.Credit))
		}
	case drawdown.CapNone:
	}
	return math.MaxInt64
}

type webhookDisabled struct {
	Endpoint name
	Reason   name
}

type runaway struct {
	Connection name
	Job        uint64
	Used       amount // by the job so far
	Usual      amount // what a job of the connection uses
}
