package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"drawdown/balance/ledgerevent"
	"drawdown/consumer/fetch"
)

// ledgerEntry is an entry of the ledger with the members that the demo uses.
type ledgerEntry struct {
	ledgerevent.Event
	members
}

// members are those of any type (the contract, section 8); the ones that a type does not have are empty.
type members struct {
	Kind     string `json:"kind"`
	From     string `json:"from"`
	To       string `json:"to"`
	Purchase string `json:"purchase"`
	Quantity string `json:"quantity"`
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
	Reason   string `json:"reason"`
	// Of holds and the breaker.
	Connection string `json:"connection"`
	Used       string `json:"used"`
	Usual      string `json:"usual"`
	Method     string `json:"method"`
}

// ledgerWait is how long an answer may wait for entries: as long as a purchase may be noticed late.
const ledgerWait = 50 * time.Millisecond

// ledgerReader reads drawdown.ledger as any other program can: each entry once, in the order of its partition.
type ledgerReader struct {
	client *fetch.Client
	topic  string
	handle func(*ledgerEntry) // called from the goroutine of run

	mu   sync.Mutex
	next [partitions]int64 // all entries before it have been handled
	last [partitions]ledgerevent.Event
}

// run reads until the context ends.
func (r *ledgerReader) run(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := r.read(ctx); err != nil && ctx.Err() == nil && !fetch.Retriable(err) {
			return fmt.Errorf("read the ledger: %w", err)
		}
	}
	return nil
}

func (r *ledgerReader) read(ctx context.Context) error {
	const bytesMax = 1 << 20
	request := fetch.Request{Topic: r.topic, BytesMin: 1, BytesMax: partitions * bytesMax, WaitMax: ledgerWait}
	for p, next := range r.next {
		request.Partitions = append(request.Partitions, fetch.Partition{ID: int32(p), Offset: next, BytesMax: bytesMax})
	}
	response, err := r.client.Fetch(ctx, request)
	if err != nil {
		return err
	}
	defer response.Release()
	for _, set := range response.Sets {
		if err := r.take(set); err != nil {
			return err
		}
	}
	return nil
}

func (r *ledgerReader) take(set *fetch.Set) error {
	var record fetch.Record
	for {
		more, err := set.Next(&record)
		if err != nil || !more {
			r.mu.Lock()
			r.next[set.Partition] = set.NextOffset()
			r.mu.Unlock()
			return err
		}
		entry := &ledgerEntry{}
		if entry.Event, err = ledgerevent.Decode(record.Value); err != nil {
			return err
		}
		last := &r.last[set.Partition]
		if last.Type != "" && (entry.Offset < last.Offset || entry.Offset == last.Offset && entry.N <= last.N) {
			continue // published again after a worker's crash
		}
		if err := json.Unmarshal(entry.Line, &entry.members); err != nil {
			return fmt.Errorf("read ledger entry: %w", err)
		}
		*last = entry.Event
		r.handle(entry)
	}
}

// atEnd reports whether every entry published so far has been handled.
func (r *ledgerReader) atEnd(ctx context.Context) (bool, error) {
	ends, err := r.client.Offsets(ctx, r.topic, allPartitions())
	if err != nil {
		return false, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for p, next := range r.next {
		if next < ends[int32(p)].Latest {
			return false, nil
		}
	}
	return true, nil
}

func allPartitions() []int32 {
	all := make([]int32, partitions)
	for p := range all {
		all[p] = int32(p)
	}
	return all
}
