package decode_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"drawdown"
	"drawdown/consumer/decode"
	"drawdown/internal/loggen"
)

const appended = drawdown.Time(1_700_000_000_000)

func decodeOne(value string) drawdown.Record {
	var decoder decode.Decoder
	var rec drawdown.Record
	decoder.Decode([]byte(value), appended, &rec)
	return rec
}

// standard reads a value with the standard library, held to the contract's rules for JSON: valid UTF-8, no unpaired
// surrogates, at most 64 deep. It returns nil for what is no JSON object.
func standard(value []byte) map[string]any {
	if !utf8.Valid(value) || !json.Valid(value) || unpairedSurrogate(value) || depth(value) > drawdown.MaxNesting {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(value))
	decoder.UseNumber()
	var found any
	if decoder.Decode(&found) != nil {
		return nil
	}
	object, _ := found.(map[string]any)
	return object
}

// unpairedSurrogate looks for what the standard library replaces in silence. The text is valid JSON.
func unpairedSurrogate(value []byte) bool {
	inString := false
	for i := 0; i < len(value); i++ {
		switch {
		case value[i] == '"':
			inString = !inString
		case inString && value[i] == '\\' && value[i+1] == 'u':
			var unit, low rune
			fmt.Sscanf(string(value[i+2:i+6]), "%04x", &unit)
			if unit >= 0xD800 && unit < 0xDC00 {
				if i+12 > len(value) || value[i+6] != '\\' || value[i+7] != 'u' {
					return true
				}
				fmt.Sscanf(string(value[i+8:i+12]), "%04x", &low)
				if low < 0xDC00 || low > 0xDFFF {
					return true
				}
				i += 6
			} else if unit >= 0xDC00 && unit <= 0xDFFF {
				return true
			}
			i += 5
		case inString && value[i] == '\\':
			i++
		}
	}
	return false
}

func depth(value []byte) (deepest int) {
	inString, now := false, 0
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case c == '"':
			inString = !inString
		case inString && c == '\\':
			i++
		case !inString && (c == '{' || c == '['):
			now++
			deepest = max(deepest, now)
		case !inString && (c == '}' || c == ']'):
			now--
		}
	}
	return deepest
}

// text is what the decoder should say of an attribute: its characters where it is a string of the right length.
func text(value any, limit int) string {
	s, _ := value.(string)
	if len(s) > limit {
		return ""
	}
	return s
}

func integer(value any) (uint64, bool) {
	number, isNumber := value.(json.Number)
	if !isNumber || strings.ContainsAny(string(number), ".eE") {
		return 0, false
	}
	n, err := number.Int64()
	return uint64(n), err == nil && n >= 0 && n <= drawdown.MaxInteger
}

// agree compares the decoder with the standard library on one value.
func agree(t *testing.T, value []byte) {
	t.Helper()
	var decoder decode.Decoder
	var rec drawdown.Record
	decoder.Decode(value, appended, &rec)
	object := standard(value)
	if (object != nil) != (rec.LogTime == appended) {
		t.Fatalf("%q: a JSON object for the standard library: %v, for the decoder: %v", value, object != nil, rec.LogTime == appended)
	}
	if object == nil || rec.Reject == drawdown.Malformed {
		return
	}
	if string(rec.ID) != text(object["id"], drawdown.MaxIDLen) || string(rec.Source) != text(object["source"], drawdown.MaxSourceLen) {
		t.Fatalf("%q: id %q, source %q", value, rec.ID, rec.Source)
	}
	if rec.Type != drawdown.ParseType([]byte(text(object["type"], 1<<20))) {
		t.Fatalf("%q: type %v", value, rec.Type)
	}
	if rec.Type == drawdown.SyncUsage {
		agreeUsage(t, value, &rec, object)
	}
}

func agreeUsage(t *testing.T, value []byte, rec *drawdown.Record, object map[string]any) {
	t.Helper()
	data, _ := object["data"].(map[string]any)
	u := &rec.Usage
	for name, got := range map[string][]byte{
		"connection": u.Connection, "source_connector": u.SourceConnector,
		"destination_connector": u.DestinationConnector, "stream": u.Stream,
	} {
		if string(got) != text(data[name], drawdown.MaxNameLen) {
			t.Fatalf("%q: %s is %q", value, name, got)
		}
	}
	for name, got := range map[string]uint64{
		"job": u.Job, "attempt": u.Attempt, "seq": u.Seq, "records": u.Quantity[drawdown.Records],
		"bytes": u.Quantity[drawdown.Bytes], "operations": u.Quantity[drawdown.Operations],
	} {
		want, ok := integer(data[name])
		if data[name] != nil && (!ok || got != want) || data[name] == nil && got != 0 {
			t.Fatalf("%q: %s is %d", value, name, got)
		}
	}
}

// TestAgreesWithTheStandardLibrary takes generated logs, sound and broken, and breaks every line further.
func TestAgreesWithTheStandardLibrary(t *testing.T) {
	for seed := range uint64(20) {
		log := loggen.Generate(seed, 200, loggen.Options{Weirdness: 30})
		for line := range bytes.Lines(log) {
			line = bytes.TrimSuffix(line, []byte{'\n'})
			agree(t, line)
			for at := 0; at < len(line); at += 1 + len(line)/13 {
				for _, c := range []byte{'"', '\\', '}', ',', 0, 0x80, '1', 'u'} {
					broken := bytes.Clone(line)
					broken[at] = c
					agree(t, broken)
				}
				agree(t, line[:at])
			}
		}
	}
}

const usage = `{"specversion":"1.0","id":"e1","source":"w","type":"sync.usage","subject":"acme","time":"2026-02-01T00:00:00.9999+01:00","data":{"connection":"c","source_connector":"s","destination_connector":"d","job":1,"attempt":0,"seq":7,"records":9007199254740991}}`

func FuzzDecode(f *testing.F) {
	f.Add([]byte(usage))
	for line := range bytes.Lines(loggen.Generate(7, 60, loggen.Options{Weirdness: 30})) {
		f.Add(bytes.TrimSuffix(line, []byte{'\n'}))
	}
	f.Fuzz(func(t *testing.T, value []byte) { agree(t, value) })
}

func TestUsage(t *testing.T) {
	rec := decodeOne(usage)
	if rec.Reject != "" || string(rec.Account) != "acme" || rec.Usage.Seq != 7 || rec.Usage.Quantity[drawdown.Records] != drawdown.MaxInteger {
		t.Fatalf("%+v", rec)
	}
	if got := rec.Time.String(); got != "2026-01-31T23:00:00.999Z" {
		t.Errorf("time is %s", got)
	}
}

// TestForms replaces one part of a sound usage event and says what becomes of it.
func TestForms(t *testing.T) {
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for _, test := range []struct {
		rule, part, by string
		want           drawdown.Reason
	}{
		{"a repeated key: the last wins", `"id":"e1"`, `"id":5,"id":"e1"`, ""},
		{"a repeated key: the last wins, also when it is bad", `"id":"e1"`, `"id":"e1","id":5`, drawdown.Malformed},
		{"null means absent", `"seq":7`, `"seq":null`, ""},
		{"null means absent, also of what is required", `"id":"e1"`, `"id":null`, drawdown.Malformed},
		{"unknown members are ignored", `"job":1`, `"job":1,"x":{"y":[1e999]}`, ""},
		{"names are exact", `"id":"e1"`, `"ID":"e1"`, drawdown.Malformed},
		{"names may be escaped", `"id":"e1"`, `"\u0069d":"e1"`, ""},
		{"an integer has no fraction", `"job":1`, `"job":1.0`, drawdown.Malformed},
		{"an integer has no exponent", `"job":1`, `"job":1e3`, drawdown.Malformed},
		{"an integer is no string", `"job":1`, `"job":"1"`, drawdown.Malformed},
		{"an integer is not negative", `"job":1`, `"job":-1`, drawdown.Malformed},
		{"minus zero is zero", `"job":1`, `"job":-0`, ""},
		{"2^53 is too large", `9007199254740991`, `9007199254740992`, drawdown.Malformed},
		{"seq begins at 1", `"seq":7`, `"seq":0`, drawdown.Malformed},
		{"a stream is not empty", `"seq":7`, `"stream":""`, drawdown.Malformed},
		{"64 levels are allowed", `"job":1`, `"job":1,"x":` + nested(62), ""},
		{"65 levels are none", `"job":1`, `"job":1,"x":` + nested(63), drawdown.Malformed},
		{"surrogates come in pairs", `"e1"`, `"\ud83d\ude00"`, ""},
		{"an unpaired surrogate is no JSON", `"e1"`, `"\ud83d"`, drawdown.Malformed},
		{"bad UTF-8 is no JSON", `"e1"`, "\"\xff\"", drawdown.Malformed},
		{"an id of 129 bytes is too long", `"e1"`, `"` + strings.Repeat("a", 129) + `"`, drawdown.Malformed},
		{"unknown types are told before subject and data", `"type":"sync.usage","subject":"acme"`, `"type":"x","subject":"?"`, drawdown.UnknownType},
		{"a subject has an alphabet", `"acme"`, `"ac me"`, drawdown.Malformed},
		{"seconds end at 59", `00:00:00.9999`, `23:59:60`, drawdown.Malformed},
		{"a logtime in the log must be a time", `"id":"e1"`, `"id":"e1","logtime":"x"`, drawdown.Malformed},
		{"no space before the record matters", `{"specversion"`, " \t\r\n{\"specversion\"", ""},
		{"nothing follows the record", `991}}`, `991}}x`, drawdown.Malformed},
	} {
		t.Run(test.rule, func(t *testing.T) {
			value := strings.Replace(usage, test.part, test.by, 1)
			if value == usage {
				t.Fatalf("%q is not part of the event", test.part)
			}
			if got := decodeOne(value).Reject; got != test.want {
				t.Errorf("%s: %q, expected %q", value, got, test.want)
			}
		})
	}
}

func TestUsageIsDecodedWithoutAllocation(t *testing.T) {
	var decoder decode.Decoder
	var rec drawdown.Record
	value := []byte(usage)
	if n := testing.AllocsPerRun(100, func() {
		decoder.Reset()
		decoder.Decode(value, appended, &rec)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkDecodeUsage(b *testing.B) {
	value := []byte(`{"specversion":"1.0","id":"3f1c2f1e-6c2e-4d36-9a51-000000000001","source":"/airbyte/worker-7","type":"sync.usage","subject":"account-004217","time":"2026-02-01T12:34:56.789Z","data":{"connection":"postgres-to-bigquery-17","source_connector":"source-postgres","destination_connector":"destination-bigquery","job":123456,"attempt":0,"stream":"public.orders","seq":42,"records":1250,"bytes":734211}}`)
	b.SetBytes(int64(len(value)))
	b.ReportAllocs()
	var decoder decode.Decoder
	var rec drawdown.Record
	for b.Loop() {
		decoder.Reset()
		decoder.Decode(value, appended, &rec)
	}
	if rec.Reject != "" {
		b.Fatal(rec.Reject)
	}
}
