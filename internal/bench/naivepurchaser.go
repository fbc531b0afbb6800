package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"drawdown"
	"drawdown/internal/app"
	"drawdown/purchasing"
)

// The naive way to buy: the library's reader on the ledger, and for each request a call of the gateway and an append to the
// log, one after the other. It remembers nothing, tries nothing again, and charges twice after a crash.

// naivePurchaser is ready to begin.
type naivePurchaser struct {
	job        *job
	till       *till
	operations *app.Operations
}

func (j *job) naivePurchaser() (begin work, end func(), err error) {
	operations, err := j.Config.OpenOperations("naive")
	if err != nil {
		return nil, nil, err
	}
	n := &naivePurchaser{job: j, till: newTill(j.Till.Delay), operations: operations}
	return n.run, func() { _ = operations.Close() }, nil
}

func (n *naivePurchaser) run(ctx context.Context) error {
	for _, s := range n.job.Till.Shares {
		if err := n.partition(ctx, s); err != nil {
			return fmt.Errorf("the naive purchaser: partition %d: %w", s.Partition, err)
		}
	}
	return n.till.write(n.job.Till.Payments)
}

// partition works off a part of the ledger.
func (n *naivePurchaser) partition(ctx context.Context, s span) (err error) {
	reader := kafkago.NewReader(kafkago.ReaderConfig{
		Brokers: n.job.Config.Kafka.Brokers, Topic: n.job.Config.Worker.LedgerTopic, Partition: s.Partition,
		MinBytes: 1, MaxBytes: 10 << 20, MaxWait: 100 * time.Millisecond, QueueCapacity: 10_000,
	})
	defer func() { err = errors.Join(err, reader.Close()) }()
	if err := reader.SetOffset(s.From); err != nil {
		return err
	}
	for range s.Events {
		message, err := reader.ReadMessage(ctx)
		if err != nil {
			return fmt.Errorf("read: %w", err)
		}
		if err := n.entry(ctx, message.Value); err != nil {
			return err
		}
	}
	return nil
}

// ledgerEntry is an entry as the naive way reads it, and as purchases are counted.
type ledgerEntry struct {
	Type    string `json:"type"`
	Subject string `json:"subject"`
	Offset  string `json:"offset"`
	N       int    `json:"n"`
	Data    struct {
		Purchase string `json:"purchase"`
		Quantity string `json:"quantity"`
		Amount   string `json:"amount"`
		Currency string `json:"currency"`
	} `json:"data"`
}

// The types of entries that matter here.
const (
	requestedType = "drawdown.purchase.requested"
	settledType   = "drawdown.purchase.settled"
)

// entry pays what an entry asks for, and says so in the log.
func (n *naivePurchaser) entry(ctx context.Context, value []byte) error {
	var e ledgerEntry
	if err := json.Unmarshal(value, &e); err != nil {
		return err
	}
	if e.Type != requestedType {
		return nil
	}
	if _, err := n.till.Pay(ctx, &purchasing.Payment{Account: e.Subject, Purchase: e.Data.Purchase, Attempt: 1}); err != nil {
		return err
	}
	_, err := n.operations.Append(ctx, app.Operation{Type: drawdown.PurchaseSettled, Account: e.Subject, Data: map[string]any{
		"purchase": e.Data.Purchase, "kind": "auto", "quantity": e.Data.Quantity, "amount": e.Data.Amount, "currency": e.Data.Currency,
	}})
	return err
}
