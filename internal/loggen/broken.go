package loggen

import (
	"fmt"
	"slices"
	"strings"
)

// emitBroken writes a record that is broken on purpose; some turn out sound all the same.
func (g *generator) emitBroken() {
	switch at := g.IntN(100); {
	case at < 12:
		g.write([]byte(oneOf(g, notJSON...)))
	case at < 25:
		g.write(g.damaged())
	case at < 32:
		g.write([]byte(g.tooDeep()))
	default:
		g.write([]byte(plain(g.mutated())))
	}
}

// notJSON are lines that are no JSON object; none moves the clock.
var notJSON = []string{
	"", " ", "not json", "null", "[]", "1", `"text"`, "{", "}", "{}{}", `{"a":1,}`, `{"a" 1}`, `{a:1}`, `{'a':1}`,
	"\xef\xbb\xbf{}", "[{}]", "true", `{"a":01}`, `{"a":.5}`, `{"a":1.}`, `{"a":+1}`, `{"a":NaN}`, `{"a":1e}`, `{"a":-}`,
	`{"a":"` + "\t" + `"}`, `{"a":"\x"}`, `{"a":"\u12g4"}`, `{"a":tru}`, "\x00", "//{}", `{"a":"\`, `{"a":"\u12`, `{"a":"\ud83d\u12"}`, `{"a":"\ud83d\u12g4"}`, `{"a":[}`, `{"a":[1 2]}`, `{"a":[1,]}`,
	`{,}`, `{"a"}`, `{"a":}`, `{1:2}`, `{"a":1 "b":2}`, `{"a":- 1}`, `{"a":1.e1}`, `{"a":0x1}`, `{"a":1_0}`, `{"a":Infinity}`, `{"a":""b"}`, `{"a":1}/**/`, `{}`, `{"logtime":null}`,
}

// damages turn the text of a sound record into one that is no JSON, or nearly so.
var damages = []func(string) string{
	func(s string) string { return s + "x" },
	func(s string) string { return s + " {}" },
	func(s string) string { return "\xef\xbb\xbf" + s },
	func(s string) string { return s[:len(s)-1] },
	func(s string) string { return s[:len(s)/2] },
	func(s string) string { return s[:len(s)-1] + ",}" },
	func(s string) string { return s[:len(s)-1] + `,"bad":"` + "\xff" + `"}` },
	func(s string) string { return s[:len(s)-1] + `,"bad":"` + "\xed\xa0\x80" + `"}` },
	func(s string) string { return s[:len(s)-1] + `,"bad":"` + "\xc0\xaf" + `"}` },
	func(s string) string { return s[:len(s)-1] + `,"bad` + "\xc3" + `":1}` },
	func(s string) string { return s[:len(s)-1] + `,"bad":"\ud800"}` },
	func(s string) string { return s[:len(s)-1] + `,"bad":"\udc00\ud800"}` },
	func(s string) string { return s[:len(s)-1] + `,"\uD83Dx":1}` },
	func(s string) string { return s[:len(s)-1] + `,"bad":"\ud83d\ud83d"}` },
	func(s string) string { return s[:len(s)-1] + `,"bad":"\ud83d\n"}` },
	func(s string) string { return s[:len(s)-1] + `,"fine":"\uD83D\uDE00"}` },
	func(s string) string { return s[:len(s)-1] + `,"bad":01}` },
	func(s string) string { return s[:len(s)-1] + `,"bad":1.}` },
	func(s string) string { return s[:len(s)-1] + `,"bad":-}` },
	func(s string) string { return s[:len(s)-1] + `,"bad":"` + "\x01" + `"}` },
	func(s string) string { return s[:len(s)-1] + `,"fine":"` + "\x7f" + `"}` },
	func(s string) string { return strings.Replace(s, `"type"`, `"TYPE"`, 1) },
	func(s string) string { return strings.Replace(s, `"data"`, `"Data"`, 1) },
	func(s string) string { return strings.Replace(s, `:`, ` `, 1) },
	func(s string) string { return strings.Replace(s, `"`, ``, 1) },
	func(s string) string { return s + "\r" },
	func(s string) string { return "\v" + s },
}

func (g *generator) damaged() []byte {
	return []byte(oneOf(g, damages...)(plain(g.members(g.sample()))))
}

// tooDeep nests an unknown member so that the record is 64, 65 or 66 deep.
func (g *generator) tooDeep() string {
	s := plain(g.members(g.sample()))
	inner := oneOf(g, 63, 63, 64, 65)
	opening, closing := "[", "]"
	if g.chance(40) {
		opening, closing = `{"a":`, "}"
	}
	nested := strings.Repeat(opening, inner) + oneOf(g, "1", "null") + strings.Repeat(closing, inner)
	return s[:len(s)-1] + `,"deep":` + nested + "}"
}

// sample is a sound record to break: of any type.
func (g *generator) sample() event {
	if g.chance(35) { // plans have most rules
		return g.publishPlan()
	}
	all := actions()
	return all[g.IntN(len(all))].make(g)
}

// values replace a member's value: most break its rule, some lie just inside a limit.
func (g *generator) strangeValue() string {
	return oneOf(g,
		"null", "true", "false", "[]", "{}", `""`, "0", "-0", "1", "-1", "1.0", "1e3", "1E0", "0.5", `"0"`, `"1"`, `"-1"`,
		"9007199254740991", "9007199254740992", "99999999999999999999999", `"100000000"`, `"100000000.000000001"`,
		`"1.000000000"`, `"1.0000000000"`, `"+1"`, `"1e3"`, `".5"`, `"1."`, `"007.50"`, `"-0"`, `" 1"`, `"1 "`, `"１"`,
		`"0.90"`, `"00.90"`, `"0.9"`, `"-0.90"`, `"1000000000000000.00"`, `"1000000000000000.01"`, `"9"`,
		`"USD"`, `"usd"`, `"US"`, `"USDX"`, `"now"`, `"NOW"`, `"ga"`, `"month"`, `"none"`, `"subscription"`, `"auto"`,
		text(strings.Repeat("x", 128)), text(strings.Repeat("x", 129)), text(strings.Repeat("é", 64)),
		text(strings.Repeat("é", 64)+"x"), text(strings.Repeat("y", 192)), text(strings.Repeat("y", 193)),
		text(strings.Repeat("z", 256)), text(strings.Repeat("z", 257)), text(strings.Repeat("r", 512)),
		text(strings.Repeat("r", 513)), `"a b"`, `"a/b"`, `"\u0000"`, `"é"`,
		"[1]", "[1,2]", "[2,1]", "[1,1]", "[0]", "[100]", "[101]", "[366,1]", "[365,1]", "[null]", `["1"]`, `[1.0]`, "[[]]",
		`["a"]`, `["a","b"]`, `["a","a"]`, `["a","\u0061"]`, `["a",""]`, `["a",1]`, `["a",null]`, `["a",["a"]]`, `[{},{}]`,
		list(20), list(21), list(32), list(33), "["+text(strings.Repeat("x", 128))+"]", "["+text(strings.Repeat("x", 129))+"]",
		"1439", "1440", "1000000", "1000001", `"primary"`, `"backup"`, `"Backup"`, `"critical"`, `"low"`, `"high"`, "2", "1000", "1001", `"-0.000000001"`,
		`[{"after_minutes":0,"method":"backup"}]`, `[{"after_minutes":1439,"method":"primary"},{"after_minutes":1439,"method":"primary"}]`,
		`[{"after_minutes":1,"method":"backup"},{"after_minutes":0,"method":"backup"}]`, `[{"after_minutes":0}]`, `[{"method":"backup"}]`,
		`[{"after_minutes":0,"method":"backup"},null]`, rungs(12), rungs(13),
		`{"months":1}`, `{"months":0}`, `{"months":121}`, `{"months":120}`, `{"months":"1"}`, `{"month":1}`, `"end_of_period"`,
		g.strangeTime(),
	)
}

// list is a list of so many strings, none twice.
func list(length int) string {
	var parts []string
	for i := range length {
		parts = append(parts, text(fmt.Sprint(i)))
	}
	return "[" + strings.Join(parts, ",") + "]"
}

// rungs is a payment ladder of so many steps.
func rungs(length int) string {
	return "[" + strings.Repeat(`{"after_minutes":5,"method":"primary"},`, length-1) + `{"after_minutes":5,"method":"primary"}]`
}

// strangeTime is a time with something unusual: most are none, some are.
func (g *generator) strangeTime() string {
	usual := g.now().String()
	date, clock := usual[:10], usual[11:19]
	return text(oneOf(g,
		date+"t"+clock+"Z", date+"T"+clock+"z", date+" "+clock+"Z", date+"T"+clock, date, date+"T24:00:00Z",
		date+"T23:59:60Z", date+"T12:60:00Z", date+"T12:00Z", date+"T"+clock+".Z", date+"T"+clock+",5Z",
		date+"T"+clock+".1234567891Z", date+"T"+clock+".123456789Z", date+"T"+clock+"+24:00", date+"T"+clock+"+23:59",
		date+"T"+clock+"+0100", date+"T"+clock+"+01", date+"T"+clock+"-00:60", date+"T"+clock+"+1:00",
		"2023-02-29T00:00:00Z", "2024-02-30T00:00:00Z", "2023-13-01T00:00:00Z", "2023-00-10T00:00:00Z", "2023-04-31T00:00:00Z",
		"2023-01-00T00:00:00Z", "1969-12-31T23:59:59.999Z", "1969-12-31T23:30:00-01:00", "1970-01-01T00:30:00+01:00",
		"9001-01-01T00:00:00Z", "0000-01-01T00:00:00Z", "02023-01-01T00:00:00Z", "-2023-01-01T00:00:00Z", " "+usual, usual+" ",
	))
}

// mutated is a sound record with one member, at any depth, replaced, removed, repeated or misspelt.
func (g *generator) mutated() []member {
	e := g.sample()
	list := g.members(e)
	if g.chance(4) && e.subject == "" {
		return append(list, texts("subject", oneOf(g, g.accounts...)))
	}
	if g.chance(4) {
		return append(list, member{"logtime", g.strangePast()})
	}
	if g.chance(3) {
		return append(list, member{"data", oneOf(g, "[]", `"x"`, "1", "null", "{}", "true")})
	}
	g.mutate(list)
	return list
}

// strangePast is a log time that can't be read, or one behind the clock: it must not move it far ahead.
func (g *generator) strangePast() string {
	return oneOf(g, "null", "1", `""`, `"now"`, text(max(0, g.now()-day).String()), g.strangeTime())
}

// mutate changes one member in place.
func (g *generator) mutate(list []member) {
	i := g.IntN(len(list))
	if list[i].key == "data" || g.chance(50) {
		for j, m := range list {
			if m.key == "data" {
				i = j
			}
		}
	}
	switch nested := list[i].value.(type) {
	case []member:
		if len(nested) > 0 && !g.chance(8) {
			list[i].value = g.mutatedCopy(nested)
			return
		}
	case [][]member:
		if len(nested) > 0 && !g.chance(20) {
			copied := slices.Clone(nested)
			j := g.IntN(len(copied))
			copied[j] = g.mutatedCopy(copied[j])
			list[i].value = copied
			return
		}
	}
	switch at := g.IntN(100); {
	case at < 15:
		list[i].key += oneOf(g, "_", "", "s")
	case at < 30:
		list[i].value = "null"
	case at < 45 && isTime(list[i].key):
		list[i].value = g.strangeTime()
	case at < 75 && list[i].key == "after_minutes":
		list[i].value = oneOf(g, "-1", "0", "1439", "1440", "1441")
	default:
		list[i].value = g.strangeValue()
	}
}

func (g *generator) mutatedCopy(list []member) []member {
	copied := slices.Clone(list)
	g.mutate(copied)
	return copied
}

func isTime(key string) bool {
	switch key {
	case "time", "logtime", "expires_at", "effective_from", "effective_at":
		return true
	}
	return false
}

// unknownType is a record of a type that nobody knows; its subject and data may be anything.
func (g *generator) unknownType() event {
	e := g.broadcast(oneOf(g, "coffee.brewed", "", "sync.Usage", "tick ", "plan.publish", strings.Repeat("t", 300)))
	e.subject = oneOf(g, "", "acme", "not/valid", oneOf(g, g.accounts...))
	if g.chance(30) {
		e.data = []member{integer("any", 1)}
	}
	return e
}
