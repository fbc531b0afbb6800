package office

import (
	"context"
	"errors"

	"drawdown"
	"drawdown/api/access"
	"drawdown/purchasing"
)

// Order begins an order of whole credits; 0 is the plan's default. The customer pays at the order's URL, and the credits come
// when the money has. Nothing is charged here.
func (o *Office) Order(ctx context.Context, p *access.Principal, account string, quantity int64, w Write) (*Order, error) {
	var order Order
	err := o.atDesk(ctx, p, account, w, "purchase.order", map[string]any{"quantity": quantity}, &order,
		func(profile *drawdown.Profile, claim *claimed) error {
			if err := checkOrder(profile.Plan, quantity); err != nil {
				return err
			}
			purchase, session, err := o.deps.Desk.Order(ctx, account, quantity, claim.operation)
			order = Order{Purchase: purchase, URL: session.URL}
			return err
		})
	if err != nil {
		return nil, err
	}
	return &order, nil
}

// checkOrder says what is wrong with an order under a plan (contract, sections 6 and 10).
func checkOrder(plan *drawdown.Plan, quantity int64) error {
	if !plan.Purchase.Orders {
		return &Error{
			Kind: Invalid, Reason: "orders_not_offered",
			Detail: "Credits can't be ordered on the plan " + plan.ID + ". Move to another plan to buy credits.",
		}
	}
	if quantity == 0 {
		return nil // the default, which is within the plan's own terms
	}
	if err := purchasing.CheckOrder(plan, quantity); err != nil {
		return &Error{Kind: Invalid, Reason: "bad_quantity", Detail: sentence(err)}
	}
	return nil
}

// SaveCard begins the saving of a card, as the primary one or as the backup.
func (o *Office) SaveCard(ctx context.Context, p *access.Principal, account string, backup bool, w Write) (*Session, error) {
	return o.session(ctx, p, account, w, "payment_method.setup", map[string]any{"backup": backup}, func() (purchasing.Session, error) {
		return o.deps.Desk.SaveCard(ctx, account, backup)
	})
}

// Subscribe begins the subscription of a plan that the gateway bills.
func (o *Office) Subscribe(ctx context.Context, p *access.Principal, account, plan string, w Write) (*Session, error) {
	return o.session(ctx, p, account, w, "subscription.order", map[string]any{"plan": plan}, func() (purchasing.Session, error) {
		return o.deps.Desk.Subscribe(ctx, account, plan)
	})
}

func (o *Office) session(ctx context.Context, p *access.Principal, account string, w Write, action string, asked map[string]any,
	begin func() (purchasing.Session, error),
) (*Session, error) {
	var session Session
	err := o.atDesk(ctx, p, account, w, action, asked, &session, func(*drawdown.Profile, *claimed) error {
		begun, err := begin()
		session.URL = begun.URL
		return err
	})
	if err != nil {
		return nil, err
	}
	return &session, nil
}

// atDesk begins something at the gateway, at most once for an idempotency key; answer is what begin fills in.
func (o *Office) atDesk(ctx context.Context, p *access.Principal, account string, w Write, action string, asked map[string]any,
	answer any, begin func(*drawdown.Profile, *claimed) error,
) error {
	if err := may(p, account, access.Buy); err != nil {
		return err
	}
	claim, err := o.claim(ctx, p, w.Key, action, account, asked)
	if err != nil {
		return err
	}
	if claim.answered(answer) {
		return nil
	}
	if err := o.begin(ctx, p, account, claim, action, asked, begin); err != nil {
		o.giveBack(ctx, claim)
		return err
	}
	o.remember(ctx, claim, answer)
	return nil
}

func (o *Office) begin(ctx context.Context, p *access.Principal, account string, claim *claimed, action string, asked map[string]any,
	begin func(*drawdown.Profile, *claimed) error,
) error {
	profile, err := o.exists(ctx, account)
	if err != nil {
		return err
	}
	if o.deps.Desk == nil {
		return &Error{Kind: Conflict, Reason: "no_gateway", Detail: "This installation has no payment gateway: nothing can be bought here."}
	}
	if err := o.audit(ctx, p, account, action, claim.operation, detail(asked)); err != nil {
		return err
	}
	var terms *purchasing.OrderError
	switch err := begin(profile, claim); {
	case err == nil:
		return nil
	case errors.As(err, &terms):
		return &Error{Kind: Invalid, Reason: "not_for_sale", Detail: upper(terms.Problem) + "."}
	case errors.Is(err, purchasing.ErrNotOffered):
		return &Error{Kind: Conflict, Reason: "not_offered", Detail: "The payment gateway does not offer this."}
	default:
		return unavailable(ctx, "payments", err)
	}
}
