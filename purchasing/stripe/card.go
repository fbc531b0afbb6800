package stripe

import (
	"context"

	"drawdown"
	"drawdown/purchasing"
)

// cardSaved reads setup_intent.succeeded of a form of one's own. A session's setup intent has no account in its
// metadata: the session tells.
func (g *Gateway) cardSaved(ctx context.Context, e *told) ([]purchasing.Event, error) {
	var s struct {
		ID       string            `json:"id"`
		Metadata map[string]string `json:"metadata"`
	}
	if err := e.object(&s); err != nil {
		return nil, err
	}
	account := s.Metadata[metaAccount]
	if account == "" {
		return nil, nil
	}
	return g.cardOf(ctx, e, account, s.ID, s.Metadata[metaBackup] == "true")
}

// cardOf reads the card that a setup intent saved.
func (g *Gateway) cardOf(ctx context.Context, e *told, account, setup string, backup bool) ([]purchasing.Event, error) {
	if setup == "" {
		return nil, malformed()
	}
	s, err := g.client.V1SetupIntents.Retrieve(ctx, setup, nil)
	if failed := g.failure("read setup intent", err); failed != nil {
		return nil, failed
	}
	if s.PaymentMethod == nil || s.Customer == nil {
		return e.noticed(account, "setup intent %s saved no card of a customer: it can't be charged", setup), nil
	}
	payer := drawdown.PaymentMethod{Method: s.PaymentMethod.ID, Customer: s.Customer.ID}
	return e.event(account, &purchasing.CardSaved{Payer: payer, Backup: backup}), nil
}

// subscribed reads customer.subscription.*.
func (g *Gateway) subscribed(_ context.Context, e *told) ([]purchasing.Event, error) {
	var s struct {
		ID       string            `json:"id"`
		Metadata map[string]string `json:"metadata"`
	}
	if err := e.object(&s); err != nil {
		return nil, err
	}
	if s.Metadata[metaAccount] == "" {
		return nil, nil
	}
	return e.event(s.Metadata[metaAccount], &purchasing.SubscriptionChanged{Subscription: s.ID}), nil
}

// billed reads invoice.paid and invoice.payment_failed of subscriptions. Until 2025 an invoice had its subscription at
// another place.
func (g *Gateway) billed(_ context.Context, e *told) ([]purchasing.Event, error) {
	type details struct {
		Subscription id                `json:"subscription"`
		Metadata     map[string]string `json:"metadata"`
	}
	var invoice struct {
		Subscription id      `json:"subscription"`
		Details      details `json:"subscription_details"`
		Parent       struct {
			Details details `json:"subscription_details"`
		} `json:"parent"`
	}
	if err := e.object(&invoice); err != nil {
		return nil, err
	}
	of := invoice.Parent.Details
	if of.Subscription == "" {
		of = details{Subscription: invoice.Subscription, Metadata: invoice.Details.Metadata}
	}
	if of.Subscription == "" || of.Metadata[metaAccount] == "" {
		return nil, nil
	}
	return e.event(of.Metadata[metaAccount], &purchasing.SubscriptionChanged{Subscription: string(of.Subscription)}), nil
}
