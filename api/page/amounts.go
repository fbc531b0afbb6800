package page

import (
	"math/big"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"drawdown"
)

// decimalsShown is how many decimals of credits are shown; the exact amount stands beside them for whoever wants it.
const decimalsShown = 3

// amount is an amount of credits on the page.
type amount struct {
	Exact string // canonical form (contract, section 1)
	Shown string // digits grouped, rounded to decimalsShown
	nano  *big.Int
}

// credits shows an amount of credits.
func credits(c drawdown.Credits) amount { return amountOf(big.NewInt(int64(c)), c.String()) }

// total shows a sum of credits.
func total(t drawdown.Total) amount { return amountOf(t.Big(), t.String()) }

var (
	shownUnit  = big.NewInt(1_000_000) // nano-credits in the last decimal that is shown
	half       = big.NewInt(500_000)
	shownScale = big.NewInt(1_000)
)

func amountOf(nano *big.Int, exact string) amount {
	magnitude := new(big.Int).Abs(nano)
	rounded := new(big.Int).Quo(new(big.Int).Add(magnitude, half), shownUnit)
	if rounded.Sign() == 0 && nano.Sign() != 0 { // never show something as nothing
		if nano.Sign() < 0 {
			return amount{exact, "> −0.001", nano}
		}
		return amount{exact, "< 0.001", nano}
	}
	whole, fraction := new(big.Int).QuoRem(rounded, shownScale, new(big.Int))
	digits := fraction.String()
	digits = strings.TrimRight(strings.Repeat("0", decimalsShown-len(digits))+digits, "0")
	shown := group(whole.String())
	if digits != "" {
		shown += "." + digits
	}
	if nano.Sign() < 0 {
		shown = "−" + shown
	}
	return amount{exact, shown, nano}
}

// Zero, Positive and Negative are for templates.
func (a amount) Zero() bool { return a.nano.Sign() == 0 }

// Positive reports whether a is above 0.
func (a amount) Positive() bool { return a.nano.Sign() > 0 }

// Negative reports whether a is below 0.
func (a amount) Negative() bool { return a.nano.Sign() < 0 }

// Text is a in a sentence: "1 credit", "1,234.5 credits".
func (a amount) Text() string { return a.Shown + " " + a.Unit() }

// Unit is the word beside a.
func (a amount) Unit() string {
	if a.Exact == "1" {
		return "credit"
	}
	return "credits"
}

// whole shows a number of whole credits.
func whole(quantity int64) amount { return credits(drawdown.Credits(quantity) * drawdown.Credit) }

// group puts a comma after each thousand of a whole number.
func group(digits string) string {
	var grouped strings.Builder
	for i, digit := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			grouped.WriteByte(',')
		}
		grouped.WriteRune(digit)
	}
	return grouped.String()
}

// money shows an amount of money: "USD 1,170.00". The code stands in place of a sign because currencies share signs.
func money(currency string, m drawdown.Money) string {
	return currency + " " + groupDecimal(m.String())
}

// moneyText shows an amount of money as the ledger writes it.
func moneyText(currency, amount string) string {
	if amount == "" {
		return ""
	}
	return currency + " " + groupDecimal(amount)
}

// groupDecimal groups the digits before the point.
func groupDecimal(number string) string {
	before, after, point := strings.Cut(number, ".")
	if !point {
		return group(before)
	}
	return group(before) + "." + after
}

// moment is an instant on the page, in UTC. The zero value is none.
type moment struct{ time.Time }

func momentOf(t drawdown.Time) moment {
	if t == drawdown.NoTime || t == drawdown.Never {
		return moment{}
	}
	return moment{time.UnixMilli(int64(t)).UTC()}
}

// Machine is the form for programs.
func (m moment) Machine() string { return m.UTC().Format(time.RFC3339) }

// Date is the day, written out so that no reader takes the month for the day.
func (m moment) Date() string { return m.UTC().Format("2 January 2006") }

// Short is the day without the year.
func (m moment) Short() string { return m.UTC().Format("2 Jan") }

// Minute is the day and the time of day.
func (m moment) Minute() string { return m.UTC().Format("2 Jan 2006, 15:04 UTC") }

// nameRunesMax bounds what is shown of a name. The contract allows 192 bytes.
const nameRunesMax = 200

// oneLine makes text that a customer or a worker wrote harmless for one line: without line breaks, control characters,
// or characters that cannot be seen or that change the direction in which others are read.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError, unicode.IsControl(r), unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r):
			return ' '
		case unicode.Is(unicode.Cf, r):
			return -1
		default:
			return r
		}
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if s == "" {
		return "–" // nothing of it can be seen
	}
	if utf8.RuneCountInString(s) > nameRunesMax {
		return string([]rune(s)[:nameRunesMax-1]) + "…"
	}
	return s
}

// plural is "1 day", "2 days".
func plural(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return group(big.NewInt(n).String()) + " " + many
}
