package stripe

import (
	"math"
	"strings"

	"drawdown"
)

// Stripe counts money in the smallest unit of each currency; we count in hundredths. The lists are Stripe's
// (docs.stripe.com/currencies).
const (
	zeroDecimal  = "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF"
	threeDecimal = "BHD JOD KWD OMR TND"
	// wholeOnly are counted in hundredths, but have none.
	wholeOnly = "ISK UGX"
)

func among(list, currency string) bool { return strings.Contains(list, currency) }

// smallestUnits converts an amount exactly. The reason says why it can't be.
func smallestUnits(m drawdown.Money, currency string) (units int64, reason string) {
	if !drawdown.ValidCurrency([]byte(currency)) {
		return 0, reasonCurrency
	}
	cents, fits := m.Cents.Uint64()
	if !fits || cents > math.MaxInt64/10 {
		return 0, reasonTooLarge
	}
	whole := cents%100 == 0
	switch {
	case among(zeroDecimal, currency):
		if !whole {
			return 0, reasonCurrency
		}
		return int64(cents / 100), ""
	case among(threeDecimal, currency):
		return int64(cents * 10), ""
	case among(wholeOnly, currency) && !whole:
		return 0, reasonCurrency
	default:
		return int64(cents), ""
	}
}

// money converts an amount that Stripe took. A thousandth (of three-decimal currencies) is rounded half up: the money
// is taken already, and the record has hundredths.
func money(units int64, currency string) drawdown.Money {
	cents := uint64(max(units, 0))
	currency = strings.ToUpper(currency)
	switch {
	case among(zeroDecimal, currency):
		cents *= 100
	case among(threeDecimal, currency):
		cents = (cents + 5) / 10
	}
	return drawdown.Money{Cents: drawdown.Total128(0, cents)}
}
