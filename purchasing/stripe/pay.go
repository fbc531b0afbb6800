package stripe

import (
	"context"
	"fmt"
	"strings"

	api "github.com/stripe/stripe-go/v85"

	"drawdown/purchasing"
)

func lower(currency string) string { return strings.ToLower(currency) }

// Pay makes an attempt: it creates the attempt's payment intent and confirms it.
func (g *Gateway) Pay(ctx context.Context, p *purchasing.Payment) (purchasing.Result, error) {
	p, units, reason, err := g.prepare(ctx, p)
	if err != nil {
		return purchasing.Result{}, err
	}
	if reason != "" {
		return declined(p, reason), nil
	}
	pi, failed := g.intent(ctx, p, units)
	if failed != nil {
		if failed.refused() {
			return declined(p, failed.reason()), nil // nothing was created
		}
		return purchasing.Result{}, failed
	}
	return g.confirm(ctx, p, pi)
}

// prepare completes a payment, or says why it can't be made.
func (g *Gateway) prepare(ctx context.Context, p *purchasing.Payment) (_ *purchasing.Payment, units int64, reason string, _ error) {
	if p.Payer.Method == "" {
		return p, 0, reasonNoMethod, nil
	}
	units, reason = smallestUnits(p.Amount, p.Currency)
	if reason != "" || p.Payer.Customer != "" {
		return p, units, reason, nil
	}
	customer, failed := g.ownerOf(ctx, p.Payer.Method)
	if failed != nil {
		return p, 0, "", failed
	}
	if customer == "" {
		return p, 0, reasonNoMethod, nil
	}
	with := *p
	with.Payer.Customer = customer
	return &with, units, "", nil
}

// ownerOf asks who a method belongs to, for records that do not say. It is "" where it belongs to nobody: such a method
// can't be charged.
func (g *Gateway) ownerOf(ctx context.Context, method string) (string, *Error) {
	pm, err := g.client.V1PaymentMethods.Retrieve(ctx, method, nil)
	if failed := g.failure("read payment method", err); failed != nil {
		if failed.refused() {
			return "", nil
		}
		return "", failed
	}
	if pm.Customer == nil {
		return "", nil
	}
	return pm.Customer.ID, nil
}

// confirm charges an intent, or finds out that it was.
func (g *Gateway) confirm(ctx context.Context, p *purchasing.Payment, pi *api.PaymentIntent) (purchasing.Result, error) {
	confirmed, failed := g.confirmation(ctx, pi, pi.Metadata[metaKey]+"/confirm")
	switch {
	case failed == nil:
		return g.settle(ctx, confirmed, "")
	case failed.state(), failed.used(), failed.unknown():
		return g.look(ctx, pi, failed)
	case failed.refused():
		return g.giveUp(ctx, pi, failed.reason())
	default:
		return purchasing.Result{}, failed
	}
}

// look asks what an intent is, after a confirmation whose answer doesn't say. An intent that is not confirmed, although
// its key is spent, is confirmed under a key of its own: Stripe charges it once, whatever else is under way.
func (g *Gateway) look(ctx context.Context, pi *api.PaymentIntent, failed *Error) (purchasing.Result, error) {
	now, err := g.read(ctx, pi.ID)
	if err != nil {
		return purchasing.Result{}, err
	}
	if now.Status != api.PaymentIntentStatusRequiresConfirmation {
		return g.settle(ctx, now, "")
	}
	if !failed.burnt() && !failed.used() {
		return purchasing.Result{}, failed
	}
	confirmed, again := g.confirmation(ctx, pi, "")
	switch {
	case again == nil:
		return g.settle(ctx, confirmed, "")
	case again.refused() && !again.state():
		return g.giveUp(ctx, pi, again.reason())
	default:
		return purchasing.Result{}, again
	}
}

// confirmation is the request that charges. Without a key of ours it gets one that is used once.
func (g *Gateway) confirmation(ctx context.Context, pi *api.PaymentIntent, key string) (*api.PaymentIntent, *Error) {
	c := &api.PaymentIntentConfirmParams{OffSession: api.Bool(true)}
	c.AddExpand("latest_charge") // for the receipt
	if g.config.ReceiptEmail && pi.Customer != nil && pi.Customer.Email != "" {
		c.ReceiptEmail = api.String(pi.Customer.Email)
	}
	if key != "" {
		c.SetIdempotencyKey(key)
	}
	confirmed, err := g.client.V1PaymentIntents.Confirm(ctx, pi.ID, c)
	return confirmed, g.failure("confirm payment intent", err)
}

func (g *Gateway) read(ctx context.Context, id string) (*api.PaymentIntent, error) {
	r := &api.PaymentIntentRetrieveParams{}
	r.AddExpand("latest_charge")
	pi, err := g.client.V1PaymentIntents.Retrieve(ctx, id, r)
	if failed := g.failure("read payment intent", err); failed != nil {
		return nil, failed
	}
	return pi, nil
}

// unfinished is the error of an intent that is not where our requests lead to: the same call must be made again.
func unfinished(pi *api.PaymentIntent) error {
	return fmt.Errorf("stripe: payment intent %s is still %s", pi.ID, pi.Status)
}

// settle makes a result of what an intent is. One that was refused is cancelled first.
func (g *Gateway) settle(ctx context.Context, pi *api.PaymentIntent, reason string) (purchasing.Result, error) {
	result := purchasing.Result{Attempt: attemptOf(pi.Metadata), Reference: pi.ID}
	switch pi.Status {
	case api.PaymentIntentStatusSucceeded:
		result.State, result.Receipt = purchasing.Paid, receiptOf(pi)
	case api.PaymentIntentStatusProcessing:
		result.State = purchasing.Pending
	case api.PaymentIntentStatusRequiresPaymentMethod, api.PaymentIntentStatusRequiresAction:
		return g.giveUp(ctx, pi, intentReason(pi))
	case api.PaymentIntentStatusCanceled:
		result.State = purchasing.Cancelled
		if pi.CancellationReason == api.PaymentIntentCancellationReasonAbandoned {
			result.State, result.Reason = purchasing.Declined, intentReason(pi)
			if reason != "" {
				result.Reason = reason
			}
		}
	default:
		return purchasing.Result{}, unfinished(pi)
	}
	return result, nil
}

// giveUp cancels a refused intent, so that nothing can charge it later, and says why it was refused.
func (g *Gateway) giveUp(ctx context.Context, pi *api.PaymentIntent, reason string) (purchasing.Result, error) {
	now, err := g.cancelIntent(ctx, pi.ID, api.PaymentIntentCancellationReasonAbandoned)
	if err != nil {
		return purchasing.Result{}, err
	}
	switch now.Status {
	case api.PaymentIntentStatusCanceled, api.PaymentIntentStatusSucceeded, api.PaymentIntentStatusProcessing:
		return g.settle(ctx, now, reason)
	default:
		return purchasing.Result{}, unfinished(now)
	}
}

// receiptMax bounds a receipt in a record (contract, section 3).
const receiptMax = 512

func receiptOf(pi *api.PaymentIntent) string {
	if c := pi.LatestCharge; c != nil && c.ReceiptURL != "" && len(c.ReceiptURL) <= receiptMax {
		return c.ReceiptURL
	}
	return pi.ID
}
