package purchasing

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"drawdown"
)

// Source is the source of the operations that the purchaser appends.
const Source = "drawdown/purchasing"

// operationID names an operation after what happened, so that the same happening always has the same id. What would be
// too long for an id is replaced by its hash.
func operationID(parts ...string) string {
	id := strings.Join(parts, "/")
	if len(id) <= drawdown.MaxIDLen {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return parts[0] + "/" + hex.EncodeToString(sum[:])
}

// settled is the operation that a payment was made.
func settled(account string, kind string, paid *OrderPaid) *Operation {
	data := map[string]any{
		"purchase": paid.Purchase, "kind": kind, "quantity": paid.Quantity.String(), "amount": paid.Amount.String(),
		"currency": paid.Currency,
	}
	if paid.Tax != nil {
		data["tax"] = paid.Tax.String()
	}
	if paid.Receipt != "" {
		data["receipt"] = cut(paid.Receipt, drawdown.MaxReceiptLen)
	}
	return &Operation{
		Type: drawdown.PurchaseSettled, Account: account, ID: operationID("settled", paid.Purchase), Source: Source,
		Time: time.Now(), Data: data,
	}
}

// settledPayment is the operation that a requested purchase was charged.
func settledPayment(p *Payment, r *Result) *Operation {
	return settled(p.Account, "auto", &OrderPaid{
		Purchase: p.Purchase, Quantity: p.Quantity, Amount: p.Amount, Currency: p.Currency, Tax: r.Tax, Receipt: r.Receipt,
	})
}

// failedPayment is the operation that an attempt was refused.
func failedPayment(p *Payment, reason string) *Operation {
	return &Operation{
		Type: drawdown.PurchaseFailed, Account: p.Account, Source: Source, Time: time.Now(),
		ID: operationID("failed", p.Purchase, attemptText(p.Attempt)),
		Data: map[string]any{
			"purchase": p.Purchase, "attempt": p.Attempt, "reason": cut(cmp.Or(reason, "declined"), drawdown.MaxNameLen),
		},
	}
}

// cut shortens a text to at most limit bytes, between two characters.
func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "")
}
