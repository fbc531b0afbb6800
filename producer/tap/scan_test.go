package tap

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// finding is what one line says, in a form that compares.
type finding struct {
	record    bool
	stream    string
	dataBytes int64
	state     bool
	perStream bool
}

func findingOf(m *message) finding {
	var f finding
	if m.counts() {
		f.record, f.stream, f.dataBytes = true, string(m.namespace)+"\x00"+string(m.stream), m.dataBytes
	}
	if f.state = m.settles(); f.state && m.perStream() {
		f.perStream, f.stream = true, string(m.stateNamespace)+"\x00"+string(m.stateStream)
	}
	return f
}

// scanAll feeds the input in the chunks given and returns the findings of whole lines.
func scanAll(chunks ...[]byte) []finding {
	var all []finding
	s := scanner{found: func(m *message) {
		if f := findingOf(m); f != (finding{}) {
			all = append(all, f)
		}
	}}
	for _, chunk := range chunks {
		s.feed(chunk)
	}
	s.end()
	return all
}

// decode is the reference: encoding/json into maps, where the last of repeated keys wins.
func decode(line []byte) finding {
	top, ok := asObject(line)
	if !ok {
		return finding{}
	}
	var f finding
	switch asString(top["type"]) {
	case "RECORD":
		if r, ok := asObject(top["record"]); ok {
			var compact bytes.Buffer
			if r["data"] != nil {
				if err := json.Compact(&compact, r["data"]); err != nil {
					panic(err)
				}
			}
			f = finding{record: true, stream: asString(r["namespace"]) + "\x00" + asString(r["stream"]), dataBytes: int64(compact.Len())}
		}
	case "STATE":
		if s, ok := asObject(top["state"]); ok {
			f.state = true
			stream, _ := asObject(s["stream"])
			descriptor, _ := asObject(stream["stream_descriptor"])
			if name := asString(descriptor["name"]); asString(s["type"]) == "STREAM" && name != "" {
				f.perStream, f.stream = true, asString(descriptor["namespace"])+"\x00"+name
			}
		}
	}
	return f
}

func asObject(raw []byte) (map[string]json.RawMessage, bool) {
	var object map[string]json.RawMessage
	err := json.Unmarshal(raw, &object)
	return object, err == nil && object != nil
}

func asString(raw []byte) string {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return ""
	}
	return text
}

func TestScannerFindsWhatADecoderFinds(t *testing.T) {
	for _, line := range []string{
		`{"type":"RECORD","record":{"stream":"users","data":{"id":1},"emitted_at":1}}`,
		`{"record":{"data":{"a":[1,{"b":"}"}]},"emitted_at":5,"stream":"s","namespace":"public"},"type":"RECORD"}`,
		` { "type" : "RECORD" , "record" : { "stream" : "s" , "data" : { "a" : [ 1 , 2 ] , "b" : "x y" } } } `,
		`{"type":"RECORD","record":{"stream":"a\"b\\","data":{"q":"\\\"","e":"\\"}}}`,
		`{"ty\u0070e":"REC\u004fRD","record":{"stream":"caf\u00e9 \ud83d\ude00","data":null}}`,
		`{"type":"RECORD","record":{"stream":"s","namespace":null,"data":"text"}}`,
		`{"type":"RECORD","record":{"stream":"s","data":12.5e3}}`,
		`{"type":"RECORD","record":{"stream":"s","data":true }}`,
		`{"type":"RECORD","record":{"stream":"s","data":[]}}`,
		`{"type":"RECORD","record":{"stream":"s"}}`,
		`{"type":"RECORD","record":{}}`, `{"type":"RECORD"}`, `{"type":"RECORD","record":[]}`, `{"type":"RECORD","record":"x"}`,
		`{"type":"RECORD","record":{"stream":5,"data":{}}}`,
		`{"type":"LOG","type":"RECORD","record":{"stream":"a","data":1},"record":{"stream":"b"}}`,
		`{"type":"RECORD","record":{"stream":"a","data":1},"record":null}`,
		`{"type":"RECORD","type":5,"record":{"stream":"a","data":1}}`,
		`{"type":"RECORD","record":{"stream":"a","stream":{"x":1},"data":1,"data":{"x":22}}}`,
		`{"type":"LOG","log":{"message":"{\"type\":\"RECORD\",\"record\":{}}"}}`,
		`{"type":"TRACE","record":{"stream":"s","data":{}}}`,
		`{"a":{"type":"RECORD","record":{}},"type":"LOG"}`,
		`{"type":"STATE","state":{"type":"STREAM","stream":{"stream_descriptor":{"name":"users","namespace":"public"},"stream_state":{"a":[{}]}},"sourceStats":{"recordCount":3.0}}}`,
		`{"type":"STATE","state":{"type":"STREAM","stream":{"stream_state":{},"stream_descriptor":{"namespace":null,"name":"u"}}}}`,
		`{"type":"STATE","state":{"type":"GLOBAL","global":{"shared_state":{},"stream_states":[{"stream_descriptor":{"name":"u"}}]}}}`,
		`{"type":"STATE","state":{"data":{"cursor":1}}}`, `{"type":"STATE","state":{}}`, `{"type":"STATE"}`,
		`{"type":"STATE","state":{"type":"STREAM","stream":{"stream_descriptor":{"name":"u"}},"stream":{}}}`,
		`{"type":"STATE","state":{"type":"STREAM","stream":{"stream_descriptor":{"name":"u"}}},"state":{"type":"STREAM"}}`,
		`{"state":{"type":"GLOBAL"},"record":{"stream":"s","data":1},"type":"STATE"}`,
		`{}`, `[]`, `""`, `null`, `5`, ``, ` `, `{"":""}`,
		`{"type":"RECORD","record":{"stream":"` + strings.Repeat("n", 200) + `","data":{}}}`,
	} {
		for cut := range len(line) + 1 {
			var want []finding
			if f := decode([]byte(line)); f != (finding{}) {
				want = []finding{f}
			}
			got := scanAll([]byte(line)[:cut], []byte(line)[cut:])
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("%s\ncut at %d: found %+v, want %+v", line, cut, got, want)
			}
		}
		one, again := scanAll([]byte(line)), scanAll([]byte(line+"\n"+line))
		if fmt.Sprint(again) != fmt.Sprint(append(one, one...)) {
			t.Fatalf("%s\nonce: found %+v, twice: %+v", line, one, again)
		}
	}
}

func TestLinesThatAreNoObjectAreNoMessages(t *testing.T) {
	for _, line := range []string{
		`{"type":"RECORD","record":{"stream":"s","data":{"a":1}}`, `{"type":"RECORD","record":{"stream":"s","data":{}}}x`,
		`x{"type":"RECORD","record":{}}`, `{"type":"RECORD","record":{"stream":"s","data":"open}}`,
		`{"type" "RECORD","record":{}}`, `{"type":"RECORD" "record":{}}`, `{type:"RECORD","record":{}}`,
		`{"type":"RECORD","record":}`, `{"type":"RECORD","record":{"stream":"\x"}}`, `{"type":"RECORD","record":{}}{}`,
		"{\"type\":\"RECORD\",\"record\":{\"stream\":\"a\\", "\xff\xfe", "2026-02-01 INFO starting",
	} {
		got := scanAll([]byte(line + "\n" + `{"type":"RECORD","record":{"stream":"next","data":{}}}` + "\r\n"))
		if len(got) != 1 || got[0].stream != "\x00next" {
			t.Errorf("%s: found %+v, want only the line after it", line, got)
		}
	}
}

func TestNamesBeyondTheBoundAreCut(t *testing.T) {
	name := strings.Repeat("n", captureMax+500)
	got := scanAll([]byte(`{"type":"RECORD","record":{"stream":"` + name + `","data":{"a":1}}}`))
	if len(got) != 1 || got[0].stream != "\x00"+name[:captureMax] || got[0].dataBytes != 7 {
		t.Errorf("found %d messages", len(got))
	}
}

// anyJSON draws a JSON value as text, with keys and strings that look like the protocol's.
func anyJSON(depth int) *rapid.Generator[string] {
	word := rapid.OneOf(
		rapid.SampledFrom([]string{"type", "record", "state", "stream", "namespace", "data", "RECORD", "STATE", "STREAM",
			"stream_descriptor", "name", "GLOBAL", `a\"b`, `\\`, `\u0074ype`, "é", `\ud800`, "}", "{", "]", ",", ":"}),
		rapid.StringMatching(`[a-z ]{0,6}`))
	gap := rapid.SampledFrom([]string{"", "", "", " ", "\t", "\r"})
	return rapid.Custom(func(t *rapid.T) string {
		quoted := func() string { return `"` + word.Draw(t, "word") + `"` }
		kind := rapid.IntRange(0, 5).Draw(t, "kind")
		if depth == 0 {
			kind = min(kind, 1)
		}
		var parts []string
		switch kind {
		case 0:
			return quoted()
		case 1:
			return rapid.SampledFrom([]string{"null", "true", "0", "-1.5e3"}).Draw(t, "scalar")
		case 2:
			for range rapid.IntRange(0, 3).Draw(t, "items") {
				parts = append(parts, gap.Draw(t, "gap")+anyJSON(depth-1).Draw(t, "item")+gap.Draw(t, "gap"))
			}
			return "[" + strings.Join(parts, ",") + "]"
		default:
			for range rapid.IntRange(0, 5).Draw(t, "members") {
				parts = append(parts, gap.Draw(t, "gap")+quoted()+gap.Draw(t, "gap")+":"+gap.Draw(t, "gap")+anyJSON(depth-1).Draw(t, "value")+gap.Draw(t, "gap"))
			}
			return "{" + strings.Join(parts, ",") + "}"
		}
	})
}

// anyLine draws a line: protocol messages with members in any order, any JSON, or no JSON.
func anyLine() *rapid.Generator[string] {
	name := rapid.SampledFrom([]string{`"users"`, `"orders"`, `"a.b"`, `"caf\u00e9"`, `null`, `7`})
	return rapid.Custom(func(t *rapid.T) string {
		shuffled := func(members ...string) string {
			return "{" + strings.Join(rapid.Permutation(members).Draw(t, "order"), ",") + "}"
		}
		switch rapid.IntRange(0, 5).Draw(t, "line") {
		case 0, 1:
			return shuffled(`"type":"RECORD"`, `"x":`+anyJSON(1).Draw(t, "extra"), `"record":`+shuffled(
				`"stream":`+name.Draw(t, "name"), `"namespace":`+name.Draw(t, "namespace"), `"data":`+anyJSON(3).Draw(t, "data"), `"emitted_at":5`))
		case 2:
			kind := rapid.SampledFrom([]string{`"STREAM"`, `"GLOBAL"`, `"LEGACY"`, `null`}).Draw(t, "state type")
			return shuffled(`"type":"STATE"`, `"state":`+shuffled(`"type":`+kind, `"data":`+anyJSON(1).Draw(t, "data"),
				`"stream":`+shuffled(`"stream_state":{}`, `"stream_descriptor":`+shuffled(`"name":`+name.Draw(t, "name"), `"namespace":`+name.Draw(t, "namespace")))))
		case 3:
			return anyJSON(4).Draw(t, "json")
		case 4:
			return rapid.StringMatching(`[ -~]{0,40}`).Draw(t, "text")
		default:
			whole := anyJSON(3).Draw(t, "json")
			return whole[:rapid.IntRange(0, len(whole)).Draw(t, "torn")]
		}
	})
}

func chunksOf(t *rapid.T, input []byte) [][]byte {
	var chunks [][]byte
	for len(input) > 0 {
		n := rapid.IntRange(1, min(len(input), 64)).Draw(t, "chunk")
		chunks, input = append(chunks, input[:n]), input[n:]
	}
	return chunks
}

func TestScannerAgreesWithADecoderOnAnyChunks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var input []byte
		var want []finding
		for range rapid.IntRange(1, 4).Draw(t, "lines") {
			line := anyLine().Draw(t, "line")
			for range rapid.IntRange(1, 3).Draw(t, "times") { // lines that begin alike take the short way
				input = append(append(input, line...), '\n')
				if f := decode([]byte(line)); f != (finding{}) {
					want = append(want, f)
				}
			}
		}
		if got := scanAll(chunksOf(t, input)...); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("in small chunks: found %+v, want %+v", got, want)
		}
		if got := scanAll(input); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("at once: found %+v, want %+v", got, want)
		}
	})
}

// FuzzScanner holds the scanner to the decoder for every valid line, and to the same findings
// however the input is cut for every other.
func FuzzScanner(f *testing.F) {
	f.Add([]byte(`{"type":"RECORD","record":{"stream":"s","data":{"a":"\\"}}}`), uint16(9))
	f.Add([]byte(`{"type":"STATE","state":{"type":"STREAM","stream":{"stream_descriptor":{"name":"u"}}}}`), uint16(30))
	f.Add([]byte("{\"type\":\"RECORD\",\"record\":{}}\r\n{}"), uint16(31))
	f.Add([]byte("{\"type\":\"RECORD\",\"record\":{\"data\":1}}\n{\"type\":\"RECORD\",\"record\":{\"data\":{}}}"), uint16(50))
	f.Fuzz(func(t *testing.T, input []byte, cut uint16) {
		whole := scanAll(input)
		at := min(int(cut), len(input))
		if parts := scanAll(input[:at], input[at:]); fmt.Sprint(parts) != fmt.Sprint(whole) {
			t.Fatalf("cut at %d: %+v, whole: %+v", at, parts, whole)
		}
		if len(input) > captureMax {
			return
		}
		var want []finding
		for line := range bytes.SplitSeq(input, []byte("\n")) {
			if len(bytes.TrimSpace(line)) > 0 && !json.Valid(line) {
				return
			}
			if f := decode(line); f != (finding{}) {
				want = append(want, f)
			}
		}
		if fmt.Sprint(whole) != fmt.Sprint(want) {
			t.Fatalf("found %+v, want %+v", whole, want)
		}
	})
}

func BenchmarkScanner(b *testing.B) {
	input := recording(b)
	s := scanner{found: func(*message) {}}
	b.SetBytes(int64(len(input)))
	b.ReportAllocs()
	for b.Loop() {
		s.feed(input)
	}
}
