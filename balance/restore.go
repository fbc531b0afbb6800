package balance

import (
	"fmt"
	"sort"
	"strings"

	"drawdown"
)

// Segments of an account: ids of usage without seq and of operations by time, and the book of purchases.
const (
	usageSegment     = 'u'
	operationSegment = 'o'
	bookSegment      = "p"
)

// RestorePosition sets the position and the clock from the store.
func (p *Partition) RestorePosition(position Position) {
	p.next = position.Next
	p.clock = drawdown.NoTime
	if position.Exists {
		p.clock = position.Clock
	}
}

// Missing reports whether the account is not in memory: it must be restored before a record of it is applied.
func (p *Partition) Missing(account []byte) bool {
	_, known := p.accounts[string(account)]
	return !known
}

// Restore takes an account as the store has it (also one that is absent) and returns the names of the segments that
// must be restored too, by RestoreSegments, before a record of the account is applied.
func (p *Partition) Restore(s Stored) (segments []string, err error) {
	if s.Mark == (Mark{}) && s.Core == nil {
		p.accounts[s.Account] = nil
		return nil, nil
	}
	a := newAccount(s.Account)
	a.stored = s.Mark
	a.changedAt = drawdown.Offset(s.Mark.Version) - 1
	if err := a.unpackParts(s, p.plans); err != nil {
		return nil, fmt.Errorf("restore account %s: %w", s.Account, err)
	}
	a.storedStatus = a.status
	if err := a.restoreConnections(s.Fields, p.name); err != nil {
		return nil, fmt.Errorf("restore account %s: %w", s.Account, err)
	}
	if err := a.restoreFrozenAttempts(s.Fields); err != nil {
		return nil, fmt.Errorf("restore account %s: %w", s.Account, err)
	}
	p.accounts[a.id] = a
	return a.segmentNames(), nil
}

// unpackParts takes the core, the contacts and the holds, and compares what is available with the plain number.
func (a *account) unpackParts(s Stored, plans map[string]*drawdown.Plan) error {
	if err := a.unpack(s.Core, plans); err != nil {
		return err
	}
	if err := a.restoreHolds(s.Fields); err != nil {
		return err
	}
	if a.unheld() != s.Mark.Balance {
		return fmt.Errorf("its state says %v credits, its balance %v: %w", a.unheld(), s.Mark.Balance, errDamaged)
	}
	return a.restoreContacts(s.Fields)
}

// restoreConnections takes the connections, but for their frozen attempts.
func (a *account) restoreConnections(fields []Field, intern func([]byte) string) error {
	for _, f := range fields {
		if name, isConnection := strings.CutPrefix(f.Name, connectionField); isConnection {
			c, err := unpackConnection(name, f.Value, intern)
			if err != nil {
				return fmt.Errorf("connection %q: %w", name, err)
			}
			a.connections[name] = c
			if a.isEnrolled() {
				a.linked[c.source], a.linked[c.destination] = true, true
			}
		}
	}
	return nil
}

func (a *account) restoreFrozenAttempts(fields []Field) error {
	for _, f := range fields {
		if strings.HasPrefix(f.Name, frozenField) {
			if err := a.restoreFrozen(f); err != nil {
				return err
			}
		}
	}
	for _, c := range a.connections {
		sort.Slice(c.attempts.frozen, func(i, j int) bool { return c.attempts.frozen[i].number < c.attempts.frozen[j].number })
	}
	return nil
}

func (a *account) restoreFrozen(f Field) error {
	name, number, err := parseFrozenField(f.Name)
	if err != nil {
		return err
	}
	c := a.connections[name]
	if c == nil {
		return fmt.Errorf("attempts of the unknown connection %q: %w", name, errDamaged)
	}
	block, err := unpackFrozen(number, f.Value)
	c.attempts.frozen = append(c.attempts.frozen, block)
	return err
}

func (a *account) segmentNames() []string {
	var names []string
	for i := range a.usageIDs.segments {
		names = append(names, segmentName(usageSegment, a.usageIDs.segments[i].number))
	}
	for i := range a.operationIDs.segments {
		names = append(names, segmentName(operationSegment, a.operationIDs.segments[i].number))
	}
	if a.purchases.book.bytes > 0 {
		names = append(names, bookSegment)
	}
	return names
}

// RestoreSegments takes the content of an account's segments, named as Restore returned them.
func (p *Partition) RestoreSegments(account string, names []string, data [][]byte) error {
	a := p.accounts[account]
	for i, name := range names {
		if !a.restoreSegment(name, data[i]) {
			return fmt.Errorf("restore segment %s of account %s: %w", name, account, errDamaged)
		}
	}
	return nil
}

func (a *account) restoreSegment(name string, packed []byte) bool {
	if name == bookSegment {
		return a.purchases.book.restore(packed)
	}
	memory := &a.usageIDs
	if name[0] == operationSegment {
		memory = &a.operationIDs
	}
	for i := range memory.segments {
		if s := &memory.segments[i]; segmentName(name[0], s.number) == name {
			return s.restore(packed)
		}
	}
	return false
}
