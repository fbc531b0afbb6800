package replay_test

import (
	"encoding/json"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"drawdown"
)

// heldLine is what the lines about holds, and charges, have in common.
type heldLine struct {
	Type, Account, Hold, Connection, Category, Amount, Used, Credits string
	Job                                                              uint64
}

// heldModel is what the lines written so far say of an account's holds.
type heldModel map[string]*modelHold

type modelHold struct {
	connection   string
	job          uint64
	amount, left *big.Int
	open         bool
}

// nano reads a credits string of any size.
func nano(t *rapid.T, text string) *big.Int {
	exact, ok := new(big.Rat).SetString(text)
	if !ok {
		t.Fatalf("no credits: %q", text)
	}
	exact.Mul(exact, big.NewRat(int64(drawdown.Credit), 1))
	return exact.Num()
}

// take follows one line.
func (m heldModel) take(t *rapid.T, l *heldLine) {
	switch l.Type {
	case "hold.queued":
		m[l.Hold] = &modelHold{connection: l.Connection, job: l.Job, amount: nano(t, l.Amount), left: nano(t, l.Amount)}
	case "hold.placed":
		if waited := m[l.Hold]; waited != nil && (waited.open || waited.connection != l.Connection || waited.job != l.Job) {
			t.Fatalf("hold %q is placed for another job, or twice", l.Hold)
		}
		m[l.Hold] = &modelHold{connection: l.Connection, job: l.Job, amount: nano(t, l.Amount), left: nano(t, l.Amount), open: true}
	case "hold.released", "hold.expired":
		h := m[l.Hold]
		if h == nil || h.left.Cmp(nano(t, l.Amount)) != 0 || new(big.Int).Sub(h.amount, h.left).Cmp(nano(t, l.Used)) != 0 {
			t.Fatalf("hold %q ended with %s left and %s used; its lines say %+v", l.Hold, l.Amount, l.Used, h)
		}
		delete(m, l.Hold)
	case "charge":
		for _, h := range m {
			if h.open && h.connection == l.Connection && h.job == l.Job {
				h.left.Sub(h.left, nano(t, l.Credits))
				if h.left.Sign() < 0 {
					h.left.SetInt64(0)
				}
			}
		}
	}
}

func (m heldModel) held() *big.Int {
	sum := new(big.Int)
	for _, h := range m {
		if h.open {
			sum.Add(sum, h.left)
		}
	}
	return sum
}

// TestHeldFollowsFromTheLines adds up the lines about holds, and expects what the accounts say: so whoever reads the
// ledger knows what is held. And where a record's last line opens a hold, what is available is not below zero.
func TestHeldFollowsFromTheLines(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newMachine()
		models := map[string]heldModel{}
		for i, line := range drawLog(t) {
			var last heldLine
			for _, written := range m.apply(i, line) {
				if written == "" {
					continue
				}
				last = heldLine{}
				if err := json.Unmarshal([]byte(written), &last); err != nil {
					t.Fatalf("%s: %v", written, err)
				}
				if models[last.Account] == nil {
					models[last.Account] = heldModel{}
				}
				models[last.Account].take(t, &last)
			}
			for _, b := range m.partition.Balances() {
				model := models[b.Account]
				if sum := model.held(); sum.Cmp(big.NewInt(int64(b.Held))) != 0 || len(model) != len(b.Holds) {
					t.Fatalf("after record %d, %s: account %s holds %v in %d holds, its lines say %v in %d", i, line, b.Account, b.Held, len(b.Holds), sum, len(model))
				}
				if last.Type == "hold.placed" && last.Account == b.Account && b.Available < 0 {
					t.Fatalf("record %d, %s: hold %q left %v", i, line, last.Hold, b.Available)
				}
			}
		}
	})
}
