package reference

import (
	"encoding/json"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestTimes(t *testing.T) {
	for text, want := range map[string]string{
		"2026-02-01T00:00:00Z":           "2026-02-01T00:00:00Z",
		"2026-02-01T00:00:00.5Z":         "2026-02-01T00:00:00.500Z",
		"2026-02-01T00:00:00.123999999Z": "2026-02-01T00:00:00.123Z",
		"2026-02-01T00:00:00.000999Z":    "2026-02-01T00:00:00Z",
		"2026-02-01T00:00:00+05:30":      "2026-01-31T18:30:00Z",
		"2026-02-01T00:00:00-00:00":      "2026-02-01T00:00:00Z",
		"2024-02-29T23:59:59-23:59":      "2024-03-01T23:58:59Z",
		"1969-12-31T23:00:00-01:00":      "1970-01-01T00:00:00Z",
		"9001-01-01T00:00:00+00:01":      "9000-12-31T23:59:00Z",
		"2026-02-01t00:00:00Z":           "", "2026-02-01T00:00:00z": "", "2026-02-01 00:00:00Z": "",
		"2026-02-01T00:00:60Z": "", "2026-02-01T24:00:00Z": "", "2026-02-29T00:00:00Z": "", "2026-00-01T00:00:00Z": "",
		"2026-02-01T00:00:00": "", "2026-02-01T00:00:00.Z": "", "2026-02-01T00:00:00.1234567891Z": "",
		"2026-02-01T00:00:00+24:00": "", "2026-02-01T00:00:00+0100": "", "1969-12-31T23:59:59.999Z": "",
		"9001-01-01T00:00:00Z": "", "1970-01-01T00:00:00+00:01": "", "2026-02-01T00:00:00Z\n": "", "": "",
	} {
		at, ok := parseTime(text)
		if ok != (want != "") || (ok && at.String() != want) {
			t.Errorf("%q gives %v, %s; want %q", text, ok, at, want)
		}
	}
}

func TestMonthsAreCountedFromTheAnchor(t *testing.T) {
	for _, c := range []struct {
		anchor string
		months int
		want   string
	}{
		{"2025-01-31T12:00:00.250Z", 1, "2025-02-28T12:00:00.250Z"},
		{"2025-01-31T12:00:00Z", 2, "2025-03-31T12:00:00Z"},
		{"2024-02-29T00:00:00Z", 12, "2025-02-28T00:00:00Z"},
		{"2024-02-29T00:00:00Z", 48, "2028-02-29T00:00:00Z"},
		{"2023-12-31T23:59:59.999Z", 2, "2024-02-29T23:59:59.999Z"},
		{"2023-11-30T00:00:00Z", 1, "2023-12-30T00:00:00Z"},
		{"2023-12-01T00:00:00Z", 120, "2033-12-01T00:00:00Z"},
	} {
		anchor, _ := parseTime(c.anchor)
		if got := anchor.plusMonths(c.months).String(); got != c.want {
			t.Errorf("%s plus %d months is %s, not %s", c.anchor, c.months, got, c.want)
		}
	}
}

func TestCredits(t *testing.T) {
	for text, want := range map[string]string{
		"0": "0", "-0": "0", "-0.0": "0", "007.50": "7.5", "1.000000000": "1", "-12.5": "-12.5", "0.000000001": "0.000000001",
		"-0.000000001": "-0.000000001", "100000000": "100000000", "-100000000.000000000": "-100000000", "200.00": "200",
		"100000000.000000001": "", "1.": "", ".5": "", "+1": "", "1e3": "", "1.0000000001": "", " 1": "", "": "", "--1": "", "１": "",
	} {
		value, ok := parseCredits(text)
		if ok != (want != "") || (ok && formatCredits(value) != want) {
			t.Errorf("%q gives %v %v; want %q", text, value, ok, want)
		}
	}
}

func TestMoney(t *testing.T) {
	for text, want := range map[string]string{
		"0.90": "0.90", "11.70": "11.70", "0.00": "0.00", "1000000000000000.00": "1000000000000000.00",
		"1000000000000000.01": "", "00.90": "", "0.9": "", "-0.90": "", "1": "", "1.000": "", ".90": "", "1.00 ": "",
	} {
		value, ok := parseMoney(text)
		if ok != (want != "") || (ok && formatMoney(value) != want) {
			t.Errorf("%q gives %v %v; want %q", text, value, ok, want)
		}
	}
}

func TestAmountsAreExactAndRoundedOnceHalfUp(t *testing.T) {
	for _, c := range []struct {
		quantity  int64
		price     *big.Rat
		surcharge int64
		want      string
	}{
		{10000, big.NewRat(9, 10000), 30, "11.70"},
		{1, big.NewRat(1005, 1000), 0, "1.01"},             // 1.005
		{1, big.NewRat(1004999999, 1000000000), 0, "1.00"}, // just below
		{3, big.NewRat(1, 3), 0, "1.00"},
		{1, big.NewRat(1, 3), 50, "0.50"},
		{100_000_000, big.NewRat(1_000_000, 1), 1000, "1100000000000000.00"},
	} {
		rule := &autoPurchase{surchargePercent: c.surcharge}
		if got := formatMoney(rule.amount(wholeCredits(c.quantity), c.price)); got != c.want {
			t.Errorf("%d at %s and %d %% is %s, not %s", c.quantity, c.price, c.surcharge, got, c.want)
		}
	}
}

func TestJSONThatEncodingJSONWouldLetPass(t *testing.T) {
	nested := func(depth int) string {
		return `{"a":` + strings.Repeat("[", depth-1) + strings.Repeat("]", depth-1) + "}"
	}
	for text, want := range map[string]bool{
		nested(64): true, nested(65): false,
		`"\ud83d\ude00"`: true, `"\uD83D\uDE00"`: true, `"\ud83d"`: false, `"\ude00"`: false, `"\ud83d\ud83d"`: false,
		`"\ud83dx"`: false, `"\ud83d\n"`: false, "\"\xff\"": false, "\"\xed\xa0\x80\"": false, "\"\xc0\xaf\"": false,
		"\xef\xbb\xbf{}": false, `"\u0000"`: true, "\"\x7f\"": true, "\"\x1f\"": false, "{} \t\r": true, "{}\v": false,
	} {
		if _, err := parseJSON([]byte(text)); (err == nil) != want {
			t.Errorf("%q: accepted %v", text, err == nil)
		}
	}
	value, err := parseJSON([]byte(`{"a":1,"\u0061":{"b":2},"A":3}`))
	if err != nil {
		t.Fatal(err)
	}
	members := value.(object)
	if len(members) != 2 || members["a"].(object)["b"] != number("2") || members["A"] != number("3") {
		t.Errorf("repeated and escaped keys: %v", members)
	}
}

// TestParserAgreesWithTheStandardLibrary changes bytes of sound texts at random: where no rule of the contract's own
// is touched, both parsers accept the same texts and read the same values.
func TestParserAgreesWithTheStandardLibrary(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	sound := `{"k":"\u00e9\n","n":[-0,1.5e+10,2E3,0.25,null,true,false],"o":{"":{}}, "s" : "é\\\"/"} `
	const letters = "{}[]\",:\\u0019aeE+-. \t\ntfn"
	accepted := 0
	for range 200_000 {
		text := []byte(sound)
		for range 1 + random.IntN(3) {
			at := random.IntN(len(text))
			switch random.IntN(3) {
			case 0:
				text[at] = letters[random.IntN(len(letters))]
			case 1:
				text = append(text[:at], text[at+1:]...)
			case 2:
				text = append(text[:at+1], text[at:]...)
			}
		}
		value, err := parseJSON(text)
		stricter := !utf8.Valid(text) || strings.Contains(strings.ToLower(string(text)), `\ud`)
		if stricter {
			continue
		}
		if (err == nil) != json.Valid(text) {
			t.Fatalf("%q: accepted %v, by encoding/json %v", text, err == nil, json.Valid(text))
		}
		if err != nil {
			continue
		}
		accepted++
		decoder := json.NewDecoder(strings.NewReader(string(text)))
		decoder.UseNumber()
		var want any
		if err := decoder.Decode(&want); err != nil {
			t.Fatal(err)
		}
		if !same(value, want) {
			t.Fatalf("%q: %v, by encoding/json %v", text, value, want)
		}
	}
	if accepted < 10_000 {
		t.Fatalf("only %d texts accepted", accepted)
	}
}

// same compares a value of the parser with one of encoding/json.
func same(value, want any) bool {
	switch value := value.(type) {
	case number:
		w, ok := want.(json.Number)
		return ok && string(value) == string(w)
	case []any:
		w, ok := want.([]any)
		if !ok || len(w) != len(value) {
			return false
		}
		for i := range value {
			if !same(value[i], w[i]) {
				return false
			}
		}
		return true
	case object:
		w, ok := want.(map[string]any)
		if !ok || len(w) != len(value) {
			return false
		}
		for key := range value {
			if !same(value[key], w[key]) {
				return false
			}
		}
		return true
	}
	return value == want
}
