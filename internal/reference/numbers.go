package reference

import (
	"math/big"
	"regexp"
	"strings"
)

// Limits of section 1.
const (
	integerMax = 1<<53 - 1
	nano       = 1_000_000_000 // nano-credits in a credit
	// creditsMax is the largest magnitude that is read, in credits.
	creditsMax = 100_000_000
	// moneyMax is the largest money that is read, in units of the currency.
	moneyMax = 1_000_000_000_000_000
	// unitPriceMax is the largest unit price that is read.
	unitPriceMax = 1_000_000
	// rangeMax is what grants together, and the overdraft, may reach, in credits.
	rangeMax = 9_000_000_000
)

var (
	creditsForm   = regexp.MustCompile(`^-?[0-9]+(\.[0-9]{1,9})?$`)
	moneyForm     = regexp.MustCompile(`^(0|[1-9][0-9]*)\.[0-9]{2}$`)
	unitPriceForm = regexp.MustCompile(`^[0-9]+(\.[0-9]{1,9})?$`)
	integerForm   = regexp.MustCompile(`^-?[0-9]+$`)
	currencyForm  = regexp.MustCompile(`^[A-Z]{3}$`)
)

func zero() *big.Int { return new(big.Int) }

func plus(a, b *big.Int) *big.Int { return new(big.Int).Add(a, b) }

func minus(a, b *big.Int) *big.Int { return new(big.Int).Sub(a, b) }

func times(a, b *big.Int) *big.Int { return new(big.Int).Mul(a, b) }

func smaller(a, b *big.Int) *big.Int {
	if a.Cmp(b) <= 0 {
		return a
	}
	return b
}

// wholeCredits is n credits in nano-credits.
func wholeCredits(n int64) *big.Int { return times(big.NewInt(n), big.NewInt(nano)) }

// decimal reads digits with an optional fraction as an integer of 10^-places; the form has been checked.
func decimal(text string, places int) *big.Int {
	whole, fraction, _ := strings.Cut(text, ".")
	value, ok := new(big.Int).SetString(whole+fraction+strings.Repeat("0", places-len(fraction)), 10)
	if !ok {
		panic("reference: decimal of an unchecked form: " + text)
	}
	return value
}

// parseCredits reads credits as nano-credits.
func parseCredits(text string) (*big.Int, bool) {
	if !creditsForm.MatchString(text) {
		return nil, false
	}
	value := decimal(text, 9)
	return value, value.CmpAbs(wholeCredits(creditsMax)) <= 0
}

// formatCredits prints nano-credits in canonical form.
func formatCredits(value *big.Int) string {
	digits := new(big.Int).Abs(value).String()
	if len(digits) < 10 {
		digits = strings.Repeat("0", 10-len(digits)) + digits
	}
	whole, fraction := digits[:len(digits)-9], strings.TrimRight(digits[len(digits)-9:], "0")
	text := whole
	if fraction != "" {
		text += "." + fraction
	}
	if value.Sign() < 0 {
		text = "-" + text
	}
	return text
}

// parseMoney reads money as hundredths.
func parseMoney(text string) (*big.Int, bool) {
	if !moneyForm.MatchString(text) {
		return nil, false
	}
	value := decimal(text, 2)
	return value, value.Cmp(times(big.NewInt(moneyMax), big.NewInt(100))) <= 0
}

// formatMoney prints hundredths, which are never negative.
func formatMoney(value *big.Int) string {
	digits := value.String()
	if len(digits) < 3 {
		digits = strings.Repeat("0", 3-len(digits)) + digits
	}
	return digits[:len(digits)-2] + "." + digits[len(digits)-2:]
}

// parseUnitPrice reads a price of one credit in units of the currency.
func parseUnitPrice(text string) (*big.Rat, bool) {
	if !unitPriceForm.MatchString(text) {
		return nil, false
	}
	price := new(big.Rat).SetFrac(decimal(text, 9), big.NewInt(nano))
	return price, price.Cmp(new(big.Rat).SetInt64(unitPriceMax)) <= 0
}

// roundHalfUp rounds a value that is not negative to an integer, once.
func roundHalfUp(value *big.Rat) *big.Int {
	doubled := plus(times(value.Num(), big.NewInt(2)), value.Denom())
	return new(big.Int).Div(doubled, times(value.Denom(), big.NewInt(2)))
}

// parseInteger reads a JSON number that is written as an integer within the bounds.
func parseInteger(text number, low, high int64) (int64, bool) {
	if !integerForm.MatchString(string(text)) {
		return 0, false
	}
	value, ok := new(big.Int).SetString(string(text), 10)
	if !ok || !value.IsInt64() || value.Int64() < low || value.Int64() > high {
		return 0, false
	}
	return value.Int64(), true
}
