package stripe

import (
	"context"
	"strings"

	api "github.com/stripe/stripe-go/v85"

	"drawdown/purchasing"
)

// customer is the customer of a visitor's account, made where there is none. An account has one customer: its payments
// are found by it.
//
// Stripe's search may not yet show a customer that was made a minute ago. Until it does, the key of its creation gives
// the same one again.
func (g *Gateway) customer(ctx context.Context, v *purchasing.Visitor) (string, error) {
	if v.Customer != "" {
		return v.Customer, nil
	}
	found, err := g.searchCustomer(ctx, v.Account)
	if err != nil || found != "" {
		return found, err
	}
	// The address is not part of the creation: a key's parameters must not change, and addresses do.
	c := &api.CustomerCreateParams{Metadata: map[string]string{metaAccount: v.Account}}
	c.SetIdempotencyKey("drawdown/customer/" + v.Account)
	made, err := g.client.V1Customers.Create(ctx, c)
	if failed := g.failure("create customer", err); failed != nil {
		return "", failed
	}
	if v.Email == "" {
		return made.ID, nil
	}
	_, err = g.client.V1Customers.Update(ctx, made.ID, &api.CustomerUpdateParams{Email: api.String(v.Email)})
	if failed := g.failure("set customer's e-mail", err); failed != nil {
		return "", failed
	}
	return made.ID, nil
}

// searchCustomer finds the first customer that was made for an account, "" where there is none.
func (g *Gateway) searchCustomer(ctx context.Context, account string) (string, error) {
	params := &api.CustomerSearchParams{}
	params.Query = "metadata['" + metaAccount + "']:'" + quoted(account) + "'"
	var first *api.Customer
	for c, err := range g.client.V1Customers.Search(ctx, params).All(ctx) {
		if err != nil {
			return "", g.failure("search customer", err)
		}
		if first == nil || c.Created < first.Created {
			first = c
		}
	}
	if first == nil {
		return "", nil
	}
	return first.ID, nil
}

// quoted escapes a value of Stripe's query language. Ids of accounts need none; this keeps it so.
func quoted(s string) string { return strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) }
