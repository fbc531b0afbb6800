package api

import (
	"net/url"
	"testing"
	"unicode/utf8"

	"drawdown"
)

// What the gate reads from a query is what the standard library reads.
func FuzzGateQuery(f *testing.F) {
	for _, seed := range []string{"connection=shop", "connection=a%20b&job=7", "job=9007199254740991&connection=x", "connection=%FF", "a=b&&", "connection==", "connection=a;b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		connection, job, refusal := readGateQuery(t.Context(), query)
		if refusal != nil {
			return
		}
		values, err := url.ParseQuery(query)
		if err != nil || values.Get("connection") != connection || !utf8.ValidString(connection) || connection == "" || len(values["connection"]) != 1 {
			t.Errorf("%q is read as connection %q, but is %v (%v)", query, connection, values, err)
		}
		if number, ok := parseInteger(values.Get("job")); values.Has("job") != (job != nil) || job != nil && (!ok || number != *job || number > drawdown.MaxInteger) {
			t.Errorf("%q is read as job %v, but is %v", query, job, values)
		}
	})
}

// Integers are digits, as in records.
func TestIntegersAreDigits(t *testing.T) {
	for text, want := range map[string]bool{"0": true, "9007199254740991": true, "9007199254740992": false, "": false, "-1": false, "+1": false, "1.0": false, "1e3": false, "0x1": false, "1_0": false} {
		if _, ok := parseInteger(text); ok != want {
			t.Errorf("%q is read: %t", text, ok)
		}
	}
}
