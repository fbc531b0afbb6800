package sandbox

import (
	"fmt"
	"math/big"
	"strings"

	"drawdown"
)

// orderPart is an order of credits with what the plan says of it: who serves the page does not know plans.
type orderPart struct {
	Purchase string `json:"purchase"`
	Plan     string `json:"plan"`
	Currency string `json:"currency"`
	Price    string `json:"price"` // of a credit in hundredths, exactly: 250, or 9/100
	Unit     int64  `json:"unit"`
	Min      int64  `json:"min"`
	Max      int64  `json:"max"`
	Quantity int64  `json:"quantity"`
}

// check says what is wrong with a quantity, nil where it can be ordered.
func (o *orderPart) check(quantity int64) error {
	switch {
	case o.Unit < 1 || quantity < o.Min || quantity > o.Max:
		return fmt.Errorf("sandbox: plan %s sells %d to %d credits at a time, not %d", o.Plan, o.Min, o.Max, quantity)
	case quantity%o.Unit != 0:
		return fmt.Errorf("sandbox: plan %s sells credits in units of %d, and %d is not a multiple", o.Plan, o.Unit, quantity)
	default:
		return nil
	}
}

// total is quantity × price, rounded half up to hundredths (contract, section 1).
func (o *orderPart) total(quantity int64) drawdown.Money {
	exact, ok := new(big.Rat).SetString(o.Price)
	if !ok {
		panic("sandbox: a signed price can't be read: " + o.Price) // it was written by RatString
	}
	exact.Mul(exact, new(big.Rat).SetInt64(quantity)).Add(exact, big.NewRat(1, 2))
	return drawdown.Money{Cents: drawdown.TotalOfBig(new(big.Int).Quo(exact.Num(), exact.Denom()))}
}

// unitPrice is what a credit costs in hundredths. Where the plan has no price of its own, it is the subscription's price /
// credits (contract, section 6).
func unitPrice(plan *drawdown.Plan) *big.Rat {
	if plan.Purchase.UnitPrice != nil {
		return new(big.Rat).SetFrac64(int64(*plan.Purchase.UnitPrice), 10_000_000) // 10^-9 units are 10^-7 hundredths
	}
	price := new(big.Rat).SetInt(plan.Subscription.Price.Cents.Big())
	return price.Quo(price, new(big.Rat).SetFrac64(int64(plan.Subscription.Credits), int64(drawdown.Credit)))
}

// money is an amount as visitors read it: USD 1,250.00.
func money(currency string, m drawdown.Money) string { return currency + " " + group(m.String()) }

// priceText is what a credit costs with all its decimals, at least two; "" where they do not end.
func (o *orderPart) priceText() string {
	hundredths, ok := new(big.Rat).SetString(o.Price)
	if !ok {
		return ""
	}
	units := hundredths.Quo(hundredths, big.NewRat(100, 1))
	decimals, exact := units.FloatPrec()
	if !exact {
		return ""
	}
	return o.Currency + " " + group(units.FloatString(max(decimals, 2)))
}

// group puts commas between the thousands of a decimal number that is not negative.
func group(number string) string {
	whole, fraction, hasFraction := strings.Cut(number, ".")
	for at := len(whole) - 3; at > 0; at -= 3 {
		whole = whole[:at] + "," + whole[at:]
	}
	if hasFraction {
		return whole + "." + fraction
	}
	return whole
}
