package page

import (
	"math/big"
	"strings"

	"drawdown"
)

// price is what credits cost, exactly: Numerator/Denominator hundredths of the currency's unit for one credit.
type price struct {
	Currency               string
	Numerator, Denominator *big.Int
	// Text is the price in words: "USD 2.50 per credit".
	Text string
}

// priceOf returns a plan's price of a credit with a surcharge. Where the plan has no unit price, it is the
// subscription's price / credits (contract, section 6).
func priceOf(plan *drawdown.Plan, surchargePercent int64) price {
	p := price{Currency: plan.Currency, Numerator: big.NewInt(100 + surchargePercent), Denominator: big.NewInt(100)}
	switch {
	case plan.Purchase.UnitPrice != nil: // 10^-9 units a credit
		p.Numerator.Mul(p.Numerator, big.NewInt(int64(*plan.Purchase.UnitPrice)))
		p.Numerator.Mul(p.Numerator, big.NewInt(100))
		p.Denominator.Mul(p.Denominator, big.NewInt(int64(drawdown.Credit)))
		p.Text = plan.Currency + " " + unitPrice(*plan.Purchase.UnitPrice) + " per credit"
	case plan.Subscription != nil && plan.Subscription.Credits > 0: // hundredths for nano-credits
		p.Numerator.Mul(p.Numerator, plan.Subscription.Price.Cents.Big())
		p.Numerator.Mul(p.Numerator, big.NewInt(int64(drawdown.Credit)))
		p.Denominator.Mul(p.Denominator, big.NewInt(int64(plan.Subscription.Credits)))
		p.Text = money(plan.Currency, plan.Subscription.Price) + " per " + credits(plan.Subscription.Credits).Text()
	}
	return p
}

// unitPrice is a price of a credit with all its decimals, and at least two.
func unitPrice(u drawdown.UnitPrice) string {
	text := drawdown.Credits(u).String() // both are 10^-9 of a unit
	before, after, _ := strings.Cut(text, ".")
	for len(after) < 2 {
		after += "0"
	}
	return group(before) + "." + after
}

// Of returns what a quantity of whole credits costs: exact, and rounded once, half up (contract, section 1).
func (p price) Of(quantity int64) drawdown.Money {
	twice := new(big.Int).Mul(big.NewInt(quantity), p.Numerator)
	twice.Lsh(twice, 1).Add(twice, p.Denominator)
	return drawdown.Money{Cents: drawdown.TotalOfBig(twice.Quo(twice, new(big.Int).Lsh(p.Denominator, 1)))}
}

// Shown is Of, as it is shown.
func (p price) Shown(quantity int64) string { return money(p.Currency, p.Of(quantity)) }
