package purchasing

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"drawdown"
)

// Desk is where customers begin what they do at the gateway: save a card, order credits, subscribe. Nothing is charged or
// granted here; the gateway's events tell when it is.
type Desk struct {
	till      Till
	directory Directory
	urls      ReturnURLs
}

// ReturnURLs are where the gateway sends customers back.
type ReturnURLs struct{ Success, Cancel string }

// NewDesk returns a desk.
func NewDesk(till Till, directory Directory, urls ReturnURLs) *Desk {
	return &Desk{till: till, directory: directory, urls: urls}
}

// WithReturn returns the same desk for visitors who come back to another place.
func (d *Desk) WithReturn(urls ReturnURLs) *Desk {
	other := *d
	other.urls = urls
	return &other
}

// OrderError says why an order can't be taken, and what can be.
type OrderError struct {
	Account string
	Problem string
}

func (e *OrderError) Error() string { return fmt.Sprintf("account %s: %s", e.Account, e.Problem) }

// SaveCard begins the saving of a card, as the primary one or as the backup.
func (d *Desk) SaveCard(ctx context.Context, account string, backup bool) (Session, error) {
	profile, err := d.directory.Profile(ctx, account, Whenever)
	if err != nil {
		return Session{}, err
	}
	return d.till.SaveCard(ctx, &CardSetup{Visitor: d.visitor(&profile, uuid.NewString()), Backup: backup})
}

// Order begins an order of whole credits; 0 is the plan's default. The key makes a repetition the same order; "" for a new one.
func (d *Desk) Order(ctx context.Context, account string, quantity int64, key string) (purchase string, session Session, err error) {
	profile, err := d.directory.Profile(ctx, account, Whenever)
	if err != nil {
		return "", Session{}, err
	}
	if quantity == 0 {
		quantity = profile.Plan.Purchase.Default
	}
	if err := CheckOrder(profile.Plan, quantity); err != nil {
		return "", Session{}, &OrderError{Account: account, Problem: err.Error()}
	}
	key = cmp.Or(key, uuid.NewString())
	purchase = operationID("order", account, key)
	session, err = d.till.Order(ctx, &Order{
		Visitor: d.visitor(&profile, purchase), Purchase: purchase, Plan: profile.Plan, Quantity: quantity,
	})
	return purchase, session, err
}

// CheckOrder says what is wrong with an order of a quantity under a plan (contract, sections 6 and 10), nil where it can be
// taken.
func CheckOrder(plan *drawdown.Plan, quantity int64) error {
	terms := &plan.Purchase
	switch {
	case !terms.Orders:
		return fmt.Errorf("plan %s does not sell credits by hand; move to a plan that does", plan.ID)
	case quantity < terms.Min || quantity > terms.Max:
		return fmt.Errorf("plan %s sells %d to %d credits at a time, not %d", plan.ID, terms.Min, terms.Max, quantity)
	case quantity%terms.Unit != 0:
		return fmt.Errorf("plan %s sells credits in units of %d, and %d is not a multiple", plan.ID, terms.Unit, quantity)
	default:
		return nil
	}
}

// Subscribe begins the subscription of a plan.
func (d *Desk) Subscribe(ctx context.Context, account, plan string) (Session, error) {
	profile, err := d.directory.Profile(ctx, account, Whenever)
	if err != nil {
		return Session{}, err
	}
	plans, err := d.directory.Plans(ctx)
	if err != nil {
		return Session{}, err
	}
	wanted := plans[plan]
	switch {
	case wanted == nil:
		return Session{}, &OrderError{account, fmt.Sprintf("there is no plan %s; 'drawdown plans list' shows them", plan)}
	case wanted.Subscription == nil || wanted.Subscription.GatewayPrice == "":
		return Session{}, &OrderError{account, fmt.Sprintf("plan %s is not billed by the gateway: it has no subscription.gateway_price", plan)}
	case plan == profile.Plan.ID:
		return Session{}, &OrderError{account, fmt.Sprintf("it has plan %s already", plan)}
	}
	return d.till.Subscribe(ctx, &SubscriptionOrder{
		Visitor: d.visitor(&profile, uuid.NewString()), Price: wanted.Subscription.GatewayPrice, Plan: wanted,
	})
}

func (d *Desk) visitor(profile *drawdown.Profile, key string) Visitor {
	return Visitor{
		Account: profile.Account, Email: profile.Email, Customer: cmp.Or(profile.Primary.Customer, profile.Backup.Customer),
		SuccessURL: d.urls.Success, CancelURL: d.urls.Cancel, Key: key,
	}
}

// ErrNotOffered is what a gateway without a part of [Till] answers.
var ErrNotOffered = errors.New("the gateway does not offer this")
