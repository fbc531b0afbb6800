package rating

import (
	"sort"

	"drawdown"
)

// gaNotice is how long before it happens customers are told that a connector becomes ga, and is no longer free.
const gaNotice = 14 * drawdown.Day

// connector is what is known of one connector: what holds from which instant on.
type connector struct {
	// entries are in order of effect; of equal instants the one written last is last. The first entry ever written
	// holds from the beginning of time.
	entries []drawdown.ConnectorEntry
	lastSet drawdown.Time // the partition's clock at the last accepted connector.set
}

// at returns the entry that holds at an instant, and the instant at which the next one does.
func (c *connector) at(t drawdown.Time) (entry *drawdown.ConnectorEntry, until drawdown.Time) {
	after := sort.Search(len(c.entries), func(i int) bool { return c.entries[i].EffectiveAt > t })
	until = drawdown.Never
	if after < len(c.entries) {
		until = c.entries[after].EffectiveAt
	}
	return &c.entries[after-1], until
}

// with returns the entries with one more.
func (c *connector) with(entry drawdown.ConnectorEntry) []drawdown.ConnectorEntry {
	after := sort.Search(len(c.entries), func(i int) bool { return c.entries[i].EffectiveAt > entry.EffectiveAt })
	entries := make([]drawdown.ConnectorEntry, 0, len(c.entries)+1)
	entries = append(entries, c.entries[:after]...)
	entries = append(entries, entry)
	return append(entries, c.entries[after:]...)
}

// becomesGA returns the instants at which the stage turns to ga from another one, ascending.
func becomesGA(entries []drawdown.ConnectorEntry) []drawdown.Time {
	var instants []drawdown.Time
	before := entries[0].Stage
	for i := 0; i < len(entries); {
		at := entries[i].EffectiveAt
		for i < len(entries) && entries[i].EffectiveAt == at {
			i++
		}
		holds := entries[i-1].Stage
		if at != drawdown.NoTime && holds == drawdown.GA && before != drawdown.GA {
			instants = append(instants, at)
		}
		before = holds
	}
	return instants
}

// Connectors is the connector catalogue.
type Connectors struct{ byName map[string]*connector }

// Check returns why the entry can't be set at time, the record's own; "" where it can.
func (c *Connectors) Check(entry *drawdown.ConnectorEntry, time drawdown.Time) drawdown.Reason {
	known := c.byName[entry.Connector]
	if known == nil {
		return ""
	}
	effective := effectiveAt(entry, time)
	if effective < time {
		return drawdown.Backdated
	}
	added := *entry
	added.EffectiveAt = effective
	before := becomesGA(known.entries)
	for _, instant := range becomesGA(known.with(added)) {
		if instant < time+gaNotice && !contains(before, instant) {
			return drawdown.NoticeTooShort
		}
	}
	return ""
}

// Set adds an entry that was checked. now is the partition's clock.
func (c *Connectors) Set(entry *drawdown.ConnectorEntry, time, now drawdown.Time) {
	if c.byName == nil {
		c.byName = map[string]*connector{}
	}
	added := *entry
	added.EffectiveAt = effectiveAt(entry, time)
	known := c.byName[entry.Connector]
	if known == nil {
		known = &connector{}
		c.byName[entry.Connector] = known
		added.EffectiveAt = drawdown.NoTime // the first holds from the beginning of time
	}
	known.entries = known.with(added)
	known.lastSet = now
}

func effectiveAt(entry *drawdown.ConnectorEntry, time drawdown.Time) drawdown.Time {
	if entry.EffectiveAt == drawdown.NoTime {
		return time
	}
	return entry.EffectiveAt
}

func contains(instants []drawdown.Time, t drawdown.Time) bool {
	for _, instant := range instants {
		if instant == t {
			return true
		}
	}
	return false
}

// IsEligible reports whether the connector is alpha or beta at an instant: the Free Connector Program is about those.
func (c *Connectors) IsEligible(name string, t drawdown.Time) bool {
	known := c.byName[name]
	if known == nil {
		return false
	}
	entry, _ := known.at(t)
	return entry.Stage != drawdown.GA
}

// IsConnectionEligible reports whether a connector of a connection is alpha or beta at an instant: to an enrolled account
// it is free then.
func (c *Connectors) IsConnectionEligible(source, destination []byte, t drawdown.Time) bool {
	for _, name := range [...][]byte{source, destination} {
		if known := c.byName[string(name)]; known != nil {
			if entry, _ := known.at(t); entry.Stage != drawdown.GA {
				return true
			}
		}
	}
	return false
}

// Leaving returns the instants, ascending, at which a connection between two connectors stops being free: both are ga
// then, and just before at least one was not. It also returns the partition's clock at the last accepted
// connector.set of either. There are none while a connector is not in the catalogue.
func (c *Connectors) Leaving(source, destination string) (instants []drawdown.Time, lastSet drawdown.Time) {
	from, to := c.byName[source], c.byName[destination]
	if from == nil || to == nil {
		return nil, drawdown.NoTime
	}
	candidates := append(becomesGA(from.entries), becomesGA(to.entries)...)
	sort.Slice(candidates, func(i, j int) bool { return candidates[i] < candidates[j] })
	for _, t := range candidates {
		repeated := len(instants) > 0 && instants[len(instants)-1] == t
		if !repeated && bothGA(from, to, t) && !bothGA(from, to, t-1) {
			instants = append(instants, t)
		}
	}
	return instants, max(from.lastSet, to.lastSet)
}

func bothGA(a, b *connector, t drawdown.Time) bool {
	atA, _ := a.at(t)
	atB, _ := b.at(t)
	return atA.Stage == drawdown.GA && atB.Stage == drawdown.GA
}
