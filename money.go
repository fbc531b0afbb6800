package drawdown

// Money is an amount of money in hundredths of a currency's unit, never negative. The currency stands beside it.
// Amounts in records are at most 10^15; products of the engine have no bound, hence a [Total].
type Money struct{ Cents Total }

const maxMoneyRead = 1_000_000_000_000_000 * 100

// ParseMoney reads a money string: exactly two decimals, no sign, no leading zeros, at most 10^15.
// It reports false for anything else.
func ParseMoney(s []byte) (Money, bool) {
	point := len(s) - 3
	if point < 1 || s[point] != '.' || point > 16 || (s[0] == '0' && point > 1) {
		return Money{}, false
	}
	cents := uint64(0)
	for i, c := range s {
		if i == point {
			continue
		}
		if !isDigit(c) {
			return Money{}, false
		}
		cents = cents*10 + uint64(c-'0')
	}
	return Money{Total128(0, cents)}, cents <= maxMoneyRead
}

// Plus returns m + o.
func (m Money) Plus(o Money) Money { return Money{m.Cents.Plus(o.Cents)} }

// Minus returns m - o, which must not be negative.
func (m Money) Minus(o Money) Money { return Money{m.Cents.Minus(o.Cents)} }

// Append appends the amount with two decimals.
func (m Money) Append(dst []byte) []byte {
	units, cents := m.Cents.divide(100)
	return append(units.appendInteger(dst), '.', byte('0'+cents/10), byte('0'+cents%10))
}

// String returns the amount with two decimals.
func (m Money) String() string { return string(m.Append(nil)) }

// UnitPrice is a price of one credit in units of 10^-9 of a currency's unit.
type UnitPrice int64

// ParseUnitPrice reads `[0-9]+(\.[0-9]{1,9})?`, at most 10^6. It reports false for anything else.
func ParseUnitPrice(s []byte) (UnitPrice, bool) {
	nano, ok := parseNano(s, 1_000_000*int64(Credit))
	return UnitPrice(nano), ok
}

// ValidCurrency reports whether s has the form of an ISO 4217 code: three capitals.
func ValidCurrency(s []byte) bool {
	if len(s) != 3 {
		return false
	}
	for _, c := range s {
		if c < 'A' || c > 'Z' {
			return false
		}
	}
	return true
}
