package loggen

import (
	"encoding/json"
	"fmt"
	"strings"

	"drawdown/internal/reference"
)

// member is one member of an object; its value is JSON text or, in data, nested members or a list of such.
type member struct {
	key   string
	value any // string (JSON text), []member or [][]member
}

// event is a record before it is spelled: what it says, apart from how it is written.
type event struct {
	typ, id, source, subject string
	logTime, time            reference.Instant
	// data is nil where the record has none.
	data []member
}

// text is a JSON string.
func text(s string) string {
	encoded, err := json.Marshal(s)
	if err != nil {
		panic(fmt.Sprintf("loggen: %v", err))
	}
	return string(encoded)
}

func texts(key, value string) member { return member{key, text(value)} }

func integer(key string, value int64) member { return member{key, fmt.Sprint(value)} }

func boolean(key string, value bool) member { return member{key, fmt.Sprint(value)} }

// instant spells a time in one of the ways that section 1 reads.
func (g *generator) instant(at reference.Instant) string {
	if !g.chance(12) {
		return text(at.String())
	}
	whole := strings.TrimSuffix(at.String(), "Z")
	switch g.IntN(4) {
	case 0: // finer than a millisecond is cut
		seconds, fraction, _ := strings.Cut(whole, ".")
		return text(seconds + "." + (fraction + "000")[:3] + oneOf(g, "9", "999999", "000001") + "Z")
	case 1:
		return text(strings.TrimSuffix((at+330*minute).String(), "Z") + "+05:30")
	case 2:
		if at < 2*hour {
			return text(at.String())
		}
		return text(strings.TrimSuffix((at-90*minute).String(), "Z") + "-01:30")
	}
	return text(whole + oneOf(g, "+00:00", "-00:00"))
}

// members lists a record's members as they are usually written.
func (g *generator) members(e event) []member {
	list := []member{
		texts("specversion", "1.0"), texts("id", e.id), texts("source", e.source), texts("type", e.typ),
		{"time", g.instant(e.time)},
	}
	if e.logTime != e.time || (!g.options.WithoutLogtime && g.chance(50)) {
		list = append(list, member{"logtime", g.instant(e.logTime)})
	}
	if e.subject != "" {
		list = append(list, texts("subject", e.subject))
	}
	if e.data != nil {
		list = append(list, member{"data", e.data})
	}
	return list
}

// spell writes a sound record, now and then in an unusual but valid way.
func (g *generator) spell(e event) []byte {
	list := g.members(e)
	if g.chance(88) {
		return []byte(plain(list))
	}
	return []byte(g.fancy(list, 1))
}

// plain writes an object in the usual way.
func plain(list []member) string {
	var parts []string
	for _, m := range list {
		parts = append(parts, text(m.key)+":"+valueText(m.value))
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func valueText(value any) string {
	switch value := value.(type) {
	case []member:
		return plain(value)
	case [][]member:
		var parts []string
		for _, element := range value {
			parts = append(parts, plain(element))
		}
		return "[" + strings.Join(parts, ",") + "]"
	}
	return value.(string)
}

// fancy writes an object with its members in any order, with white space, escapes, unknown and repeated members.
func (g *generator) fancy(list []member, depth int) string {
	var parts []string
	for _, m := range list {
		overruled := ""
		if g.chance(8) { // repeated: the last wins
			overruled = g.fancyKey(m.key) + ":" + oneOf(g, "null", "1", `"first"`, "{}", "[[]]") + ","
		}
		value := valueText(m.value)
		if nested, ok := m.value.([]member); ok {
			value = g.fancy(nested, depth+1)
		} else if strings.HasPrefix(value, `"`) && g.chance(20) {
			value = escaped(value)
		}
		parts = append(parts, overruled+g.fancyKey(m.key)+g.space()+":"+g.space()+value)
	}
	if g.chance(40) {
		g.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	}
	if g.chance(30) {
		parts = append(parts, text(oneOf(g, "extra", "Type", "ID", "Data", "SEQ", "Subject", ""))+":"+g.unknownValue(depth))
	}
	return g.space() + "{" + strings.Join(parts, g.space()+","+g.space()) + g.space() + "}" + g.space()
}

func (g *generator) space() string { return oneOf(g, "", "", "", " ", "\t", "  ", "\r") }

func (g *generator) fancyKey(key string) string {
	if g.chance(15) {
		return escaped(text(key))
	}
	return text(key)
}

// escaped spells a JSON string of ASCII with its first letter as an escape.
func escaped(quoted string) string {
	if len(quoted) < 3 || quoted[1] == '\\' || quoted[1] >= 0x80 {
		return quoted
	}
	return fmt.Sprintf(`"\u%04x%s`, quoted[1], quoted[2:])
}

// unknownValue is the value of a member that nobody knows, as deep as is allowed at times.
func (g *generator) unknownValue(depth int) string {
	if g.chance(15) {
		inner := 64 - depth
		return strings.Repeat("[", inner) + strings.Repeat("]", inner)
	}
	return oneOf(g, "null", "-0.5e+10", "1e400", "[1,{}]", `"\ud83d\ude00\u0000\/\b"`, `"😀  <&>"`, "true", "123456789012345678901234567890")
}
