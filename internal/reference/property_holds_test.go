package reference_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"testing"

	"drawdown/internal/reference"
)

// book is an account kept from its lines alone, in nano-credits.
type book struct {
	balance *big.Int
	// open is what is left of each open hold, and waiting what is asked for, by id.
	open, waiting map[string]*held
}

type held struct {
	sync         string
	amount, left *big.Int
}

func newBook() *book {
	return &book{balance: new(big.Int), open: map[string]*held{}, waiting: map[string]*held{}}
}

func (b *book) held() *big.Int {
	sum := new(big.Int)
	for _, h := range b.open {
		sum.Add(sum, h.left)
	}
	return sum
}

// nanoOf reads credits as they are printed.
func nanoOf(t *testing.T, credits any) *big.Int {
	t.Helper()
	value, ok := new(big.Rat).SetString(credits.(string))
	if !ok {
		t.Fatalf("credits %v", credits)
	}
	value.Mul(value, big.NewRat(1_000_000_000, 1))
	if !value.IsInt() {
		t.Fatalf("credits %v", credits)
	}
	return value.Num()
}

// enter books a line, and fails where a hold is opened on credits that are not there or ends with others than are left.
func (b *book) enter(t *testing.T, line reference.Line) {
	t.Helper()
	id, _ := line["hold"].(string)
	sync := fmt.Sprint(line["connection"], " ", line["job"])
	switch line["type"] {
	case "grant.added":
		b.balance.Add(b.balance, nanoOf(t, line["amount"]))
	case "grant.expired", "grant.voided", "grant.refunded":
		b.balance.Sub(b.balance, nanoOf(t, line["amount"]))
	case "charge":
		credits := nanoOf(t, line["credits"])
		b.balance.Sub(b.balance, credits)
		for _, h := range b.open {
			if h.sync == sync && h.left.Cmp(credits) >= 0 {
				h.left.Sub(h.left, credits)
			} else if h.sync == sync {
				h.left.SetInt64(0)
			}
		}
	case "hold.queued":
		b.waiting[id] = &held{sync: sync, amount: nanoOf(t, line["amount"])}
	case "hold.placed":
		h := &held{sync: sync, amount: nanoOf(t, line["amount"]), left: nanoOf(t, line["amount"])}
		if asked := b.waiting[id]; asked != nil && (asked.sync != h.sync || asked.amount.Cmp(h.amount) != 0) {
			t.Fatalf("another hold was asked for than %v", line)
		}
		delete(b.waiting, id)
		b.open[id] = h
		if b.held().Cmp(b.balance) > 0 {
			t.Fatalf("more is held than there is: %v", line)
		}
	case "hold.released", "hold.expired":
		left, used := nanoOf(t, line["amount"]), nanoOf(t, line["used"])
		h := b.open[id]
		if h == nil {
			h = b.waiting[id]
			h.left = h.amount
		}
		if h.left.Cmp(left) != 0 || new(big.Int).Add(left, used).Cmp(h.amount) != 0 {
			t.Fatalf("ends otherwise than it was used: %v", line)
		}
		delete(b.open, id)
		delete(b.waiting, id)
	}
}

// TestHoldsAddUpFromTheirLines keeps every account's holds from the output alone: no two of them ever hold the same
// credits, and the balances say what the lines do.
func TestHoldsAddUpFromTheirLines(t *testing.T) {
	placed := 0
	for seed := range uint64(2 * logs) {
		engine := reference.New()
		books := map[string]*book{}
		for _, record := range reference.Records(randomLog(seed)) {
			for _, line := range apply(t, engine, record) {
				account, _ := line["account"].(string)
				if books[account] == nil {
					books[account] = newBook()
				}
				books[account].enter(t, line)
				if line["type"] == "hold.placed" {
					placed++
				}
			}
		}
		for _, balance := range engine.Balances() {
			b := books[balance["account"].(string)]
			if b == nil {
				b = newBook()
			}
			compareHolds(t, seed, balance, b)
		}
	}
	if placed < logs {
		t.Fatalf("only %d holds", placed)
	}
}

func compareHolds(t *testing.T, seed uint64, balance reference.Line, b *book) {
	t.Helper()
	holds, _ := balance["holds"].([]any)
	if len(holds) != len(b.open)+len(b.waiting) {
		t.Fatalf("seed %d: %d holds in %v", seed, len(holds), balance)
	}
	available := new(big.Int).Sub(b.balance, b.held())
	if nanoOf(t, balance["available"]).Cmp(available) != 0 {
		t.Fatalf("seed %d: by the lines %s nano-credits are available in %v", seed, available, balance)
	}
	if len(holds) > 0 && nanoOf(t, balance["held"]).Cmp(b.held()) != 0 {
		t.Fatalf("seed %d: by the lines %s nano-credits are held in %v", seed, b.held(), balance)
	}
	for _, each := range holds {
		h := each.(reference.Line)
		id := h["hold"].(string)
		kept, waits := b.open[id], false
		if kept == nil {
			kept, waits = b.waiting[id], true
			kept.left = kept.amount
		}
		if h["waiting"] != waits || nanoOf(t, h["remaining"]).Cmp(kept.left) != 0 || nanoOf(t, h["amount"]).Cmp(kept.amount) != 0 {
			t.Fatalf("seed %d: by the lines %s of %s is left of %v", seed, kept.left, kept.amount, h)
		}
	}
}

// TestHoldsChangeNothingElse replays each log with its holds and with records that do nothing in their place: what is
// charged, bought, noticed and granted is the same, since credits that are only held are not used.
func TestHoldsChangeNothingElse(t *testing.T) {
	replaced := 0
	for seed := range uint64(logs) {
		with, without := reference.New(), reference.New()
		var want, got []reference.Line
		for _, record := range reference.Records(randomLog(seed)) {
			lines := apply(t, with, record)
			got = append(got, withoutHolds(lines)...)
			if other, is := inPlaceOfHold(record, lines); is {
				record = other
				replaced++
			}
			want = append(want, apply(t, without, record)...)
		}
		compareEffects(t, seed, want, got)
		compareEffects(t, seed, got, want)
	}
	if replaced < logs {
		t.Fatalf("only %d records of holds", replaced)
	}
}

func withoutHolds(lines []reference.Line) []reference.Line {
	return slices.DeleteFunc(slices.Clone(lines), func(line reference.Line) bool { return line["hold"] != nil })
}

// inPlaceOfHold is a record that advances and is remembered like one of a hold, and does nothing. One that was
// rejected before its account advanced stays as it is.
func inPlaceOfHold(record []byte, lines []reference.Line) (other []byte, is bool) {
	decoder := json.NewDecoder(bytes.NewReader(record))
	decoder.UseNumber() // unknown members may hold numbers beyond any float
	var members map[string]any
	if decoder.Decode(&members) != nil {
		return nil, false
	}
	if typ := members["type"]; typ != "hold.placed" && typ != "hold.released" {
		return nil, false
	}
	members["type"], members["data"] = "contacts.set", map[string]any{}
	for _, line := range lines {
		switch line["reason"] {
		case "malformed", "future", "late", "unknown_account":
			return nil, false
		case "bad_hold", "hold_exists", "too_many_holds", "connection_stopped", "insufficient_credits", "unknown_hold":
			members["type"] = "tick" // not remembered
		}
	}
	other, err := json.Marshal(members)
	return other, err == nil
}
