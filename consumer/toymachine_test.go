package consumer

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"drawdown"
	"drawdown/balance"
)

// toyMachine is a state machine with a rule that a test can check by hand: an account is the sum of its quantities and
// the chain of everything that it has seen, so that a record applied twice, never, or in another order shows.
type toyMachine struct {
	index     int32
	accounts  map[string]*toyAccount
	changed   map[string]balance.Mark // marks before the batch
	position  drawdown.Offset
	committed drawdown.Offset
	clock     drawdown.Time
	statuses  [drawdown.StatusCount]int64
	// broken, where not nil, fails restoring an account.
	broken error
}

type toyAccount struct {
	sum     uint64
	chain   uint64
	due     drawdown.Time
	version int64
}

func newToyMachine() *toyMachine {
	return &toyMachine{accounts: make(map[string]*toyAccount), changed: make(map[string]balance.Mark), clock: drawdown.NoTime}
}

func (m *toyMachine) RestorePosition(p balance.Position) {
	m.position, m.committed, m.clock = p.Next, p.Next, p.Clock
}

func (m *toyMachine) RestoreCatalogue([][]byte, func([]byte, *drawdown.Record)) error { return nil }

func (m *toyMachine) Missing(account []byte) bool {
	_, there := m.accounts[string(account)]
	return !there
}

func (m *toyMachine) Restore(s balance.Stored) ([]string, error) {
	if m.broken != nil {
		return nil, m.broken
	}
	a := &toyAccount{due: drawdown.Never, version: s.Mark.Version}
	if s.Core != nil {
		a.sum, a.chain = binary.BigEndian.Uint64(s.Core), binary.BigEndian.Uint64(s.Core[8:])
		a.due = drawdown.Time(binary.BigEndian.Uint64(s.Core[16:]))
	}
	m.accounts[s.Account] = a
	return []string{"seen"}, nil
}

func (m *toyMachine) RestoreSegments(account string, names []string, data [][]byte) error {
	if a := m.accounts[account]; a == nil || !slices.Equal(names, []string{"seen"}) || len(data) != 1 {
		return fmt.Errorf("segments %q of account %q, which is restored: %v", names, account, a != nil)
	}
	return nil
}

func (m *toyMachine) core(a *toyAccount) []byte {
	core := binary.BigEndian.AppendUint64(nil, a.sum)
	core = binary.BigEndian.AppendUint64(core, a.chain)
	return binary.BigEndian.AppendUint64(core, uint64(a.due))
}

func (m *toyMachine) mark(a *toyAccount) balance.Mark {
	return balance.Mark{Version: a.version, Balance: drawdown.Credits(a.sum)}
}

func (m *toyMachine) Apply(rec *drawdown.Record, out drawdown.Output) {
	m.clock = max(m.clock, rec.LogTime)
	head := drawdown.Head{Offset: rec.Offset, At: m.clock, Account: string(rec.Account)}
	if rec.Reject != "" || rec.Account == nil {
		reason := rec.Reject
		if reason == "" {
			reason = drawdown.UnknownAccount
		}
		out.Rejected(&drawdown.Rejected{Head: head, Reason: reason})
		return
	}
	a := m.accounts[head.Account]
	if a == nil {
		panic("a record of an account that was not restored")
	}
	if _, seen := m.changed[head.Account]; !seen {
		m.changed[head.Account] = m.mark(a)
	}
	if a.version == 0 {
		m.statuses[drawdown.Active]++
	}
	a.version = int64(rec.Offset) + 1
	a.chain = a.chain*1_000_003 + uint64(rec.Offset) + 1
	if rec.Type == drawdown.Tick {
		a.due = drawdown.Never
		out.Ledger(&drawdown.LowBalanceNotice{Head: head, Available: drawdown.Credits(a.sum)})
		return
	}
	a.sum += rec.Usage.Quantity[drawdown.Records]
	if rec.Usage.Attempt == 7 { // an attempt that makes the account due
		a.due = m.clock + drawdown.Second
	}
	if rec.Usage.Attempt == 9 {
		out.Duplicate(&drawdown.Duplicate{Head: head, Event: rec.ID})
		return
	}
	out.Charge(&drawdown.Charge{
		Head: head, Time: rec.Time, Connection: string(rec.Usage.Connection), Event: rec.ID, Kind: "kind", Rates: "1",
		Quantity: rec.Usage.Quantity[drawdown.Records], Credits: drawdown.TotalOf(drawdown.Credits(a.sum)),
	})
	if a.sum%3 == 0 {
		head.N = 1
		out.Ledger(&drawdown.StatusChanged{Head: head, From: drawdown.Active, To: drawdown.Exhausted})
	}
}

func (m *toyMachine) Clock() drawdown.Time { return m.clock }

func (m *toyMachine) Take(epoch balance.Epoch, next drawdown.Offset) *balance.Commit {
	c := &balance.Commit{Partition: m.index, Epoch: epoch, Expected: m.position, Next: next, Clock: m.clock, Statuses: m.statuses}
	digest := sha256.New()
	for _, id := range slices.Sorted(maps.Keys(m.changed)) {
		a := m.accounts[id]
		c.Accounts = append(c.Accounts, balance.AccountChange{
			Account: id, Before: m.changed[id], After: m.mark(a), Core: m.core(a), Due: a.due,
			Appends: []balance.SegmentAppend{{Segment: "seen", Data: []byte{1}}},
		})
		fmt.Fprint(digest, id, m.mark(a), m.core(a))
	}
	copy(c.Digest[:], digest.Sum(nil))
	m.position = next
	m.changed = make(map[string]balance.Mark)
	m.statuses = [drawdown.StatusCount]int64{}
	return c
}

func (m *toyMachine) TakeGaps() balance.Gaps { return balance.Gaps{Left: 1} }

func (m *toyMachine) Committed(next drawdown.Offset) { m.committed = next }

func (m *toyMachine) Evict(keep int) int {
	evicted := 0
	for id, a := range m.accounts {
		if len(m.accounts) <= keep {
			break
		}
		if a.version <= int64(m.committed) {
			delete(m.accounts, id)
			evicted++
		}
	}
	return evicted
}

func (m *toyMachine) Cached() int { return len(m.accounts) }
