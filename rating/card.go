package rating

import (
	"math/bits"
	"sort"

	"drawdown"
)

// Cards are the published rate cards, in order of the instant they are in force from.
type Cards struct {
	cards    []*drawdown.RateCard
	versions map[string]bool
}

// Check returns why the card can't be published at time, the record's own; "" where it can.
func (c *Cards) Check(card *drawdown.RateCard, time drawdown.Time) drawdown.Reason {
	switch {
	case len(c.cards) > 0 && card.EffectiveFrom < time:
		return drawdown.Backdated
	case c.versions[card.Version]:
		return drawdown.VersionExists
	default:
		return ""
	}
}

// Publish adds a card that was checked. Of cards in force from the same instant the last one published counts.
func (c *Cards) Publish(card *drawdown.RateCard) {
	if c.versions == nil {
		c.versions = map[string]bool{}
	}
	c.versions[card.Version] = true
	at := sort.Search(len(c.cards), func(i int) bool { return c.cards[i].EffectiveFrom > card.EffectiveFrom })
	c.cards = append(c.cards, nil)
	copy(c.cards[at+1:], c.cards[at:])
	c.cards[at] = card
}

// at returns the card in force at an instant and the span [from, to) in which it is; nil where there is none.
func (c *Cards) at(t drawdown.Time) (card *drawdown.RateCard, from, to drawdown.Time) {
	after := sort.Search(len(c.cards), func(i int) bool { return c.cards[i].EffectiveFrom > t })
	from, to = drawdown.NoTime, drawdown.Never
	if after < len(c.cards) {
		to = c.cards[after].EffectiveFrom
	}
	if after == 0 {
		return nil, from, to
	}
	card = c.cards[after-1]
	return card, card.EffectiveFrom, to
}

// rateOf returns the card's rate of a kind, nil where it has none.
func rateOf(card *drawdown.RateCard, kind string) *drawdown.Rate {
	for i := range card.Rates {
		if card.Rates[i].Kind == kind {
			return &card.Rates[i]
		}
	}
	return nil
}

// Charge returns floor((remainder + quantity · credits) / per) in nano-credits and the new remainder. remainder is
// below rate.Per; for what an event would have cost by itself, it is 0.
func Charge(rate *drawdown.Rate, remainder, quantity uint64) (charge drawdown.Total, rest uint64) {
	hi, lo := bits.Mul64(quantity, uint64(rate.Credits))
	lo, carry := bits.Add64(lo, remainder, 0)
	hi += carry
	quotientHi, hi := hi/rate.Per, hi%rate.Per
	quotientLo, rest := bits.Div64(hi, lo, rate.Per)
	return drawdown.Total128(quotientHi, quotientLo), rest
}
