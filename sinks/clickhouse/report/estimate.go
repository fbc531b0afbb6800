package report

import (
	"context"
	"math/big"
	"slices"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/shopspring/decimal"

	"drawdown"
)

// Where an estimate comes from.
const (
	BasisConnection = "connection" // the connection's own syncs
	BasisConnectors = "connectors" // the account's syncs between the same connectors
	BasisNone       = "none"       // there are too few of either; Median and P90 say nothing
)

// How much an estimate looks at.
const (
	estimateDays  = 30
	estimateSyncs = 3 // fewer make no basis
)

// Estimate returns what a sync of a connection would cost, from what the syncs that were charged within 30 days before
// Now did cost. Charges don't say whether a sync has ended, so one that is under way counts with what it cost so far.
// Where Source and Destination are not given they are those of the connection's last charge in that time.
//
// Median and P90 are by nearest rank: costs that some sync had, the ceil(p·n)th of n in ascending order. With a quantity
// the same is taken of credits per unit, over the syncs that moved anything by the meter of the latest charge, times
// the quantity, rounded up to a nano-credit.
func (r *Reports) Estimate(ctx context.Context, q EstimateQuery) (*Estimate, error) {
	fresh, err := r.freshness(ctx, charges, q.Account)
	if err != nil {
		return nil, err
	}
	estimate := &Estimate{AsOf: fresh.asOf, Basis: BasisNone}
	own, err := r.syncCosts(ctx, &q, "costs_of_connection")
	if err != nil {
		return nil, err
	}
	if estimate.from(own, q.Quantity, BasisConnection) {
		return estimate, nil
	}
	if latest := latestCost(own); latest != nil && q.Source == "" && q.Destination == "" {
		q.Source, q.Destination = latest.source, latest.destination
	}
	if q.Source == "" || q.Destination == "" {
		return estimate, nil
	}
	others, err := r.syncCosts(ctx, &q, "costs_of_connectors")
	if err != nil {
		return nil, err
	}
	estimate.from(others, q.Quantity, BasisConnectors)
	return estimate, nil
}

// syncCost is what one sync cost, in all and by meter.
type syncCost struct {
	last                place
	source, destination string
	meter               string // of its last charge
	credits             drawdown.Total
	byMeter             [drawdown.MeterCount]struct{ credits, quantity drawdown.Total }
}

func (r *Reports) syncCosts(ctx context.Context, q *EstimateQuery, name string) (costs []syncCost, err error) {
	p := parameters{}.text("account", q.Account).text("connection", q.Connection).text("source", q.Source).
		text("destination", q.Destination).within(q.Now.AddDate(0, 0, -estimateDays), q.Now)
	err = r.each(ctx, name, p, func(rows driver.Rows) error {
		var c syncCost
		var offset uint64
		var total decimal.Decimal
		var credits [drawdown.MeterCount]decimal.Decimal
		var quantity [drawdown.MeterCount]big.Int
		columns := []any{&offset, &c.last.n, &c.source, &c.destination, &c.meter, &total}
		for m := range credits {
			columns = append(columns, &credits[m], &quantity[m])
		}
		if err := rows.Scan(columns...); err != nil {
			return err
		}
		c.last.offset, c.credits = drawdown.Offset(offset), nano(total)
		for m := range credits {
			c.byMeter[m].credits, c.byMeter[m].quantity = nano(credits[m]), drawdown.TotalOfBig(&quantity[m])
		}
		costs = append(costs, c)
		return nil
	})
	return costs, err
}

// latestCost is the cost of the sync that was charged last; nil where there is none.
func latestCost(costs []syncCost) (latest *syncCost) {
	for i := range costs {
		c := &costs[i]
		if latest == nil || c.last.offset > latest.last.offset || c.last.offset == latest.last.offset && c.last.n > latest.last.n {
			latest = c
		}
	}
	return latest
}

// from fills the estimate from costs and reports whether they are enough.
func (e *Estimate) from(costs []syncCost, quantity *uint64, basis string) bool {
	if len(costs) < estimateSyncs {
		return false
	}
	meter := latestCost(costs).meter
	var prices []price
	for i := range costs {
		if quantity == nil {
			prices = append(prices, price{costs[i].credits.Big(), one})
		} else if p, ok := costs[i].perUnit(meter); ok {
			prices = append(prices, p)
		}
	}
	if len(prices) < estimateSyncs {
		return false
	}
	slices.SortFunc(prices, price.compare)
	units := one
	if quantity != nil {
		units = new(big.Int).SetUint64(*quantity)
	}
	e.Basis, e.Syncs, e.Meter = basis, len(prices), meter
	e.Median, e.P90 = prices[nearestRank(len(prices), 50)].times(units), prices[nearestRank(len(prices), 90)].times(units)
	return true
}

// perUnit is what a sync cost for one of a meter, if it moved any.
func (c *syncCost) perUnit(meter string) (price, bool) {
	for m := range c.byMeter {
		if drawdown.Meter(m).String() == meter && !c.byMeter[m].quantity.IsZero() {
			return price{c.byMeter[m].credits.Big(), c.byMeter[m].quantity.Big()}, true
		}
	}
	return price{}, false
}

var one = big.NewInt(1)

// price is an exact number of nano-credits for a number of units above 0.
type price struct{ credits, units *big.Int }

func (p price) compare(q price) int {
	return new(big.Int).Mul(p.credits, q.units).Cmp(new(big.Int).Mul(q.credits, p.units))
}

// times is the price of so many units, rounded up.
func (p price) times(units *big.Int) drawdown.Total {
	product := new(big.Int).Mul(p.credits, units)
	quotient, rest := product.QuoRem(product, p.units, new(big.Int))
	if rest.Sign() > 0 {
		quotient.Add(quotient, one)
	}
	return drawdown.TotalOfBig(quotient)
}

// nearestRank is the index of a percentile among n values in ascending order.
func nearestRank(n, percent int) int { return (n*percent+99)/100 - 1 }
