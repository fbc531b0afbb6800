package loggen

import (
	"math/big"

	"drawdown/internal/reference"
)

// creditsMax is the greatest amount that can be written, in nano-credits.
var creditsMax = big.NewInt(100_000_000_000_000_000)

// refundPurchase refunds a purchase that settled: the latest is likeliest, so that something is left of it.
func (g *generator) refundPurchase() event {
	account, found := g.accountWhere(func(account string) bool { return len(g.engine.Probe(account).Paid) > 0 })
	if !found {
		return g.usage()
	}
	paid := g.engine.Probe(account).Paid
	p := paid[len(paid)-1]
	if g.chance(40) {
		p = oneOf(g, paid...)
	}
	g.queueAfterRefund(account, p)
	quantity := g.refundable(p)
	if room := new(big.Int).Sub(rangeEnd, g.engine.Probe(account).Overdraft); room.Cmp(p.Used) <= 0 && g.chance(60) {
		quantity = room.Add(room, p.Left) // to the end of the range exactly, or just past it
		quantity.Add(quantity, big.NewInt(oneOf[int64](g, 0, 0, 1)))
	}
	return g.refund(account, p.Purchase, written(quantity))
}

func (g *generator) refund(account, purchase string, nanoCredits *big.Int) event {
	e := g.operationOf(account, "purchase.refunded",
		texts("purchase", purchase), texts("quantity", decimalOf(nanoCredits)),
		texts("reason", oneOf(g, "requested_by_customer", "duplicate", "chargeback: fraudulent")))
	e.source = "purchasing"
	return e
}

// refundable is a quantity at an edge of the purchase, or some part of it.
func (g *generator) refundable(p reference.Paid) *big.Int {
	untouched := new(big.Int).Add(p.Left, p.Used)
	quantity := oneOf(g, p.Bought, p.Bought, p.Left, p.Left, untouched, p.Used, big.NewInt(0), creditsMax,
		new(big.Int).Div(untouched, big.NewInt(2+g.Int64N(3))), new(big.Int).Div(p.Left, big.NewInt(2)), big.NewInt(g.Int64N(5_000_000_000)))
	return new(big.Int).Add(quantity, big.NewInt(oneOf[int64](g, 0, 0, 0, -1, 1)))
}

// written is the nearest quantity that a refund may name.
func written(quantity *big.Int) *big.Int {
	if quantity.Sign() <= 0 {
		return big.NewInt(1)
	}
	if quantity.Cmp(creditsMax) > 0 {
		return creditsMax
	}
	return quantity
}

// queueAfterRefund refunds again, grants under the purchase's id, or says the same record twice.
func (g *generator) queueAfterRefund(account string, p reference.Paid) {
	switch at := g.IntN(100); {
	case at < 12:
		g.queue = append(g.queue, func() event { return g.refund(account, p.Purchase, p.Bought) })
	case at < 22:
		g.queue = append(g.queue, func() event { return g.kept[len(g.kept)-1] })
	case at < 36 && !isReserved(account, p.Purchase):
		g.queue = append(g.queue, func() event {
			e := g.operationOf(account, "credits.granted", texts("amount", "50.5"), texts("category", oneOf(g, "promotional", "purchased")))
			e.id = p.Purchase
			return e
		}, func() event { return g.refund(account, p.Purchase, p.Bought) })
	}
}

// refundStrange refunds what was never bought: a grant, a purchase still open, one of nobody.
func (g *generator) refundStrange() event {
	account := g.account()
	id := g.grantID(account)
	if g.chance(50) {
		id = g.requestID(account)
	}
	return g.refund(account, id, big.NewInt(1+g.Int64N(100_000_000_000)))
}
