package purchasing

import (
	"context"
	"errors"
	"time"
)

// task is one attempt to charge, from the entry that asks for it until its outcome stands in the log.
//
// It may be interrupted between any two lines: whoever reads the ledger again finds the same payment with the same key.
type task struct {
	lane     *lane
	payment  Payment
	position int64     // of the entry in the ledger
	asked    time.Time // when the attempt was asked for, by the log's clock
	appended time.Time // when the entry was published

	// Changed under the lane's lock.
	overtaken bool // a later entry ended the purchase: nothing may be charged from now on
	reporting bool // the outcome is certain and is being appended
	done      bool // its outcome stands in the log, or nothing will come of it

	// Of the one step that runs at a time.
	tries     int
	waits     bool    // the gateway has it and has not decided
	outcome   *Result // certain
	operation *Operation
}

// gatewayUnavailable is the reason of an attempt that could not be made while its key was good.
const (
	gatewayUnavailable = "gateway_unavailable"
	cancelledAtGateway = "cancelled"
	noPaymentMethod    = "no_payment_method"
)

var (
	errPending = errors.New("the gateway has not decided yet")
	errLost    = errors.New("the gateway does not know the payment any more that it was deciding on")
)

// step makes one try and reports whether the task is done. First the gateway is asked until the outcome is certain, then the
// log is told until it has it. An error means: try again later; without one and not done, the log is to be told.
func (t *task) step(ctx context.Context, overtaken bool) (done bool, err error) {
	if t.outcome != nil {
		_, err := t.lane.purchaser.append(ctx, t.operation)
		return err == nil, err
	}
	result, err := t.ask(ctx, overtaken)
	switch {
	case err != nil:
		return false, err
	case result.State == Pending:
		t.waits = true
		return false, errPending
	case result.State == Absent && t.waits && !overtaken:
		t.waits = false
		return false, errLost
	}
	t.outcome = &result
	t.operation = t.report(&result, t.lane.isOvertaken(t))
	if t.operation == nil {
		return true, nil
	}
	t.lane.report(t)
	return false, nil
}

// ask finds out what becomes of the payment.
func (t *task) ask(ctx context.Context, overtaken bool) (Result, error) {
	gateway := t.lane.purchaser.deps.Gateway
	switch {
	case t.payment.Payer.Method == "":
		return Result{State: Declined, Reason: noPaymentMethod}, nil
	case overtaken || time.Since(t.asked) > RepeatWithin:
		return gateway.Cancel(ctx, &t.payment)
	case t.waits:
		return gateway.Find(ctx, &t.payment)
	default:
		return gateway.Pay(ctx, &t.payment)
	}
}

// report is the operation that tells the log, nil where there is nothing to tell: the purchase ended without a charge.
func (t *task) report(r *Result, overtaken bool) *Operation {
	switch {
	case r.State == Paid:
		return settledPayment(&t.payment, r)
	case overtaken:
		return nil
	case r.State == Declined:
		return failedPayment(&t.payment, r.Reason)
	case time.Since(t.asked) > RepeatWithin:
		return failedPayment(&t.payment, gatewayUnavailable)
	default:
		return failedPayment(&t.payment, cancelledAtGateway)
	}
}
