package drawdown_test

import (
	"math/big"
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"drawdown"
)

func TestCreditsForms(t *testing.T) {
	for text, canonical := range map[string]string{
		"0": "0", "-0": "0", "0.006": "0.006", "-12.5": "-12.5", "200": "200", "007.100": "7.1",
		"100000000": "100000000", "-100000000.000000000": "-100000000", "0.000000001": "0.000000001",
		strings.Repeat("0", 40) + "1": "1",
		"100000000.000000001":         "refused", "": "refused", "+1": "refused", "1.": "refused", ".5": "refused",
		"1e3": "refused", "1.0000000000": "refused", "1 ": "refused", "--1": "refused", "99999999999999999999": "refused",
	} {
		got := "refused"
		if c, ok := drawdown.ParseCredits([]byte(text)); ok {
			got = c.String()
		}
		if got != canonical {
			t.Errorf("%q became %s, expected %s", text, got, canonical)
		}
	}
}

func TestMoneyForms(t *testing.T) {
	for text, want := range map[string]bool{
		"0.90": true, "11.70": true, "0.00": true, "1000000000000000.00": true,
		"1000000000000000.01": false, "01.00": false, "1.0": false, "1": false, "-1.00": false, ".50": false, "1,00": false, "": false,
	} {
		amount, ok := drawdown.ParseMoney([]byte(text))
		if ok != want || ok && amount.String() != text {
			t.Errorf("%q: read %v as %s", text, ok, amount)
		}
	}
}

func TestTimeForms(t *testing.T) {
	for text, want := range map[string]string{
		"2026-02-01T00:00:00Z":            "2026-02-01T00:00:00Z",
		"2026-02-01T00:00:00.1239999Z":    "2026-02-01T00:00:00.123Z",
		"2026-02-01T00:00:00.1Z":          "2026-02-01T00:00:00.100Z",
		"2026-02-01T05:30:00+05:30":       "2026-02-01T00:00:00Z",
		"2024-02-29T00:00:00-00:00":       "2024-02-29T00:00:00Z",
		"9000-12-31T23:59:59.999Z":        "9000-12-31T23:59:59.999Z",
		"1970-01-01T00:00:00Z":            "1970-01-01T00:00:00Z",
		"1970-01-01T00:00:00+00:01":       "refused",
		"9000-12-31T23:59:59-01:00":       "refused",
		"2023-02-29T00:00:00Z":            "refused",
		"2026-02-01t00:00:00Z":            "refused",
		"2026-02-01T00:00:00z":            "refused",
		"2026-02-01T24:00:00Z":            "refused",
		"2026-02-01T00:00:60Z":            "refused",
		"2026-02-01T00:00:00":             "refused",
		"2026-02-01T00:00:00.Z":           "refused",
		"2026-02-01T00:00:00.1234567890Z": "refused",
		"2026-02-01T00:00:00+24:00":       "refused",
		"2026-02-01 00:00:00Z":            "refused",
		"2026-13-01T00:00:00Z":            "refused",
		"2026-00-01T00:00:00Z":            "refused",
		"2026-02-01T00:00:00,5Z":          "refused",
	} {
		got := "refused"
		if at, ok := drawdown.ParseTime([]byte(text)); ok {
			got = at.String()
		}
		if got != want {
			t.Errorf("%s became %s, expected %s", text, got, want)
		}
	}
}

func TestMonthsAreCountedFromTheAnchor(t *testing.T) {
	anchor, _ := drawdown.ParseTime([]byte("2023-01-31T10:20:30.5Z"))
	for k, want := range map[int]string{
		0: "2023-01-31T10:20:30.500Z", 1: "2023-02-28T10:20:30.500Z", 2: "2023-03-31T10:20:30.500Z",
		3: "2023-04-30T10:20:30.500Z", 13: "2024-02-29T10:20:30.500Z", 12: "2024-01-31T10:20:30.500Z",
	} {
		if got := anchor.AddMonths(k).String(); got != want {
			t.Errorf("+ %d months is %s, expected %s", k, got, want)
		}
	}
}

// TestCalendarAgreesWithTheStandardLibrary covers every day that a time may have.
func TestCalendarAgreesWithTheStandardLibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := time.UnixMilli(rapid.Int64Range(0, 221_845_391_999_999).Draw(t, "ms")).UTC()
		text := want.Format("2006-01-02T15:04:05.000Z")
		got, ok := drawdown.ParseTime([]byte(text))
		if !ok || int64(got) != want.UnixMilli() {
			t.Fatalf("%s became %d, expected %d", text, got, want.UnixMilli())
		}
	})
}

// TestTotalsAgreeWithBigIntegers checks sums, differences, order and printing.
func TestTotalsAgreeWithBigIntegers(t *testing.T) {
	word := rapid.OneOf(rapid.Uint64(), rapid.SampledFrom([]uint64{0, 1, 1 << 63, ^uint64(0)}))
	rapid.Check(t, func(t *rapid.T) {
		a := drawdown.TotalOfWords(word.Draw(t, "lo"), word.Draw(t, "mid"), word.Draw(t, "hi")>>1)
		b := drawdown.TotalOfWords(word.Draw(t, "lo"), word.Draw(t, "mid"), word.Draw(t, "hi")>>1)
		sum := new(big.Int).Add(a.Big(), b.Big())
		if a.Plus(b).Big().Cmp(sum) != 0 || drawdown.TotalOfBig(sum) != a.Plus(b) || a.Plus(b).Minus(b) != a {
			t.Fatalf("%v + %v = %v", a.Big(), b.Big(), a.Plus(b).Big())
		}
		if a.Compare(b) != a.Big().Cmp(b.Big()) {
			t.Fatalf("%v against %v is %d", a.Big(), b.Big(), a.Compare(b))
		}
		times := rapid.Uint64().Draw(t, "times")
		small := drawdown.TotalOfWords(word.Draw(t, "lo"), word.Draw(t, "mid"), 0)
		if product := new(big.Int).Mul(small.Big(), new(big.Int).SetUint64(times)); small.Times(times).Big().Cmp(product) != 0 {
			t.Fatalf("%v · %d = %v", small.Big(), times, small.Times(times).Big())
		}
		nano := big.NewInt(int64(drawdown.Credit))
		whole, fraction := new(big.Int).QuoRem(a.Big(), nano, new(big.Int))
		want := whole.String()
		if fraction.Sign() > 0 {
			digits := fraction.String()
			want += "." + strings.TrimRight(strings.Repeat("0", 9-len(digits))+digits, "0")
		}
		if got := a.String(); got != want {
			t.Fatalf("%v nano-credits print as %s, expected %s", a.Big(), got, want)
		}
	})
}

var creditsForm = regexp.MustCompile(`^-?[0-9]+(\.[0-9]{1,9})?$`)

func FuzzParseCredits(f *testing.F) {
	for _, seed := range []string{"0", "-12.5", "100000000", "100000000.000000001", "1e3", "00.10"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, ok := drawdown.ParseCredits([]byte(text))
		exact, isNumber := new(big.Rat).SetString(text)
		want := creditsForm.MatchString(text) && isNumber &&
			new(big.Rat).Abs(exact).Cmp(big.NewRat(100_000_000, 1)) <= 0
		if ok != want {
			t.Fatalf("%q: accepted %v, expected %v", text, ok, want)
		}
		if !ok {
			return
		}
		if exact.Cmp(big.NewRat(int64(c), int64(drawdown.Credit))) != 0 {
			t.Fatalf("%q became %d nano-credits", text, int64(c))
		}
		if again, ok := drawdown.ParseCredits([]byte(c.String())); !ok || again != c {
			t.Fatalf("%q printed as %s is %d", text, c, int64(again))
		}
	})
}

func FuzzParseTime(f *testing.F) {
	for _, seed := range []string{"2026-02-01T00:00:00Z", "2026-02-01T00:00:00.123456789+05:30", "1970-01-01T00:00:00Z"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, ok := drawdown.ParseTime([]byte(text))
		if !ok {
			return
		}
		want, err := time.Parse(time.RFC3339Nano, text)
		if err != nil || want.UnixMilli() != int64(at) {
			t.Fatalf("%q became %d, the standard library says %v, %v", text, at, want.UnixMilli(), err)
		}
		if again, ok := drawdown.ParseTime([]byte(at.String())); !ok || again != at {
			t.Fatalf("%q printed as %s is %v", text, at, again)
		}
	})
}

func TestPriorities(t *testing.T) {
	for i, p := range drawdown.Priorities {
		if read, ok := drawdown.ParsePriority([]byte(p.String())); !ok || read != p {
			t.Errorf("%v is read as %v, %v", p, read, ok)
		}
		for j, o := range drawdown.Priorities {
			if p.Before(o) != (i < j) {
				t.Errorf("%v before %v: %v", p, o, p.Before(o))
			}
		}
	}
	if _, ok := drawdown.ParsePriority([]byte("urgent")); ok || len(drawdown.Priorities) != int(drawdown.PriorityCount) {
		t.Error("there are more or fewer priorities")
	}
}
