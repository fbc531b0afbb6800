package reference

import (
	"math"
	"math/big"
)

const (
	stageGA = "ga"
	// noticeOfGA is how long before a connector becomes ga it must be announced.
	noticeOfGA = 14 * day
	// beginning is the beginning of time, from which the first entry of a connector holds.
	beginning Instant = math.MinInt64
)

var meters = []string{"records", "bytes", "operations"}

// rate turns a quantity of one meter into credits: quantity × credits / per.
type rate struct {
	kind, meter string
	credits     *big.Int
	per         int64
}

type rateCard struct {
	version       string
	effectiveFrom Instant
	rates         []rate
}

// rateOf is the card's rate for a kind, or nil.
func (c *rateCard) rateOf(kind string) *rate {
	for i := range c.rates {
		if c.rates[i].kind == kind {
			return &c.rates[i]
		}
	}
	return nil
}

// entry is one connector.set: what holds from an instant on.
type entry struct {
	at          Instant
	kind, stage string
}

// connector is the entries of one connector in the order in which they were written.
type connector struct {
	entries []entry
	// lastSet is the now of the last accepted connector.set.
	lastSet Instant
}

// holdingAt is the entry with the greatest instant not after at, of equals the one written last.
func (c *connector) holdingAt(at Instant) *entry {
	var holding *entry
	for i := range c.entries {
		e := &c.entries[i]
		if e.at <= at && (holding == nil || e.at >= holding.at) {
			holding = e
		}
	}
	return holding
}

// becomesGA lists the instants at which the connector is ga and just before was not.
func becomesGA(c *connector) map[Instant]bool {
	instants := map[Instant]bool{}
	for _, e := range c.entries {
		if e.at == beginning || c.holdingAt(e.at).stage != stageGA {
			continue
		}
		if c.holdingAt(e.at-1).stage != stageGA { // instants are whole milliseconds
			instants[e.at] = true
		}
	}
	return instants
}

// catalogue is what a partition knows from broadcasts.
type catalogue struct {
	plans      map[string]*plan
	cards      []rateCard // in the order of their publication
	connectors map[string]*connector
	// seen are the broadcasts applied, for ever.
	seen map[recordKey]bool
}

func newCatalogue() *catalogue {
	return &catalogue{
		plans:      map[string]*plan{},
		connectors: map[string]*connector{},
		seen:       map[recordKey]bool{},
	}
}

// cardAt is the card in force at an instant: the greatest effective_from not after it, of equals the last published.
func (c *catalogue) cardAt(at Instant) *rateCard {
	var inForce *rateCard
	for i := range c.cards {
		card := &c.cards[i]
		if card.effectiveFrom <= at && (inForce == nil || card.effectiveFrom >= inForce.effectiveFrom) {
			inForce = card
		}
	}
	return inForce
}

// entryAt is what holds for a connector at an instant, or nil for one never heard of.
func (c *catalogue) entryAt(name string, at Instant) *entry {
	known := c.connectors[name]
	if known == nil {
		return nil
	}
	return known.holdingAt(at)
}

// apply makes a broadcast's effect, or says why not.
func (c *catalogue) apply(r record, now Instant) (reason string) {
	switch data := r.data.(type) {
	case *plan:
		return c.publishPlan(data)
	case ratesData:
		return c.publishRates(data.card, r.time)
	case connectorData:
		return c.setConnector(data, r.time, now)
	}
	panic("reference: a broadcast of an unknown type: " + r.typ)
}

func (c *catalogue) publishPlan(p *plan) (reason string) {
	if c.plans[p.id] != nil {
		return "plan_exists"
	}
	c.plans[p.id] = p
	return ""
}

func (c *catalogue) publishRates(card rateCard, time Instant) (reason string) {
	if len(c.cards) > 0 && card.effectiveFrom < time {
		return "backdated"
	}
	for _, published := range c.cards {
		if published.version == card.version {
			return "version_exists"
		}
	}
	c.cards = append(c.cards, card)
	return ""
}

func (c *catalogue) setConnector(data connectorData, time, now Instant) (reason string) {
	known := c.connectors[data.connector]
	if known == nil {
		first := entry{at: beginning, kind: data.kind, stage: data.stage}
		c.connectors[data.connector] = &connector{entries: []entry{first}, lastSet: now}
		return ""
	}
	at := time
	if data.effectiveAt != nil {
		at = *data.effectiveAt
	}
	if at < time {
		return "backdated"
	}
	changed := &connector{lastSet: now}
	changed.entries = append(changed.entries, known.entries...)
	changed.entries = append(changed.entries, entry{at: at, kind: data.kind, stage: data.stage})
	before := becomesGA(known)
	for instant := range becomesGA(changed) {
		if !before[instant] && instant < time+noticeOfGA {
			return "notice_too_short"
		}
	}
	c.connectors[data.connector] = changed
	return ""
}
