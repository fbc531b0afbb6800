package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"drawdown/purchasing"
)

// tillJob is how a child buys.
type tillJob struct {
	Delay    time.Duration // how long the gateway takes to answer
	Payments string        // the file of what it was asked to pay, written at the end
	Shares   []span        // of the ledger, of the naive way
}

// till is a gateway that takes every payment, and counts. It answers at once or after a delay.
type till struct {
	delay time.Duration

	mu       sync.Mutex
	payments map[string]*payment
}

// payment is what the gateway was asked to pay for a purchase.
type payment struct {
	Purchase string
	Asked    time.Time // when for the first time
	Requests int       // how often; more than once only after an error
}

func newTill(delay time.Duration) *till { return &till{delay: delay, payments: map[string]*payment{}} }

// Pay implements [purchasing.Gateway].
func (t *till) Pay(ctx context.Context, p *purchasing.Payment) (purchasing.Result, error) {
	now := time.Now()
	t.mu.Lock()
	asked := t.payments[p.Purchase]
	if asked == nil {
		asked = &payment{Purchase: p.Purchase, Asked: now}
		t.payments[p.Purchase] = asked
	}
	asked.Requests++
	t.mu.Unlock()
	if t.delay > 0 {
		select {
		case <-time.After(t.delay):
		case <-ctx.Done():
			return purchasing.Result{}, ctx.Err()
		}
	}
	return purchasing.Result{State: purchasing.Paid, Attempt: p.Attempt, Reference: p.Purchase, Receipt: p.Purchase}, nil
}

// Find implements [purchasing.Gateway]. No payment is ever undecided.
func (t *till) Find(context.Context, *purchasing.Payment) (purchasing.Result, error) {
	return purchasing.Result{State: purchasing.Absent}, nil
}

// Cancel implements [purchasing.Gateway]: what was asked for is paid.
func (t *till) Cancel(_ context.Context, p *purchasing.Payment) (purchasing.Result, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.payments[p.Purchase] != nil {
		return purchasing.Result{State: purchasing.Paid, Attempt: p.Attempt, Reference: p.Purchase}, nil
	}
	return purchasing.Result{State: purchasing.Absent}, nil
}

// Nobody is at the till.

func (t *till) SaveCard(context.Context, *purchasing.CardSetup) (purchasing.Session, error) {
	return purchasing.Session{}, purchasing.ErrNotOffered
}

func (t *till) Order(context.Context, *purchasing.Order) (purchasing.Session, error) {
	return purchasing.Session{}, purchasing.ErrNotOffered
}

func (t *till) Subscribe(context.Context, *purchasing.SubscriptionOrder) (purchasing.Session, error) {
	return purchasing.Session{}, purchasing.ErrNotOffered
}

func (t *till) Subscription(context.Context, string) (purchasing.Subscription, error) {
	return purchasing.Subscription{}, purchasing.ErrNotOffered
}

func (t *till) Receive(context.Context, http.Header, []byte) ([]purchasing.Event, error) {
	return nil, purchasing.ErrNotOffered
}

func (t *till) Since(context.Context, time.Time) iter.Seq2[purchasing.Event, error] {
	return func(func(purchasing.Event, error) bool) {}
}

// write writes the payments to a file, a JSON object a line.
func (t *till) write(path string) error {
	file, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("write payments: %w", err)
	}
	buffered := bufio.NewWriter(file)
	lines := json.NewEncoder(buffered)
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range t.payments {
		err = errors.Join(err, lines.Encode(p))
	}
	return errors.Join(err, buffered.Flush(), file.Close())
}

// readPayments adds the payments of a file to those known.
func readPayments(path string, into map[string]payment) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("read payments: %w", err)
	}
	defer file.Close()
	for lines := json.NewDecoder(bufio.NewReader(file)); ; {
		var p payment
		err := lines.Decode(&p)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read payments: %w", err)
		}
		if before, twice := into[p.Purchase]; twice {
			p.Requests += before.Requests
		}
		into[p.Purchase] = p
	}
}

// purchaser puts the purchaser together as it runs elsewhere, on a till.
func (j *job) purchaser(registry *prometheus.Registry, log *slog.Logger) (begin work, end func(), err error) {
	gateway := newTill(j.Till.Delay)
	part, end, err := j.Config.NewPurchaserOn(gateway, registry, log)
	if err != nil {
		return nil, nil, err
	}
	return func(ctx context.Context) error {
		return errors.Join(part.Run(ctx), gateway.write(j.Till.Payments))
	}, end, nil
}
