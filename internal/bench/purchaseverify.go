package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"drawdown"
	"drawdown/consumer/fetch"
	"drawdown/consumer/murmur"
)

// purchaseEntries are what the ledger says of a purchase.
type purchaseEntries struct {
	requested, settled int
	published          time.Time // the request, by the broker's clock, in milliseconds
	asked              time.Time // what the request answers was appended to the log, by the broker's clock
}

// verify compares every account, and every purchase at the gateway and in the ledger, with how often each account
// crossed.
func (r *purchaseRun) verify(ctx context.Context, payments map[string]payment) error {
	var d drifts
	found, err := r.readPurchases(ctx)
	if err != nil {
		return fmt.Errorf("read the ledger: %w", err)
	}
	d.purchases(r.buyers, found, payments)
	if err := r.verifyPacks(ctx, &d); err != nil {
		return fmt.Errorf("verify balances: %w", err)
	}
	r.figures.lags.collect(found, payments)
	return errors.Join(d.list...)
}

// purchases compares what the ledger and the gateway have with how often each account crossed.
func (d *drifts) purchases(b *buyers, found map[string]*purchaseEntries, payments map[string]payment) {
	expected := 0
	for i, account := range b.accounts {
		for n := range b.crossings[i] {
			id := fmt.Sprintf("%s:%d", account, n+1)
			expected++
			entries, paid := found[id], payments[id]
			if entries == nil {
				entries = &purchaseEntries{}
			}
			d.compare("purchase "+id, "requested 1, paid 1, settled 1 times",
				fmt.Sprintf("requested %d, paid %d, settled %d times", entries.requested, paid.Requests, entries.settled))
		}
	}
	d.compare("purchases in the ledger", fmt.Sprint(expected), fmt.Sprint(len(found)))
	d.compare("purchases at the gateway", fmt.Sprint(expected), fmt.Sprint(len(payments)))
}

// verifyPacks checks that every account has one pack.
func (r *purchaseRun) verifyPacks(ctx context.Context, d *drifts) error {
	names := make([][]string, r.options.Partitions)
	for _, account := range r.buyers.accounts {
		home := murmur.Partition([]byte(account), r.options.Partitions)
		names[home] = append(names[home], account)
	}
	pack := (packCredits * drawdown.Credit).String()
	for partition := range names {
		marks, err := r.store.Balances(ctx, int32(partition), names[partition])
		if err != nil {
			return err
		}
		for i := range marks {
			d.compare("balance of "+names[partition][i], pack, marks[i].Balance.String())
		}
	}
	return nil
}

// entryMark is in every entry about a purchase, and in few others: most need not be decoded.
var entryMark = []byte(`"drawdown.purchase.`)

// readPurchases reads the whole ledger.
func (r *purchaseRun) readPurchases(ctx context.Context) (map[string]*purchaseEntries, error) {
	config := r.cluster.config
	connection, err := config.Cluster()
	if err != nil {
		return nil, err
	}
	defer connection.Close()
	client, err := fetch.NewClient(fetch.Config{Transport: connection.Transport, Addr: connection.Addr, Contiguous: true})
	if err != nil {
		return nil, err
	}
	ends, err := r.cluster.endsOf(ctx, config.Worker.LedgerTopic, r.options.Partitions)
	if err != nil {
		return nil, err
	}
	found := map[string]*purchaseEntries{}
	for partition, end := range ends {
		for next := int64(0); next < end; {
			if next, err = readSome(ctx, client, config.Worker.LedgerTopic, int32(partition), next, found); err != nil {
				return nil, err
			}
		}
	}
	return found, nil
}

// readSome reads entries from an offset on and returns the next.
func readSome(ctx context.Context, client *fetch.Client, topic string, partition int32, from int64, into map[string]*purchaseEntries) (next int64, err error) {
	const bytesMax = 8 << 20
	response, err := client.Fetch(ctx, fetch.Request{
		Topic: topic, Partitions: []fetch.Partition{{ID: partition, Offset: from, BytesMax: bytesMax}}, BytesMin: 1, BytesMax: bytesMax,
		WaitMax: time.Second,
	})
	if err != nil {
		return 0, err
	}
	defer response.Release()
	set := response.Sets[0]
	for raw := (fetch.Record{}); ; {
		more, err := set.Next(&raw)
		if err != nil || !more {
			return set.NextOffset(), err
		}
		if err := note(&raw, into); err != nil {
			return 0, err
		}
	}
}

// note counts an entry about a purchase.
func note(raw *fetch.Record, into map[string]*purchaseEntries) error {
	if !bytes.Contains(raw.Value, entryMark) {
		return nil
	}
	var e struct {
		ledgerEntry
		Time time.Time `json:"time"`
	}
	if err := json.Unmarshal(raw.Value, &e); err != nil {
		return err
	}
	entries := into[e.Data.Purchase]
	if entries == nil {
		entries = &purchaseEntries{}
		into[e.Data.Purchase] = entries
	}
	switch e.Type {
	case requestedType:
		entries.requested++
		entries.published, entries.asked = time.UnixMilli(raw.AppendTime), e.Time
	case settledType:
		entries.settled++
	}
	return nil
}

// lags are how long purchases that were requested in a span of time took to reach the gateway, in order.
type lags struct {
	begun, ended time.Time
	published    []time.Duration // from the request's publication in the ledger
	crossed      []time.Duration // from when the usage that crossed was appended to the log
}

func (l *lags) collect(found map[string]*purchaseEntries, payments map[string]payment) {
	for id, entries := range found {
		asked := payments[id].Asked
		if asked.Before(l.begun) || asked.After(l.ended) || entries.published.Before(l.begun.Truncate(time.Millisecond)) {
			continue
		}
		l.published = append(l.published, max(0, asked.Sub(entries.published)))
		l.crossed = append(l.crossed, max(0, asked.Sub(entries.asked)))
	}
	slices.Sort(l.published)
	slices.Sort(l.crossed)
}

// percentile is the least duration that so many percent do not exceed.
func percentile(sorted []time.Duration, percent int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[max(0, (len(sorted)*percent+99)/100-1)]
}
