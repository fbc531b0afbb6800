package decode

import (
	"encoding/binary"
	"unicode/utf8"

	"drawdown"
)

// kind is the kind of a JSON value.
type kind uint8

const (
	absent kind = iota // no such member, or null
	text
	number
	object
	array
	boolTrue
	boolFalse
)

// value is a JSON value as a span of the bytes scanned: a string's characters without its quotes, else the whole value.
type value struct {
	kind       kind
	escaped    bool // a string with escapes
	start, end int
}

// scanner walks JSON text. Its methods take the position to begin at and return the position after what they read;
// a position of -1 says that the text is no JSON.
type scanner struct{ in []byte }

const bad = -1

func (s *scanner) space(i int) int {
	for i < len(s.in) {
		switch s.in[i] {
		case ' ', '\t', '\n', '\r':
			i++
		default:
			return i
		}
	}
	return i
}

// value reads any value. depth is the nesting of what surrounds it.
func (s *scanner) value(i, depth int) (value, int) {
	if i >= len(s.in) {
		return value{}, bad
	}
	switch c := s.in[i]; {
	case c == '"':
		return s.text(i)
	case c == '{':
		end := s.object(i, depth+1, nil)
		return value{kind: object, start: i, end: end}, end
	case c == '[':
		end := s.array(i, depth+1, nil)
		return value{kind: array, start: i, end: end}, end
	case c == '-' || isDigit(c):
		end := s.number(i)
		return value{kind: number, start: i, end: end}, end
	case c == 't':
		return s.literal(i, "true", boolTrue)
	case c == 'f':
		return s.literal(i, "false", boolFalse)
	case c == 'n':
		return s.literal(i, "null", absent)
	default:
		return value{}, bad
	}
}

func (s *scanner) literal(i int, word string, k kind) (value, int) {
	end := i + len(word)
	if end > len(s.in) || string(s.in[i:end]) != word {
		return value{}, bad
	}
	return value{kind: k, start: i, end: end}, end
}

// object reads an object that begins at i, and calls member, where given, for each of its members in order.
func (s *scanner) object(i, depth int, member func(key, v value)) int {
	if depth > drawdown.MaxNesting {
		return bad
	}
	i = s.space(i + 1)
	if i < len(s.in) && s.in[i] == '}' {
		return i + 1
	}
	for {
		key, v, next := s.member(i, depth)
		if next == bad {
			return bad
		}
		if member != nil {
			member(key, v)
		}
		var closed bool
		if i, closed = s.next(next, '}'); closed || i == bad {
			return i
		}
	}
}

// member reads a key, a colon and a value, and the space after it.
func (s *scanner) member(i, depth int) (key, v value, next int) {
	if i >= len(s.in) || s.in[i] != '"' {
		return key, v, bad
	}
	key, i = s.text(i)
	if i == bad {
		return key, v, bad
	}
	if i < len(s.in) && s.in[i] != ':' {
		i = s.space(i)
	}
	if i >= len(s.in) || s.in[i] != ':' {
		return key, v, bad
	}
	v, i = s.value(s.space(i+1), depth)
	return key, v, i
}

// next reads what follows a member or an element: a comma, and then it is at the next one, or the closing bracket.
func (s *scanner) next(i int, closing byte) (next int, closed bool) {
	if i = s.space(i); i >= len(s.in) {
		return bad, false
	}
	switch s.in[i] {
	case ',':
		return s.space(i + 1), false
	case closing:
		return i + 1, true
	default:
		return bad, false
	}
}

// array reads an array that begins at i, and calls element, where given, for each of its elements in order.
func (s *scanner) array(i, depth int, element func(v value)) int {
	if depth > drawdown.MaxNesting {
		return bad
	}
	i = s.space(i + 1)
	if i < len(s.in) && s.in[i] == ']' {
		return i + 1
	}
	for {
		v, next := s.value(i, depth)
		if next == bad {
			return bad
		}
		if element != nil {
			element(v)
		}
		var closed bool
		if i, closed = s.next(next, ']'); closed || i == bad {
			return i
		}
	}
}

// number reads `-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?`.
func (s *scanner) number(i int) int {
	if s.in[i] == '-' {
		i++
	}
	if i >= len(s.in) {
		return bad
	}
	if s.in[i] == '0' {
		i++
	} else if i = s.digits(i); i == bad {
		return bad
	}
	if i < len(s.in) && s.in[i] == '.' {
		if i = s.digits(i + 1); i == bad {
			return bad
		}
	}
	if i < len(s.in) && (s.in[i] == 'e' || s.in[i] == 'E') {
		i++
		if i < len(s.in) && (s.in[i] == '+' || s.in[i] == '-') {
			i++
		}
		return s.digits(i)
	}
	return i
}

// digits reads one digit or more.
func (s *scanner) digits(i int) int {
	start := i
	for i < len(s.in) && isDigit(s.in[i]) {
		i++
	}
	if i == start {
		return bad
	}
	return i
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// plainByte tells the bytes that stand for themselves within a string.
var plainByte = func() (set [256]bool) {
	for c := 0x20; c < utf8.RuneSelf; c++ {
		set[c] = c != '"' && c != '\\'
	}
	return set
}()

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// hasSpecial reports whether any of eight bytes is a quote, a backslash, a control or not ASCII.
// It may report a byte that is none of them, never miss one.
func hasSpecial(word uint64) bool {
	quote := word ^ ones*'"'
	slash := word ^ ones*'\\'
	return (word|(word-ones*0x20)|(quote-ones)|(slash-ones))&highs != 0
}

// text reads a string that begins with the quote at i.
func (s *scanner) text(i int) (value, int) {
	v := value{kind: text, start: i + 1}
	i++
	for {
		for i+8 <= len(s.in) && !hasSpecial(binary.LittleEndian.Uint64(s.in[i:])) {
			i += 8
		}
		for i < len(s.in) && plainByte[s.in[i]] {
			i++
		}
		if i >= len(s.in) {
			return v, bad
		}
		switch c := s.in[i]; {
		case c == '"':
			v.end = i
			return v, i + 1
		case c == '\\':
			v.escaped = true
			i = s.escape(i)
		case c < 0x20:
			return v, bad
		default:
			i = s.rune(i)
		}
		if i == bad {
			return v, bad
		}
	}
}

func (s *scanner) rune(i int) int {
	r, size := utf8.DecodeRune(s.in[i:])
	if r == utf8.RuneError && size <= 1 {
		return bad
	}
	return i + size
}

// escape reads an escape that begins with the backslash at i. Surrogates must come in pairs.
func (s *scanner) escape(i int) int {
	if i+1 >= len(s.in) {
		return bad
	}
	switch s.in[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2
	case 'u':
		_, end := unicodeEscape(s.in, i)
		return end
	default:
		return bad
	}
}

// unicodeEscape reads `\uXXXX`, or two of them that are a surrogate pair, at i.
func unicodeEscape(in []byte, i int) (rune, int) {
	high, ok := hex4(in, i)
	switch {
	case !ok || (high >= 0xDC00 && high <= 0xDFFF):
		return 0, bad
	case high < 0xD800 || high > 0xDBFF:
		return high, i + 6
	}
	low, ok := hex4(in, i+6)
	if !ok || low < 0xDC00 || low > 0xDFFF {
		return 0, bad
	}
	return 0x10000 + (high-0xD800)<<10 + (low - 0xDC00), i + 12
}

// hex4 reads `\uXXXX` at i.
func hex4(in []byte, i int) (rune, bool) {
	if i+6 > len(in) || in[i] != '\\' || in[i+1] != 'u' {
		return 0, false
	}
	r := rune(0)
	for _, c := range in[i+2 : i+6] {
		switch {
		case isDigit(c):
			r = r<<4 | rune(c-'0')
		case c >= 'a' && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case c >= 'A' && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return 0, false
		}
	}
	return r, true
}

// unescape appends the characters of a string with escapes, which was scanned before.
func unescape(dst, in []byte) []byte {
	for i := 0; i < len(in); {
		c := in[i]
		if c != '\\' {
			dst = append(dst, c)
			i++
			continue
		}
		if in[i+1] == 'u' {
			var r rune
			r, i = unicodeEscape(in, i)
			dst = utf8.AppendRune(dst, r)
			continue
		}
		dst = append(dst, unescapedByte[in[i+1]])
		i += 2
	}
	return dst
}

var unescapedByte = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}
