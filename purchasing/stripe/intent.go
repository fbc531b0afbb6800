package stripe

import (
	"context"
	"fmt"
	"strconv"

	api "github.com/stripe/stripe-go/v85"

	"drawdown/purchasing"
)

// How an attempt gets its payment intent.
//
// It is created without being confirmed, which charges nothing, and then confirmed. Between the two every doubt is
// harmless: a request to create that was lost, or that Stripe finishes hours after it answered 500, leaves an intent
// that nobody confirms. Created and confirmed in one request, it would be a charge that nobody knows of.
//
// Stripe stores the answer under the key, a server's error as well, and gives it again for a day. Such a key is burnt:
// it will never yield an intent, to anybody. The attempt then goes on to its next key. A 500 that is not marked as
// replayed may not have been stored; the same key is asked again (by the purchaser, after a pause) until it is known.
// So whoever works at an attempt, in whatever order, comes to the same key and the same intent.

// keysMax bounds the keys of an attempt. Stripe stores a 500 when it fails inside; eight in a row for one payment is an
// incident, and the payment waits until it is over.
const keysMax = 8

// keyOf is the n-th key of an attempt, from 0.
func keyOf(p *purchasing.Payment, n int) string {
	if n == 0 {
		return p.Key()
	}
	return p.Key() + "/again/" + strconv.Itoa(n)
}

// intent is the attempt's payment intent, made where there is none. A refusal is a *Error that is refused.
func (g *Gateway) intent(ctx context.Context, p *purchasing.Payment, units int64) (*api.PaymentIntent, *Error) {
	var failed *Error
	for n := range keysMax {
		pi, err := g.client.V1PaymentIntents.Create(ctx, g.creation(p, units, keyOf(p, n)))
		if err == nil {
			return pi, nil
		}
		failed = g.failure("create payment intent", err)
		if failed.used() {
			found, burnt, err := g.underKey(ctx, p, n)
			if err != nil || found != nil {
				return found, err
			}
			if burnt {
				continue
			}
		}
		if !failed.burnt() {
			return nil, failed
		}
	}
	return nil, failed
}

// creation is the request to create an intent. All of it follows from the payment and the configuration, since a key's
// parameters must not change.
func (g *Gateway) creation(p *purchasing.Payment, units int64, key string) *api.PaymentIntentCreateParams {
	c := &api.PaymentIntentCreateParams{
		Amount: api.Int64(units), Currency: api.String(lower(p.Currency)),
		Customer: api.String(p.Payer.Customer), PaymentMethod: api.String(p.Payer.Method),
		PaymentMethodTypes: api.StringSlice([]string{"card"}), // the contract takes no other kind
		Description:        api.String(fmt.Sprintf("%s %s (%s)", p.Quantity, g.config.ProductName, p.Purchase)),
		Metadata:           marks(p, key),
	}
	if g.config.ReceiptEmail {
		c.AddExpand("customer") // for the address; the stored answer keeps it the same for every repetition
	}
	c.SetIdempotencyKey(key)
	return c
}

// underKey finds the intent that was created under a key with other parameters: the configuration or the account's card
// has changed since. Where an intent of a later key exists, somebody has seen that this one is burnt.
func (g *Gateway) underKey(ctx context.Context, p *purchasing.Payment, n int) (found *api.PaymentIntent, burnt bool, failed *Error) {
	all, failed := g.list(ctx, p, p.Payer.Customer)
	if failed == nil && len(all) == 0 {
		all, failed = g.list(ctx, p, "") // the payer may be another
	}
	if failed != nil {
		return nil, false, failed
	}
	later := map[string]bool{}
	for m := n + 1; m < keysMax; m++ {
		later[keyOf(p, m)] = true
	}
	for _, pi := range all {
		switch key := pi.Metadata[metaKey]; {
		case later[key]:
			burnt = true
		case key == keyOf(p, n):
			found = pi
		}
	}
	if burnt {
		return nil, true, nil
	}
	return found, false, nil
}
