package demo

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"drawdown"
	"drawdown/internal/app"
)

// sandboxDelay is how long a payment takes.
const sandboxDelay = 200 * time.Millisecond

// sandbox stands in for a payment gateway: every purchase that is requested is paid, and the log is told.
type sandbox struct {
	operations *app.Operations
	fail       func(error)
	pending    atomic.Int64 // requested and not yet settled in the log
	payments   sync.WaitGroup
}

// request takes a purchase.requested entry. A request that is taken twice is settled once: the settlement has the
// purchase's id as its own.
func (s *sandbox) request(ctx context.Context, e *ledgerEntry) {
	s.pending.Add(1)
	s.payments.Go(func() {
		defer s.pending.Add(-1)
		select {
		case <-time.After(sandboxDelay):
		case <-ctx.Done():
			return
		}
		if err := s.settle(ctx, e); err != nil && ctx.Err() == nil {
			s.fail(fmt.Errorf("settle purchase %s: %w", e.Purchase, err))
		}
	})
}

func (s *sandbox) settle(ctx context.Context, e *ledgerEntry) error {
	_, err := s.operations.Append(ctx, app.Operation{
		Type: drawdown.PurchaseSettled, Account: e.Account, ID: "settled-" + e.Purchase, Source: "drawdown/demo/sandbox",
		Data: data{
			"purchase": e.Purchase, "kind": "auto", "quantity": e.Quantity, "amount": e.Amount, "currency": e.Currency,
			"receipt": "sandbox-" + e.Purchase,
		},
	})
	return err
}
