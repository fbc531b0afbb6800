package purchasing

import (
	"encoding/json"
	"fmt"
	"time"

	"drawdown"
	"drawdown/consumer/feed"
)

// The types of ledger entries that the purchaser acts on.
const (
	requestedEntry = "purchase.requested"
	retriedEntry   = "purchase.retried"
	declinedEntry  = "purchase.declined"
	settledEntry   = "purchase.settled"
	failedEntry    = "purchase.failed"
)

// entry is what the purchaser needs of a ledger entry about a purchase (contract, sections 8 and 9).
type entry struct {
	Purchase string `json:"purchase"`
	Attempt  int    `json:"attempt"` // of purchase.declined and purchase.retried, and of purchase.failed after a refusal
	Quantity string `json:"quantity"`
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
	Customer string `json:"customer"`
	Method   string `json:"payment_method"`
}

// isPurchase reports whether the purchaser acts on entries of a type.
func isPurchase(entryType string) bool {
	switch entryType {
	case requestedEntry, retriedEntry, declinedEntry, settledEntry, failedEntry:
		return true
	default:
		return false
	}
}

// readEntry reads an event's line. A line that the worker can't have written is a [feed.StopError]: money is not guessed at.
func readEntry(e *feed.Event) (entry, error) {
	var read entry
	if err := json.Unmarshal(e.Line, &read); err != nil {
		return read, &feed.StopError{Err: fmt.Errorf("read ledger entry at position %d: %w", e.Position, err)}
	}
	if read.Purchase == "" {
		return read, &feed.StopError{Err: fmt.Errorf("ledger entry of type %s at position %d names no purchase", e.Type, e.Position)}
	}
	return read, nil
}

// payment is the attempt that purchase.requested or purchase.retried asks for.
func (read *entry) payment(e *feed.Event) (Payment, error) {
	quantity, okQuantity := drawdown.ParseCredits([]byte(read.Quantity))
	amount, okAmount := drawdown.ParseMoney([]byte(read.Amount))
	if !okQuantity || !okAmount || !drawdown.ValidCurrency([]byte(read.Currency)) {
		return Payment{}, &feed.StopError{Err: fmt.Errorf("ledger entry of type %s at position %d asks for %q credits, %q %q",
			e.Type, e.Position, read.Quantity, read.Amount, read.Currency)}
	}
	return Payment{
		Account: e.Account, Purchase: read.Purchase, Attempt: max(read.Attempt, 1),
		Payer:    drawdown.PaymentMethod{Method: read.Method, Customer: read.Customer},
		Quantity: quantity, Amount: amount, Currency: read.Currency, RequestedAt: time.UnixMilli(int64(e.At)),
	}, nil
}
