package purchasing

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"drawdown"
)

// happenings turns a gateway's events into operations. Whatever it is told twice has the same operation ids.
type happenings struct {
	purchaser *Purchaser // for its log, metrics and logger
	directory Directory
	till      Till
}

// apply does what an event says. An error means: tell it again.
func (h *happenings) apply(ctx context.Context, e *Event, origin string) error {
	kind, err := h.applyKind(ctx, e)
	if err == nil {
		h.purchaser.metrics.events.WithLabelValues(kind, origin).Inc()
	}
	return err
}

func (h *happenings) applyKind(ctx context.Context, e *Event) (kind string, err error) {
	switch what := e.What.(type) {
	case *PaymentPaid:
		return "payment_paid", h.append(ctx, settled(e.Account, "auto", &OrderPaid{
			Purchase: what.Purchase, Quantity: what.Quantity, Amount: what.Amount, Currency: what.Currency,
			Tax: what.Tax, Receipt: what.Receipt,
		}))
	case *OrderPaid:
		return "order_paid", h.append(ctx, settled(e.Account, "manual", what))
	case *OrderFailed:
		h.purchaser.deps.Logger.Info("an order was not paid", "account", e.Account, "purchase", what.Purchase, "reason", what.Reason)
		return "order_failed", nil
	case *CardSaved:
		return "card_saved", h.append(ctx, savedCard(e, what))
	case *MoneyReturned:
		return "money_returned", h.returned(ctx, e, what)
	case *SubscriptionChanged:
		return "subscription_changed", h.subscription(ctx, e, what.Subscription)
	case *Noticed:
		h.purchaser.deps.Logger.Warn("the gateway has something for you to look at", "account", e.Account, "event", e.ID, "text", what.Text)
		return "noticed", nil
	default:
		return "", fmt.Errorf("%T is no happening", what)
	}
}

func savedCard(e *Event, card *CardSaved) *Operation {
	data := map[string]any{"method": card.Payer.Method, "kind": "card"}
	if card.Payer.Customer != "" {
		data["customer"] = card.Payer.Customer
	}
	if card.Backup {
		data["backup"] = true
	}
	return &Operation{
		Type: drawdown.PaymentMethodSaved, Account: e.Account, Source: Source, Time: time.Now(),
		ID:   operationID("card", card.Payer.Method, drawdown.MethodName(card.Backup)),
		Data: data,
	}
}

// returned takes credits back for money that went back. A card whose charge its owner disputes is not charged again: it is
// removed first, so that no auto-purchase follows the refund.
func (h *happenings) returned(ctx context.Context, e *Event, money *MoneyReturned) error {
	if money.Disputed.Method != "" {
		if err := h.removeDisputed(ctx, e.Account, money); err != nil {
			return err
		}
	}
	return h.append(ctx, &Operation{
		Type: drawdown.PurchaseRefunded, Account: e.Account, ID: operationID("refund", money.ID), Source: Source, Time: time.Now(),
		Data: map[string]any{
			"purchase": money.Purchase, "quantity": money.Quantity.String(),
			"reason": cut(cmp.Or(money.Reason, "refunded"), drawdown.MaxNameLen),
		},
	})
}

func (h *happenings) removeDisputed(ctx context.Context, account string, money *MoneyReturned) error {
	profile, err := h.directory.Profile(ctx, account, Whenever)
	if err != nil {
		return err
	}
	for _, saved := range []struct {
		method drawdown.PaymentMethod
		backup bool
	}{{profile.Primary, false}, {profile.Backup, true}} {
		if saved.method.Method != money.Disputed.Method {
			continue
		}
		err := h.append(ctx, &Operation{
			Type: drawdown.PaymentMethodRemoved, Account: account, Source: Source, Time: time.Now(),
			ID:   operationID("disputed", money.ID, drawdown.MethodName(saved.backup)),
			Data: map[string]any{"backup": saved.backup},
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (h *happenings) append(ctx context.Context, o *Operation) error {
	_, err := h.purchaser.append(ctx, o)
	return err
}
