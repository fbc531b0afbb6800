// Package purchasingtest is a world for tests of the purchaser: the real engine on a log in memory, whose ledger a purchaser
// follows, and purchasers that can be killed at any moment.
package purchasingtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"drawdown"
	"drawdown/balance"
	"drawdown/balance/ledgerevent"
	"drawdown/consumer/decode"
	"drawdown/consumer/feed"
	"drawdown/purchasing"
)

// World is a log with one partition, the state that follows from it, and the ledger that it causes. Safe for concurrent use.
type World struct {
	mu        sync.Mutex
	changed   *sync.Cond
	machine   *balance.Partition
	decoder   decode.Decoder
	next      drawdown.Offset
	ledger    []feed.Event
	rejected  map[drawdown.Reason]int
	repeated  int
	ids       int
	clock     func() time.Time
	fault     func(o *purchasing.Operation) Loss
	committed int64
}

// Loss is what goes wrong with an append.
type Loss int

// What can go wrong with an append.
const (
	Kept      Loss = iota
	LostWhole      // nothing was written
	LostReply      // it was written, and nobody knows
)

// ErrAway is the error of an append that was lost.
var ErrAway = errors.New("the log is away")

// NewWorld returns an empty log. The clock stamps its records.
func NewWorld(clock func() time.Time) *World {
	w := &World{machine: balance.NewPartition(0), clock: clock, rejected: map[drawdown.Reason]int{}}
	w.changed = sync.NewCond(&w.mu)
	return w
}

// Lose decides what is lost of the operations that the purchaser appends; nil loses nothing.
func (w *World) Lose(decide func(*purchasing.Operation) Loss) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fault = decide
}

// Append implements [purchasing.Log].
func (w *World) Append(ctx context.Context, o *purchasing.Operation) (drawdown.Offset, error) {
	if err := ctx.Err(); err != nil {
		return -1, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	loss := Kept
	if w.fault != nil {
		loss = w.fault(o)
	}
	if loss == LostWhole {
		return -1, ErrAway
	}
	offset := w.write(o.Type, o.Account, o.ID, o.Source, o.Time, o.Data)
	if loss == LostReply {
		return -1, ErrAway
	}
	return offset, nil
}

// Do appends a record of the test's own.
func (w *World) Do(t drawdown.Type, account string, data any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ids++
	w.write(t, account, "test-"+strconv.Itoa(w.ids), "test", w.clock(), data)
}

// Tick lets time pass for an account.
func (w *World) Tick(account string) { w.Do(drawdown.Tick, account, nil) }

func (w *World) write(t drawdown.Type, account, id, source string, at time.Time, data any) drawdown.Offset {
	record := map[string]any{
		"specversion": "1.0", "id": id, "source": source, "type": t.String(), "time": at.UTC().Format(time.RFC3339Nano),
	}
	if account != "" {
		record["subject"] = account
	}
	if data != nil {
		record["data"] = data
	}
	value, err := json.Marshal(record)
	if err != nil {
		panic(err)
	}
	var rec drawdown.Record
	w.decoder.Reset()
	rec.Offset = w.next
	w.next++
	w.decoder.Decode(value, drawdown.Time(w.clock().UnixMilli()), &rec)
	if rec.Reject != "" {
		panic(fmt.Sprintf("%s: %s", rec.Reject, value))
	}
	if rec.Account != nil && w.machine.Missing(rec.Account) {
		if _, err := w.machine.Restore(balance.Stored{Account: string(rec.Account)}); err != nil {
			panic(err)
		}
	}
	w.machine.Apply(&rec, w)
	w.changed.Broadcast()
	return rec.Offset
}

// Charge implements [drawdown.Output].
func (w *World) Charge(*drawdown.Charge) {}

// Ledger implements [drawdown.Output]: the entry is published as the worker does it.
func (w *World) Ledger(e drawdown.Entry) {
	event, err := ledgerevent.Decode(ledgerevent.Append(nil, 0, e))
	if err != nil {
		panic(err)
	}
	w.ledger = append(w.ledger, feed.Event{Event: event, Position: int64(len(w.ledger)), Appended: w.clock()})
}

// Rejected implements [drawdown.Output].
func (w *World) Rejected(r *drawdown.Rejected) { w.rejected[r.Reason]++ }

// Duplicate implements [drawdown.Output].
func (w *World) Duplicate(*drawdown.Duplicate) { w.repeated++ }

// Rejections are how many records were rejected, by reason, and how many were duplicates.
func (w *World) Rejections() (rejected map[drawdown.Reason]int, duplicates int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.rejected, w.repeated
}

// Balance is an account's balance.
func (w *World) Balance(account string) drawdown.Balance {
	w.mu.Lock()
	defer w.mu.Unlock()
	b, _ := w.machine.Balance(account)
	return b
}

// Balances are the balances of all accounts.
func (w *World) Balances() []drawdown.Balance {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.machine.Balances()
}

// Profile implements [purchasing.Directory].
func (w *World) Profile(_ context.Context, account string, _ drawdown.Offset) (drawdown.Profile, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	profile, exists := w.machine.Profile(account)
	if !exists {
		return profile, fmt.Errorf("no account %s", account)
	}
	return profile, nil
}

// Plans implements [purchasing.Directory].
func (w *World) Plans(context.Context) (map[string]*drawdown.Plan, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.machine.Plans(), nil
}

// Lines are the ledger's lines of some types, in order.
func (w *World) Lines(types ...string) []string {
	lines, _ := w.LinesFrom(0, types...)
	return lines
}

// LinesFrom are those from a position on, and the position after them.
func (w *World) LinesFrom(position int, types ...string) (lines []string, next int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.ledger[position:] {
		if e := &w.ledger[position+i]; slices.Contains(types, e.Type) {
			lines = append(lines, string(e.Line))
		}
	}
	return lines, len(w.ledger)
}

// await waits until the ledger has an entry at a position or the context ends, and returns the entries from there on.
func (w *World) await(ctx context.Context, position int64) []feed.Event {
	defer context.AfterFunc(ctx, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.changed.Broadcast()
	})()
	w.mu.Lock()
	defer w.mu.Unlock()
	for int64(len(w.ledger)) <= position && ctx.Err() == nil {
		w.changed.Wait()
	}
	return w.ledger[min(position, int64(len(w.ledger))):]
}
