package drawdown

import (
	"strconv"
)

// Credits is an amount of credits in nano-credits: 1 credit is 10^9.
//
// It holds what one account can hold at one instant (what remains of its grants, its overdraft, its available
// credits): the contract bounds each of them to 9·10^9 credits, plus one subscription grant, which fits in 63 bits.
// Sums over a lifetime have no bound and are a [Total].
type Credits int64

// Limits of credits (contract, section 1).
const (
	// Credit is one whole credit in nano-credits.
	Credit Credits = 1_000_000_000
	// MaxCreditsRead is the greatest magnitude that a credits string in a record may have.
	MaxCreditsRead = 100_000_000 * Credit
	// MaxHeld bounds what remains of all grants of an account together, and its overdraft.
	MaxHeld = 9_000_000_000 * Credit
)

// ParseCredits reads a credits string, `-?[0-9]+(\.[0-9]{1,9})?` with a magnitude of at most 10^8 credits.
// It reports false for anything else.
func ParseCredits(s []byte) (Credits, bool) {
	negative := len(s) > 0 && s[0] == '-'
	if negative {
		s = s[1:]
	}
	nano, ok := parseNano(s, int64(MaxCreditsRead))
	if negative {
		nano = -nano
	}
	return Credits(nano), ok
}

// parseNano reads `[0-9]+(\.[0-9]{1,9})?` in units of 10^-9, at most limit.
func parseNano(s []byte, limit int64) (int64, bool) {
	const scale = int64(Credit)
	whole, digits := int64(0), 0
	for digits < len(s) && isDigit(s[digits]) {
		if whole > limit/scale {
			return 0, false
		}
		whole = whole*10 + int64(s[digits]-'0')
		digits++
	}
	if digits == 0 || whole > limit/scale {
		return 0, false
	}
	fraction, ok := parseFraction(s[digits:])
	nano := whole*scale + fraction
	return nano, ok && nano <= limit
}

// parseFraction reads nothing or `\.[0-9]{1,9}` in units of 10^-9.
func parseFraction(s []byte) (int64, bool) {
	if len(s) == 0 {
		return 0, true
	}
	if s[0] != '.' || len(s) < 2 || len(s) > 10 {
		return 0, false
	}
	fraction := int64(0)
	for i := 1; i < 10; i++ {
		fraction *= 10
		if i >= len(s) {
			continue
		}
		if !isDigit(s[i]) {
			return 0, false
		}
		fraction += int64(s[i] - '0')
	}
	return fraction, true
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// Append appends the canonical form: no exponent, no plus sign, no superfluous zeros.
func (c Credits) Append(dst []byte) []byte {
	magnitude := uint64(c)
	if c < 0 {
		dst = append(dst, '-')
		magnitude = -magnitude
	}
	dst = strconv.AppendUint(dst, magnitude/uint64(Credit), 10)
	return appendFraction(dst, magnitude%uint64(Credit))
}

// appendFraction appends a fraction in units of 10^-9 without superfluous zeros, nothing where it is zero.
func appendFraction(dst []byte, nano uint64) []byte {
	if nano == 0 {
		return dst
	}
	digits := [10]byte{0: '.'}
	for i := 9; i > 0; i-- {
		digits[i] = byte('0' + nano%10)
		nano /= 10
	}
	end := len(digits)
	for digits[end-1] == '0' {
		end--
	}
	return append(dst, digits[:end]...)
}

// String returns the canonical form.
func (c Credits) String() string { return string(c.Append(nil)) }

// WholeCredits returns the whole credits in c and whether c is a whole number of them.
func (c Credits) WholeCredits() (int64, bool) { return int64(c / Credit), c%Credit == 0 }
