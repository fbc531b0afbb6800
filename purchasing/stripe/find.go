package stripe

import (
	"context"
	"time"

	api "github.com/stripe/stripe-go/v85"

	"drawdown/purchasing"
)

// The intents of a purchase are created between its request and the timeout a day later. The margins are for clocks
// that differ.
const (
	createdBefore = time.Hour
	createdAfter  = 48 * time.Hour
)

// pageSize is the most that Stripe lists at once.
const pageSize = 100

// list reads the intents of a payment's purchase from those of a customer, or of everybody where the customer is "".
// Unlike Stripe's search it sees what was created just before.
func (g *Gateway) list(ctx context.Context, p *purchasing.Payment, customer string) ([]*api.PaymentIntent, *Error) {
	params := &api.PaymentIntentListParams{}
	params.Limit = api.Int64(pageSize)
	params.AddExpand("data.latest_charge")
	if customer != "" {
		params.Customer = api.String(customer)
	}
	if !p.RequestedAt.IsZero() {
		params.CreatedRange = &api.RangeQueryParams{
			GreaterThanOrEqual: p.RequestedAt.Add(-createdBefore).Unix(), LesserThanOrEqual: p.RequestedAt.Add(createdAfter).Unix(),
		}
	}
	var found []*api.PaymentIntent
	for pi, err := range g.client.V1PaymentIntents.List(ctx, params).All(ctx) {
		if err != nil {
			return nil, g.failure("list payment intents", err)
		}
		if pi.Metadata[metaPurchase] == p.Purchase && attemptOf(pi.Metadata) > 0 {
			found = append(found, pi)
		}
	}
	return found, nil
}

// of reads all intents of a payment's purchase.
func (g *Gateway) of(ctx context.Context, p *purchasing.Payment) ([]*api.PaymentIntent, *Error) {
	customer := p.Payer.Customer
	if customer == "" && p.Payer.Method != "" {
		owner, failed := g.ownerOf(ctx, p.Payer.Method)
		if failed != nil {
			return nil, failed
		}
		customer = owner
	}
	return g.list(ctx, p, customer)
}

// Find says what became of a purchase. An intent that was never confirmed counts as absent: only [Gateway.Pay] confirms
// it. One that was refused is cancelled first, as Pay would have done had it not been interrupted.
func (g *Gateway) Find(ctx context.Context, p *purchasing.Payment) (purchasing.Result, error) {
	all, failed := g.of(ctx, p)
	if failed != nil {
		return purchasing.Result{}, failed
	}
	var last *api.PaymentIntent
	for _, pi := range all {
		if attemptOf(pi.Metadata) > p.Attempt || pi.Status == api.PaymentIntentStatusRequiresConfirmation {
			continue
		}
		if pi.Status == api.PaymentIntentStatusSucceeded {
			return g.settle(ctx, pi, "")
		}
		if last == nil || attemptOf(pi.Metadata) > attemptOf(last.Metadata) {
			last = pi
		}
	}
	if last == nil {
		return purchasing.Result{State: purchasing.Absent}, nil
	}
	return g.settle(ctx, last, "")
}
