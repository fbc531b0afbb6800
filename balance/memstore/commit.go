package memstore

import (
	"bytes"
	"context"
	"maps"
	"slices"

	"drawdown/balance"
)

// Commit implements [balance.Store].
func (s *Store) Commit(_ context.Context, c *balance.Commit) (balance.Outcome, error) {
	if err := c.Validate(); err != nil {
		return balance.Outcome{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.partition(c.Partition)
	outcome := p.judge(c)
	if outcome.Kind == balance.Applied {
		p.apply(c)
	}
	return outcome, nil
}

// judge says what becomes of a commit, without changing anything. Who owns the partition is asked first: a fenced
// owner must not take the answer of its successor's batches for its own.
func (p *partition) judge(c *balance.Commit) balance.Outcome {
	stored := p.position
	switch {
	case !stored.Exists || stored.Epoch.Number < c.Epoch.Number:
		return balance.Outcome{Kind: balance.Rewound, Found: stored}
	case stored.Epoch != c.Epoch:
		return balance.Outcome{Kind: balance.Fenced, Found: stored}
	case stored.Next == c.Expected:
		return p.judgeAccounts(c)
	case p.last == batch{from: c.Expected, to: c.Next, digest: c.Digest} && stored.Next == c.Next:
		return balance.Outcome{Kind: balance.AlreadyApplied, Found: stored}
	case stored.Next < c.Expected:
		return balance.Outcome{Kind: balance.Rewound, Found: stored}
	default:
		return balance.Outcome{Kind: balance.Diverged, Found: stored}
	}
}

func (p *partition) judgeAccounts(c *balance.Commit) balance.Outcome {
	for i := range c.Accounts {
		change := &c.Accounts[i]
		var got balance.Mark
		if a, ok := p.accounts[change.Account]; ok {
			got = a.mark
		}
		if got != change.Before {
			return balance.Outcome{
				Kind: balance.Diverged, Found: p.position,
				Account: change.Account, Expected: change.Before, Got: got,
			}
		}
	}
	return balance.Outcome{Kind: balance.Applied}
}

func (p *partition) apply(c *balance.Commit) {
	for i := range c.Accounts {
		p.applyAccount(&c.Accounts[i])
	}
	for _, broadcast := range c.Broadcasts {
		p.catalogue = append(p.catalogue, bytes.Clone(broadcast))
	}
	for _, entry := range c.Index {
		p.index[entry] = struct{}{}
	}
	for entry := range p.index {
		a, stored := p.accounts[entry.Account]
		if stored && slices.Contains(c.Wake, entry.Connector) {
			a.due = min(a.due, c.Clock)
		}
	}
	for status, change := range c.Statuses {
		p.position.Statuses[status] += change
	}
	p.position.Next, p.position.Clock = c.Next, c.Clock
	p.last = batch{from: c.Expected, to: c.Next, digest: c.Digest}
}

func (p *partition) applyAccount(change *balance.AccountChange) {
	a, ok := p.accounts[change.Account]
	if !ok {
		a = &account{fields: map[string][]byte{}}
		p.accounts[change.Account] = a
	}
	a.mark, a.core, a.due = change.After, bytes.Clone(change.Core), change.Due
	for _, field := range change.Fields {
		if field.Value == nil {
			delete(a.fields, field.Name)
		} else {
			a.fields[field.Name] = bytes.Clone(field.Value)
		}
	}
	for _, segment := range change.Drops {
		delete(p.segments, balance.SegmentKey{Account: change.Account, Segment: segment})
	}
	for _, added := range change.Appends {
		key := balance.SegmentKey{Account: change.Account, Segment: added.Segment}
		p.segments[key] = slices.Concat(p.segments[key], added.Data)
	}
}

// Snapshot returns a copy of the store as it stands: a backup, for tests of what a restored store does.
func (s *Store) Snapshot() *Store {
	s.mu.Lock()
	defer s.mu.Unlock()
	copied := &Store{recorded: s.recorded, partitions: map[int32]*partition{}}
	for number, p := range s.partitions {
		copied.partitions[number] = p.clone()
	}
	return copied
}

// Restore makes the store what it was when the snapshot was taken. The snapshot can be restored again.
func (s *Store) Restore(snapshot *Store) {
	fresh := snapshot.Snapshot()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.recorded, s.partitions = fresh.recorded, fresh.partitions
}

func (p *partition) clone() *partition {
	copied := *p
	copied.catalogue = slices.Clone(p.catalogue)
	copied.segments = maps.Clone(p.segments)
	copied.index = maps.Clone(p.index)
	copied.accounts = map[string]*account{}
	for id, a := range p.accounts {
		twin := *a
		twin.fields = maps.Clone(a.fields)
		copied.accounts[id] = &twin
	}
	return &copied
}
