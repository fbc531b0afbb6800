package bench

import (
	"context"
	"fmt"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"drawdown"
	"drawdown/consumer/murmur"
	"drawdown/producer"
)

// packCredits is what an account has, uses at once, and buys.
const packCredits = 10

// buyers are accounts with a pack of credits each. Using them crosses the threshold, whereupon the next pack is bought.
type buyers struct {
	accounts   []string
	partitions [][]int // of accounts, as indexes
	crossings  []int   // of each account so far
	source     string
}

func newBuyers(accounts, partitions int) *buyers {
	b := &buyers{
		accounts: make([]string, accounts), partitions: make([][]int, partitions), crossings: make([]int, accounts),
		source: "tap/bench",
	}
	for i := range b.accounts {
		b.accounts[i] = fmt.Sprintf("b-%06d", i)
		home := murmur.Partition([]byte(b.accounts[i]), partitions)
		b.partitions[home] = append(b.partitions[home], i)
	}
	return b
}

// setup publishes what is sold and opens the accounts. Each is given its credits before it may buy.
func (b *buyers) setup(l *loader) error {
	operation := l.operations(time.Now().UTC())
	if err := b.catalogue(operation); err != nil {
		return err
	}
	for _, account := range b.accounts {
		for _, step := range []struct {
			kind drawdown.Type
			data map[string]any
		}{
			{drawdown.AccountOpened, map[string]any{"plan": "packs", "email": "owner@example.com", "email_verified": true}},
			{drawdown.CreditsGranted, map[string]any{"amount": fmt.Sprint(packCredits), "category": "promotional"}},
			{drawdown.PaymentMethodSaved, map[string]any{"method": "pm_" + account, "kind": "card", "customer": "cus_" + account}},
			{drawdown.AutoPurchaseSet, map[string]any{"enabled": true}},
		} {
			if err := operation(step.kind, step.kind.String(), account, step.data); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *buyers) catalogue(operation operator) error {
	for _, broadcast := range []struct {
		kind drawdown.Type
		id   string
		data map[string]any
	}{
		{drawdown.PlanPublished, "plan", map[string]any{
			"id": "packs", "currency": "USD",
			"purchase": map[string]any{
				"unit": 1, "min": 1, "max": 1000, "default": packCredits, "unit_price": "1.00", "validity": map[string]any{"months": 12},
			},
			"auto_purchase": map[string]any{"mode": "pack", "pack": packCredits, "threshold": "0", "surcharge_percent": 30, "cap": "none"},
		}},
		{drawdown.RatesPublished, "rates", map[string]any{
			"version": "bench-1", "effective_from": "2025-01-01T00:00:00Z",
			"rates": []any{map[string]any{"kind": "module", "meter": "operations", "credits": "1", "per": 1}},
		}},
		{drawdown.ConnectorSet, "module", map[string]any{"connector": "module", "kind": "module", "stage": "ga"}},
	} {
		if err := operation(broadcast.kind, broadcast.id, "", broadcast.data); err != nil {
			return err
		}
	}
	return nil
}

// cross is the usage event by which an account uses all that it has.
func (b *buyers) cross(account int) []byte {
	b.crossings[account]++
	u := producer.Usage{
		Account: b.accounts[account], Connection: "c", SourceConnector: "module", DestinationConnector: "module",
		Job: int64(b.crossings[account]), Attempt: 1, Seq: 1, Operations: packCredits, Time: time.Now(),
	}
	return u.Event(b.source)
}

// crossAll lets accounts cross as fast as the log takes it.
func (b *buyers) crossAll(l *loader, accounts []int) error {
	for _, account := range accounts {
		l.usage(b.accounts[account], b.cross(account))
		if l.ctx.Err() != nil {
			break // close tells why
		}
	}
	return l.close()
}

// paceInterval is how often the accounts that are due cross, those of one partition at a time.
const paceInterval = 5 * time.Millisecond

// crossSteadily lets so many accounts cross at a rate, and returns what it took. Accounts take turns by partition.
func (b *buyers) crossSteadily(ctx context.Context, c *cluster, count int, perSecond float64) (took time.Duration, err error) {
	next := make([]int, len(b.partitions))
	ticker := time.NewTicker(paceInterval)
	defer ticker.Stop()
	begun := time.Now()
	for sent, turn := 0, 0; sent < count; turn++ {
		select {
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		case <-ticker.C:
		}
		due := min(int(time.Since(begun).Seconds()*perSecond), count) - sent
		partition := turn % len(b.partitions)
		here := b.partitions[partition][next[partition]:]
		here = here[:min(due, len(here))]
		if len(here) == 0 {
			continue
		}
		records := make([]record, 0, len(here))
		for _, account := range here {
			records = append(records, record{key: b.accounts[account], value: b.cross(account)})
		}
		answer, err := c.client.Produce(ctx, &kafkago.ProduceRequest{
			Topic: c.config.Worker.MeteringTopic, Partition: partition, RequiredAcks: kafkago.RequireAll, Records: reader(records),
		})
		if err == nil {
			err = answer.Error
		}
		if err != nil {
			return 0, fmt.Errorf("append usage: %w", err)
		}
		next[partition] += len(here)
		sent += len(here)
	}
	return time.Since(begun), nil
}
