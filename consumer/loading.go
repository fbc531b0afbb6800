package consumer

import (
	"context"
	"fmt"
	"time"

	"drawdown"
	"drawdown/balance"
)

// loader brings accounts into memory before records of them are applied.
type loader struct {
	partition int32
	ownership *ownership
	store     balance.Store
	machine   machine
	retrier   *retrier
	metrics   *Metrics

	missing []string            // reset for each call of load
	seen    map[string]struct{} // the same accounts; cleared for each call of load
}

// load reads the accounts of records that are not in memory, all with one call (and their segments with another).
func (l *loader) load(ctx context.Context, records []drawdown.Record) error {
	l.collect(records)
	if len(l.missing) == 0 {
		return nil
	}
	begun := time.Now()
	var stored []balance.Stored
	err := l.retrier.do(ctx, "load", func(ctx context.Context) (err error) {
		stored, err = l.store.Load(ctx, l.partition, l.missing)
		return err
	})
	if err != nil {
		return err
	}
	keys, err := l.restore(stored)
	if err != nil {
		return err
	}
	if err := l.loadSegments(ctx, keys); err != nil {
		return err
	}
	if err := l.ownership.verify(ctx); err != nil {
		return err
	}
	l.metrics.loaded(len(l.missing), time.Since(begun))
	return nil
}

// collect lists the accounts that are missing, each once.
func (l *loader) collect(records []drawdown.Record) {
	l.missing = l.missing[:0]
	for i := range records {
		rec := &records[i]
		if rec.Reject != "" || rec.Account == nil || !l.machine.Missing(rec.Account) {
			continue
		}
		if _, seen := l.seen[string(rec.Account)]; seen {
			continue
		}
		account := string(rec.Account)
		l.seen[account] = struct{}{}
		l.missing = append(l.missing, account)
	}
	if len(l.missing) > 0 {
		clear(l.seen)
	}
}

// restore hands accounts to the state machine and returns the segments that it asks for.
func (l *loader) restore(stored []balance.Stored) ([]balance.SegmentKey, error) {
	if len(stored) != len(l.missing) {
		return nil, &StateError{Partition: l.partition, Err: fmt.Errorf("the store answered %d accounts of %d", len(stored), len(l.missing))}
	}
	var keys []balance.SegmentKey
	for i := range stored {
		segments, err := l.machine.Restore(stored[i])
		if err != nil {
			return nil, &StateError{Partition: l.partition, Account: stored[i].Account, Err: err}
		}
		for _, segment := range segments {
			keys = append(keys, balance.SegmentKey{Account: stored[i].Account, Segment: segment})
		}
	}
	return keys, nil
}

// loadSegments reads segments, which are in the order of their accounts, and hands them to the state machine.
func (l *loader) loadSegments(ctx context.Context, keys []balance.SegmentKey) error {
	if len(keys) == 0 {
		return nil
	}
	var contents [][]byte
	err := l.retrier.do(ctx, "load", func(ctx context.Context) (err error) {
		contents, err = l.store.Segments(ctx, l.partition, keys)
		return err
	})
	if err != nil {
		return err
	}
	if len(contents) != len(keys) {
		return &StateError{Partition: l.partition, Err: fmt.Errorf("the store answered %d segments of %d", len(contents), len(keys))}
	}
	for begin := 0; begin < len(keys); {
		account := keys[begin].Account
		end := begin
		var names []string
		for end < len(keys) && keys[end].Account == account {
			names = append(names, keys[end].Segment)
			end++
		}
		if err := l.machine.RestoreSegments(account, names, contents[begin:end]); err != nil {
			return &StateError{Partition: l.partition, Account: account, Err: err}
		}
		begin = end
	}
	return nil
}
