package reference

import (
	"errors"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// depthMax is the deepest nesting of a record; the record itself counts 1 (contract, section 1).
const depthMax = 64

var errNotJSON = errors.New("not JSON")

// A parsed value is nil, bool, number, string, []any or object.
type (
	// number is the text of a JSON number as it was written.
	number string
	object map[string]any
)

// parseJSON parses one whole JSON text by RFC 8259 and the contract's stricter rules: valid UTF-8, no unpaired
// surrogate escape, at most depthMax deep. Of repeated keys the last wins.
func parseJSON(text []byte) (any, error) {
	if !utf8.Valid(text) {
		return nil, errNotJSON
	}
	p := &parser{text: string(text)}
	p.space()
	value, err := p.value(1)
	if err != nil {
		return nil, err
	}
	p.space()
	if p.at != len(p.text) {
		return nil, errNotJSON
	}
	return value, nil
}

type parser struct {
	text string
	at   int
}

func (p *parser) space() {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
}

// take steps over the wanted text if it is next.
func (p *parser) take(wanted string) bool {
	if !strings.HasPrefix(p.text[p.at:], wanted) {
		return false
	}
	p.at += len(wanted)
	return true
}

// value parses the value that begins here; an array or object that begins here would be at the given depth.
func (p *parser) value(depth int) (any, error) {
	switch {
	case p.take("null"):
		return nil, nil
	case p.take("true"):
		return true, nil
	case p.take("false"):
		return false, nil
	case p.take(`"`):
		return p.stringBody()
	case p.take("["):
		return p.arrayBody(depth)
	case p.take("{"):
		return p.objectBody(depth)
	}
	return p.number()
}

func (p *parser) arrayBody(depth int) (any, error) {
	if depth > depthMax {
		return nil, errNotJSON
	}
	list := []any{}
	p.space()
	if p.take("]") {
		return list, nil
	}
	for {
		p.space()
		element, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, element)
		p.space()
		if p.take("]") {
			return list, nil
		}
		if !p.take(",") {
			return nil, errNotJSON
		}
	}
}

func (p *parser) objectBody(depth int) (any, error) {
	if depth > depthMax {
		return nil, errNotJSON
	}
	members := object{}
	p.space()
	if p.take("}") {
		return members, nil
	}
	for {
		p.space()
		if !p.take(`"`) {
			return nil, errNotJSON
		}
		key, err := p.stringBody()
		if err != nil {
			return nil, err
		}
		p.space()
		if !p.take(":") {
			return nil, errNotJSON
		}
		p.space()
		value, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		members[key] = value // a repeated key: the last wins
		p.space()
		if p.take("}") {
			return members, nil
		}
		if !p.take(",") {
			return nil, errNotJSON
		}
	}
}

// stringBody parses what follows an opening quote, up to and with the closing one.
func (p *parser) stringBody() (string, error) {
	var b strings.Builder
	for p.at < len(p.text) {
		c := p.text[p.at]
		p.at++
		switch {
		case c == '"':
			return b.String(), nil
		case c < 0x20:
			return "", errNotJSON
		case c != '\\':
			b.WriteByte(c)
		default:
			r, err := p.escape()
			if err != nil {
				return "", err
			}
			b.WriteRune(r)
		}
	}
	return "", errNotJSON
}

// escape parses what follows a backslash. A high surrogate must be followed by the escape of a low one.
func (p *parser) escape() (rune, error) {
	if p.at == len(p.text) {
		return 0, errNotJSON
	}
	c := p.text[p.at]
	p.at++
	if i := strings.IndexByte(`"\/bfnrt`, c); i >= 0 {
		return rune("\"\\/\b\f\n\r\t"[i]), nil
	}
	if c != 'u' {
		return 0, errNotJSON
	}
	first, err := p.hex4()
	if err != nil || !utf16.IsSurrogate(first) {
		return first, err
	}
	if !p.take(`\u`) {
		return 0, errNotJSON
	}
	second, err := p.hex4()
	if err != nil {
		return 0, err
	}
	r := utf16.DecodeRune(first, second)
	if r == utf8.RuneError {
		return 0, errNotJSON // not a high surrogate followed by a low one
	}
	return r, nil
}

func (p *parser) hex4() (rune, error) {
	if len(p.text)-p.at < 4 {
		return 0, errNotJSON
	}
	var r rune
	for range 4 {
		digit := strings.IndexByte("0123456789abcdef", p.text[p.at]|0x20)
		isLetter := p.text[p.at]|0x20 >= 'a'
		if digit < 0 || (!isLetter && (p.text[p.at] < '0' || p.text[p.at] > '9')) {
			return 0, errNotJSON
		}
		r = r<<4 | rune(digit)
		p.at++
	}
	return r, nil
}

// number parses -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)? and keeps its text.
func (p *parser) number() (any, error) {
	start := p.at
	p.take("-")
	if !p.take("0") && p.digits() == 0 {
		return nil, errNotJSON
	}
	if p.take(".") && p.digits() == 0 {
		return nil, errNotJSON
	}
	if p.take("e") || p.take("E") {
		if !p.take("+") {
			p.take("-")
		}
		if p.digits() == 0 {
			return nil, errNotJSON
		}
	}
	return number(p.text[start:p.at]), nil
}

// digits steps over decimal digits and says how many there were.
func (p *parser) digits() int {
	start := p.at
	for p.at < len(p.text) && p.text[p.at] >= '0' && p.text[p.at] <= '9' {
		p.at++
	}
	return p.at - start
}
