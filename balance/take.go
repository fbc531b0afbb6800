package balance

import (
	"crypto/sha256"
	"encoding/binary"

	"drawdown"
)

// Take returns all changes since the last Take, as a commit from the position after the last Take to next.
func (p *Partition) Take(epoch Epoch, next drawdown.Offset) *Commit {
	commit := &Commit{
		Partition: p.index, Epoch: epoch, Expected: p.next, Next: next, Clock: p.clock,
		Broadcasts: p.addedBroadcasts, Wake: p.wake,
		Accounts: make([]AccountChange, 0, len(p.touched)),
	}
	// All parts are packed into one buffer: a commit has thousands of them.
	w := packer{buf: make([]byte, 0, len(p.touched)*p.packedBytes)}
	for _, a := range p.touched {
		commit.Accounts = append(commit.Accounts, p.takeAccount(a, &w))
		for _, connector := range a.freshlyLinked {
			commit.Index = append(commit.Index, IndexEntry{Connector: connector, Account: a.id})
		}
		a.freshlyLinked = nil
		if a.storedStatus != drawdown.StatusNone {
			commit.Statuses[a.storedStatus]--
		}
		commit.Statuses[a.status]++
		a.storedStatus = a.status
	}
	commit.Digest = digest(commit)
	if len(p.touched) > 0 {
		p.packedBytes = len(w.buf)/len(p.touched) + 1
	}
	p.next = next
	p.touched = p.touched[:0]
	p.addedBroadcasts, p.wake = nil, nil
	return commit
}

// TakeGaps returns the gaps in sequence numbers since it was last called.
func (p *Partition) TakeGaps() Gaps {
	gaps := p.gaps
	p.gaps = Gaps{}
	return gaps
}

func (p *Partition) takeAccount(a *account, w *packer) AccountChange {
	change := AccountChange{
		Account: a.id, Before: a.stored,
		After: Mark{Version: int64(a.changedAt) + 1, Balance: a.unheld()},
	}
	if len(a.touchedConns) > 0 {
		change.Fields = make([]Field, 0, len(a.touchedConns))
	}
	if a.contactsTouched {
		begin := len(w.buf)
		a.contacts.pack(w)
		change.Fields = append(change.Fields, Field{Name: ContactsField, Value: w.since(begin)})
		a.contactsTouched = false
	}
	if a.holds.touched {
		change.Fields = append(change.Fields, a.holds.changedField(w))
		a.holds.touched = false
	}
	for _, c := range a.touchedConns {
		change.Fields = c.changedFields(change.Fields, a.advanced, w)
		c.touched = false
	}
	a.touchedConns = a.touchedConns[:0]
	change.Appends, change.Drops = a.usageIDs.take(usageSegment, change.Appends, change.Drops)
	change.Appends, change.Drops = a.operationIDs.take(operationSegment, change.Appends, change.Drops)
	if len(a.bookAdded) > 0 {
		change.Appends = append(change.Appends, SegmentAppend{Segment: bookSegment, Data: a.bookAdded})
		a.bookAdded = nil
	}
	begin := len(w.buf)
	a.pack(w)
	change.Core = w.since(begin)
	if a.dueStale || a.dueSeen != p.published {
		a.nextDue, a.dueStale, a.dueSeen = p.nextDue(a), false, p.published
	}
	change.Due = a.nextDue
	a.stored = change.After
	a.touched = false
	return change
}

// take returns what was remembered and dropped since it was last called.
func (m *identities) take(prefix byte, appends []SegmentAppend, drops []string) ([]SegmentAppend, []string) {
	for i := range m.segments {
		if s := &m.segments[i]; len(s.added) > 0 {
			appends = append(appends, SegmentAppend{Segment: segmentName(prefix, s.number), Data: s.added})
			s.added = nil
		}
	}
	for _, number := range m.dropped {
		drops = append(drops, segmentName(prefix, number))
	}
	m.dropped = nil
	return appends, drops
}

// digest identifies a commit: where it begins and ends, and what it makes of each account.
func digest(c *Commit) [16]byte {
	h := sha256.New()
	var buf []byte
	buf = binary.AppendVarint(buf, int64(c.Expected))
	buf = binary.AppendVarint(buf, int64(c.Next))
	buf = binary.AppendVarint(buf, int64(c.Clock))
	h.Write(buf)
	for i := range c.Accounts {
		change := &c.Accounts[i]
		buf = append(buf[:0], change.Account...)
		buf = binary.AppendVarint(buf, change.After.Version)
		buf = binary.AppendVarint(buf, int64(change.After.Balance))
		buf = binary.AppendUvarint(buf, uint64(len(change.Core)))
		h.Write(buf)
		h.Write(change.Core)
	}
	return [16]byte(h.Sum(nil)[:16])
}

// Committed says that all changes up to next are in the store: accounts that did not change after may be evicted.
func (p *Partition) Committed(next drawdown.Offset) { p.committed = next }

// Evict drops accounts from memory, of those whose changes are all committed, until keep are left. It returns how
// many. Which ones are dropped does not matter to the result of any record.
func (p *Partition) Evict(keep int) int {
	evicted := 0
	for id, a := range p.accounts {
		if len(p.accounts) <= keep {
			break
		}
		if a == nil || (!a.touched && a.changedAt < p.committed) {
			delete(p.accounts, id)
			evicted++
		}
	}
	return evicted
}

// Cached returns how many accounts are in memory.
func (p *Partition) Cached() int { return len(p.accounts) }
