package rating

import "drawdown"

// Catalogue is what rating knows: rate cards and connectors.
type Catalogue struct {
	Cards      Cards
	Connectors Connectors
}

// Quote says how events of one pair of connectors are rated at any instant of a span.
type Quote struct {
	From, To drawdown.Time // the span [From, To) in which the quote holds, as long as nothing is published
	Kind     string        // of the source connector
	Card     *drawdown.RateCard
	Rate     *drawdown.Rate
	// Eligible is whether a connector of the pair is alpha or beta: the event is free to an enrolled account.
	Eligible bool
}

// Quote returns how an event that happened at t is rated, or why it can't be.
func (c *Catalogue) Quote(source, destination []byte, t drawdown.Time) (Quote, drawdown.Reason) {
	from, to := c.Connectors.byName[string(source)], c.Connectors.byName[string(destination)]
	if from == nil || to == nil {
		return Quote{}, drawdown.UnknownConnector
	}
	sourceEntry, sourceUntil := from.at(t)
	destinationEntry, destinationUntil := to.at(t)
	card, cardFrom, cardUntil := c.Cards.at(t)
	if card == nil {
		return Quote{}, drawdown.NoRate
	}
	rate := rateOf(card, sourceEntry.Kind)
	if rate == nil {
		return Quote{}, drawdown.NoRate
	}
	return Quote{
		From: max(sourceEntry.EffectiveAt, destinationEntry.EffectiveAt, cardFrom),
		To:   min(sourceUntil, destinationUntil, cardUntil),
		Kind: sourceEntry.Kind, Card: card, Rate: rate,
		Eligible: sourceEntry.Stage != drawdown.GA || destinationEntry.Stage != drawdown.GA,
	}, ""
}
