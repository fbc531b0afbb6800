package email

import (
	"encoding/json"
	"errors"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"drawdown"
)

// amount is an amount of credits as the ledger writes it: a decimal string of any length (contract, section 1). It is
// shown, never computed with.
type amount string

var amountForm = regexp.MustCompile(`^-?[0-9]+(\.[0-9]{1,9})?$`)

// UnmarshalJSON reads a credits string.
func (a *amount) UnmarshalJSON(text []byte) error {
	var s string
	if err := json.Unmarshal(text, &s); err != nil {
		return err
	}
	if !amountForm.MatchString(s) {
		return errors.New("no amount of credits")
	}
	*a = amount(s)
	return nil
}

// String groups the digits: "1,234,567.5".
func (a amount) String() string { return group(string(a)) }

// Credits is String with its unit: "1 credit", "12.5 credits".
func (a amount) Credits() string {
	if a.One() {
		return "1 credit"
	}
	return a.String() + " credits"
}

// One reports whether the verb beside a is singular.
func (a amount) One() bool { return a == "1" }

// Positive reports whether a is above 0.
func (a amount) Positive() bool { return a.nonZero() && a[0] != '-' }

// Negative reports whether a is below 0.
func (a amount) Negative() bool { return a.nonZero() && a[0] == '-' }

func (a amount) nonZero() bool { return strings.Trim(string(a), "-0.") != "" }

// Magnitude is a without its sign.
func (a amount) Magnitude() amount { return amount(strings.TrimPrefix(string(a), "-")) }

// group puts a comma after each thousand of the whole part of a decimal number.
func group(number string) string {
	whole, fraction, _ := strings.Cut(number, ".")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	var grouped strings.Builder
	for i, digit := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			grouped.WriteByte(',')
		}
		grouped.WriteRune(digit)
	}
	if fraction != "" {
		return sign + grouped.String() + "." + fraction
	}
	return sign + grouped.String()
}

// money is an amount of money; its currency stands beside it.
type money struct{ drawdown.Money }

// UnmarshalJSON reads a money string (contract, section 1).
func (m *money) UnmarshalJSON(text []byte) error {
	var s string
	if err := json.Unmarshal(text, &s); err != nil {
		return err
	}
	parsed, ok := drawdown.ParseMoney([]byte(s))
	if !ok {
		return errors.New("no amount of money")
	}
	m.Money = parsed
	return nil
}

// in shows m in a currency: "USD 1,170.00". The code stands in place of a sign because several currencies share signs.
func (m money) in(c currency) string { return string(c) + " " + group(m.String()) }

// currency is an ISO 4217 code.
type currency string

// UnmarshalJSON reads a currency (contract, section 1).
func (c *currency) UnmarshalJSON(text []byte) error {
	var s string
	if err := json.Unmarshal(text, &s); err != nil {
		return err
	}
	if !drawdown.ValidCurrency([]byte(s)) {
		return errors.New("no currency")
	}
	*c = currency(s)
	return nil
}

// instant is a point in time, shown in UTC.
type instant struct{ time.Time }

// UnmarshalJSON reads a time (contract, section 1).
func (i *instant) UnmarshalJSON(text []byte) error {
	var s string
	if err := json.Unmarshal(text, &s); err != nil {
		return err
	}
	parsed, ok := drawdown.ParseTime([]byte(s))
	if !ok {
		return errors.New("no time")
	}
	i.Time = time.UnixMilli(int64(parsed))
	return nil
}

// String is written out, so that no reader takes the month for the day.
func (i instant) String() string { return i.UTC().Format("2 January 2006 at 15:04 UTC") }

// Date is the day in UTC.
func (i instant) Date() string { return i.UTC().Format("2 January 2006") }

// name is text that a customer or a gateway wrote, made harmless for one line of text: without line breaks, control
// characters, or characters that change the direction in which others are read.
type name string

// nameRunesMax bounds what is shown of a name. The contract allows 192 bytes.
const nameRunesMax = 200

// UnmarshalJSON reads a string and cleans it.
func (n *name) UnmarshalJSON(text []byte) error {
	var s string
	if err := json.Unmarshal(text, &s); err != nil {
		return err
	}
	*n = clean(s)
	return nil
}

func clean(s string) name {
	if s = oneLine(s); s == "" {
		return "–" // nothing of it can be seen
	}
	return name(cut(s, nameRunesMax))
}

// oneLine makes s one line of visible text.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError, unicode.IsControl(r), unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r):
			return ' '
		case unicode.Is(unicode.Cf, r): // bidirectional marks, invisible characters
			return -1
		default:
			return r
		}
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

// subjectRunesMax bounds what a subject quotes: mail programs show some 70 characters of one.
const subjectRunesMax = 40

// Short is n for use in a subject.
func (n name) Short() string { return cut(string(n), subjectRunesMax) }

// cut shortens s to limit runes, with a mark where something is missing.
func cut(s string, limit int) string {
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	return string([]rune(s)[:limit-1]) + "…"
}

// receipt is how a gateway names a receipt: a URL or a number; "" where there is none.
type receipt string

// UnmarshalJSON reads a string and cleans it. It is not shortened: a URL would be another one.
func (r *receipt) UnmarshalJSON(text []byte) error {
	var s string
	if err := json.Unmarshal(text, &s); err != nil {
		return err
	}
	*r = receipt(oneLine(s))
	return nil
}

// URL is the receipt where it is a link that can be followed safely, else "".
func (r receipt) URL() string {
	parsed, err := url.Parse(string(r))
	if err != nil || parsed.Scheme != "https" || parsed.Host == "" || parsed.User != nil || strings.ContainsAny(string(r), " <>\"\\") {
		return ""
	}
	return string(r)
}
