package stripe

import (
	"context"
	"slices"

	api "github.com/stripe/stripe-go/v85"

	"drawdown/purchasing"
)

// Cancel ends all attempts of a purchase.
//
// A request that is on its way to Stripe, or a process that does not know that it has been replaced, could still create
// the attempt's intent afterwards and confirm it. So the intent is created here if there is none, under the same key,
// and cancelled: whoever comes later is given that one.
func (g *Gateway) Cancel(ctx context.Context, p *purchasing.Payment) (purchasing.Result, error) {
	all, failed := g.of(ctx, p)
	if failed != nil {
		return purchasing.Result{}, failed
	}
	known := purchasing.Result{State: purchasing.Absent}
	for _, pi := range all {
		if pi.Status == api.PaymentIntentStatusSucceeded {
			return g.settle(ctx, pi, "")
		}
		if attempt := attemptOf(pi.Metadata); attempt > known.Attempt {
			known = purchasing.Result{State: purchasing.Cancelled, Attempt: attempt, Reference: pi.ID}
		}
	}
	own, err := g.claim(ctx, p)
	if err != nil {
		return purchasing.Result{}, err
	}
	listed := func(pi *api.PaymentIntent) bool { return own != nil && pi.ID == own.ID }
	if own != nil && !slices.ContainsFunc(all, listed) {
		all = append(all, own)
	}
	for _, pi := range all {
		if result, paid, err := g.end(ctx, pi); err != nil || paid {
			return result, err
		}
	}
	return known, nil
}

// claim is the intent that a payment of this attempt would get. It is nil where such a payment would be refused before
// anything is created.
func (g *Gateway) claim(ctx context.Context, p *purchasing.Payment) (*api.PaymentIntent, error) {
	p, units, reason, err := g.prepare(ctx, p)
	if err != nil || reason != "" {
		return nil, err
	}
	pi, failed := g.intent(ctx, p, units)
	if failed == nil {
		return pi, nil
	}
	if failed.refused() || failed.used() {
		return nil, nil
	}
	return nil, failed
}

// end makes sure that an intent is not charged any more. It reports whether it was paid instead.
func (g *Gateway) end(ctx context.Context, pi *api.PaymentIntent) (purchasing.Result, bool, error) {
	if pi.Status == api.PaymentIntentStatusCanceled {
		return purchasing.Result{}, false, nil
	}
	now, err := g.cancelIntent(ctx, pi.ID, api.PaymentIntentCancellationReasonRequestedByCustomer)
	if err != nil {
		return purchasing.Result{}, false, err
	}
	switch now.Status {
	case api.PaymentIntentStatusCanceled:
		return purchasing.Result{}, false, nil
	case api.PaymentIntentStatusSucceeded:
		result, err := g.settle(ctx, now, "")
		return result, true, err
	default:
		return purchasing.Result{}, false, unfinished(now)
	}
}

// cancelIntent cancels an intent and says what it is then: one that was paid or cancelled before stays so.
func (g *Gateway) cancelIntent(ctx context.Context, id string, why api.PaymentIntentCancellationReason) (*api.PaymentIntent, error) {
	c := &api.PaymentIntentCancelParams{CancellationReason: api.String(string(why))}
	c.AddExpand("latest_charge")
	pi, err := g.client.V1PaymentIntents.Cancel(ctx, id, c)
	failed := g.failure("cancel payment intent", err)
	switch {
	case failed == nil:
		return pi, nil
	case failed.state(), failed.unknown():
		return g.read(ctx, id)
	default:
		return nil, failed
	}
}
