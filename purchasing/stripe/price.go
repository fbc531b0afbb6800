package stripe

import (
	"errors"
	"fmt"
	"math/big"
	"strings"

	"drawdown"
)

// decimalsMax is how many decimals Stripe takes in unit_amount_decimal.
const decimalsMax = 12

// unitAmount is the price of one unit of a plan in the currency's smallest unit, as a decimal number. It is exact
// unless a subscription's price divided by its credits has no end; then it is rounded at the 12th decimal.
func unitAmount(plan *drawdown.Plan) (string, error) {
	price := new(big.Rat) // of one credit, in the currency's unit
	switch {
	case plan.Purchase.UnitPrice != nil:
		price.SetFrac64(int64(*plan.Purchase.UnitPrice), 1_000_000_000)
	case plan.Subscription != nil && plan.Subscription.Credits > 0:
		price.SetFrac(plan.Subscription.Price.Cents.Big(), big.NewInt(100))
		price.Quo(price, new(big.Rat).SetFrac64(int64(plan.Subscription.Credits), int64(drawdown.Credit)))
	default:
		return "", fmt.Errorf("stripe: plan %s has no unit price", plan.ID)
	}
	smallest := int64(100)
	switch {
	case among(zeroDecimal, plan.Currency):
		smallest = 1
	case among(threeDecimal, plan.Currency):
		smallest = 1000
	}
	price.Mul(price, new(big.Rat).SetInt64(smallest*plan.Purchase.Unit))
	return strings.TrimSuffix(strings.TrimRight(price.FloatString(decimalsMax), "0"), "."), nil
}

// quantityMax is the greatest quantity that a customer may set at Stripe's checkout.
const quantityMax = 999_999

var errQuantity = errors.New("stripe: the quantity of an order must be within the plan's terms, and a multiple of its unit")

// units are a quantity and its bounds in units of a plan.
func units(terms drawdown.PurchaseTerms, quantity int64) (n, least, most int64, err error) {
	if terms.Unit < 1 || quantity%terms.Unit != 0 || quantity < terms.Min || quantity > terms.Max || quantity < 1 {
		return 0, 0, 0, errQuantity
	}
	n, least, most = quantity/terms.Unit, terms.Min/terms.Unit, min(terms.Max/terms.Unit, quantityMax)
	if n > most {
		return 0, 0, 0, errQuantity
	}
	return n, least, most, nil
}
