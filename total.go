package drawdown

import (
	"math/big"
	"math/bits"
)

// Total is a sum that is never negative and has no bound in the contract: credits granted, used, expired, voided or
// waived over a lifetime (in nano-credits), or an amount of money (in hundredths).
//
// It has 192 bits. The largest single addend is below 2^111 and a log has fewer than 2^63 records, so a sum cannot
// overflow.
type Total struct{ lo, mid, hi uint64 }

// TotalOf returns c as a total. c must not be negative.
func TotalOf(c Credits) Total {
	if c < 0 {
		panic("drawdown: a negative amount has no total")
	}
	return Total{lo: uint64(c)}
}

// Total128 returns the total hi·2^64 + lo.
func Total128(hi, lo uint64) Total { return Total{lo: lo, mid: hi} }

// Words returns the total as words, the least significant first.
func (t Total) Words() (lo, mid, hi uint64) { return t.lo, t.mid, t.hi }

// TotalOfWords is the inverse of [Total.Words].
func TotalOfWords(lo, mid, hi uint64) Total { return Total{lo, mid, hi} }

// Plus returns t + u.
func (t Total) Plus(u Total) Total {
	lo, carry := bits.Add64(t.lo, u.lo, 0)
	mid, carry := bits.Add64(t.mid, u.mid, carry)
	hi, carry := bits.Add64(t.hi, u.hi, carry)
	if carry != 0 {
		panic("drawdown: total over 192 bits")
	}
	return Total{lo, mid, hi}
}

// Minus returns t - u, which must not be negative.
func (t Total) Minus(u Total) Total {
	lo, borrow := bits.Sub64(t.lo, u.lo, 0)
	mid, borrow := bits.Sub64(t.mid, u.mid, borrow)
	hi, borrow := bits.Sub64(t.hi, u.hi, borrow)
	if borrow != 0 {
		panic("drawdown: total below zero")
	}
	return Total{lo, mid, hi}
}

// Times returns t · n.
func (t Total) Times(n uint64) Total {
	carryLo, lo := bits.Mul64(t.lo, n)
	carryMid, mid := bits.Mul64(t.mid, n)
	over, hi := bits.Mul64(t.hi, n)
	mid, carry := bits.Add64(mid, carryLo, 0)
	hi, carry = bits.Add64(hi, carryMid, carry)
	if over != 0 || carry != 0 {
		panic("drawdown: total over 192 bits")
	}
	return Total{lo, mid, hi}
}

// Compare returns -1, 0 or 1 as t is less than, equal to or greater than u.
func (t Total) Compare(u Total) int {
	for _, words := range [...][2]uint64{{t.hi, u.hi}, {t.mid, u.mid}, {t.lo, u.lo}} {
		if words[0] != words[1] {
			if words[0] < words[1] {
				return -1
			}
			return 1
		}
	}
	return 0
}

// IsZero reports whether t is 0.
func (t Total) IsZero() bool { return t == Total{} }

// Uint64 returns t and whether it fits in 64 bits.
func (t Total) Uint64() (uint64, bool) { return t.lo, t.mid == 0 && t.hi == 0 }

// Big returns t as a big integer, for arithmetic off the hot path.
func (t Total) Big() *big.Int {
	result := new(big.Int)
	for _, word := range [...]uint64{t.hi, t.mid, t.lo} {
		result.Lsh(result, 64).Or(result, new(big.Int).SetUint64(word))
	}
	return result
}

// TotalOfBig is the inverse of [Total.Big]. It panics if b is negative or has more than 192 bits.
func TotalOfBig(b *big.Int) Total {
	if b.Sign() < 0 || b.BitLen() > 192 {
		panic("drawdown: not a total: " + b.String())
	}
	var word [24]byte
	b.FillBytes(word[:])
	read := func(at int) (w uint64) {
		for _, c := range word[at : at+8] {
			w = w<<8 | uint64(c)
		}
		return w
	}
	return Total{lo: read(16), mid: read(8), hi: read(0)}
}

// divide returns t/d and the remainder.
func (t Total) divide(d uint64) (Total, uint64) {
	hi, rest := t.hi/d, t.hi%d
	mid, rest := bits.Div64(rest, t.mid, d)
	lo, rest := bits.Div64(rest, t.lo, d)
	return Total{lo, mid, hi}, rest
}

// appendInteger appends t in decimal.
func (t Total) appendInteger(dst []byte) []byte {
	const group, groupDigits = 10_000_000_000_000_000_000, 19
	var digits [64]byte
	at := len(digits)
	for {
		var rest uint64
		t, rest = t.divide(group)
		for i := 0; i < groupDigits; i++ {
			at--
			digits[at] = byte('0' + rest%10)
			rest /= 10
			if t.IsZero() && rest == 0 {
				return append(dst, digits[at:]...)
			}
		}
	}
}

// AppendCredits appends t, taken as nano-credits, in the canonical form of credits.
func (t Total) AppendCredits(dst []byte) []byte {
	whole, nano := t.divide(uint64(Credit))
	return appendFraction(whole.appendInteger(dst), nano)
}

// String returns t, taken as nano-credits, in the canonical form of credits.
func (t Total) String() string { return string(t.AppendCredits(nil)) }

// Count is a total that counts things, written as a JSON integer.
type Count struct{ Total }
