package tap

import "bytes"

// scanner finds the RECORD and STATE messages in a stream of Airbyte protocol lines. It is fed
// chunks cut anywhere, keeps no line in memory, and looks into a line only as deep as it must: the
// top object, record, state and the state's stream descriptor. Everything else is skipped by
// counting brackets outside strings.
//
// For a line that is valid JSON it finds what a full decoder would (a repeated key: the last
// wins; escapes in keys count). A line that isn't is passed over, except that numbers, literals
// and the kinds of nested brackets are not checked: a connector that writes {"a":nul} inside a
// record wrote a record.
type scanner struct {
	found func(*message) // called at the end of each line that is an object

	state   scanState
	within  object   // the object whose members are being read
	target  target   // what the value being read is
	depth   int      // open brackets of the value being skipped
	escaped bool     // the byte before was a backslash, inside a string
	size    int64    // bytes of the value being skipped, without white space between tokens
	text    captured // the key or string being captured
	message message
	known   prefix
}

type scanState uint8

const (
	lineStart scanState = iota
	junk                // this line is nothing of ours; skip to its end
	beforeKey
	inKey
	beforeColon
	beforeValue
	inCapture // a string that is wanted
	inString  // a string that is not, at depth
	inNested  // between the tokens of a nested value that is not wanted
	inScalar  // a number or literal
	afterValue
	lineDone // the object is closed; only white space may follow
)

// Classes of a byte outside strings, and the bytes that end a plain run of a string.
const (
	plain byte = iota
	quote
	opening
	closing
	space
	newline
)

var (
	class = [256]byte{'"': quote, '{': opening, '[': opening, '}': closing, ']': closing,
		' ': space, '\t': space, '\r': space, '\n': newline}
	endsRun = [256]bool{'"': true, '\\': true, '\n': true}
)

// feed reads the next bytes of the stream.
func (s *scanner) feed(chunk []byte) {
	line := -1 // where the line at hand begins in chunk, if it does
	for at := 0; at < len(chunk); {
		rest := chunk[at:]
		switch s.state {
		case junk:
			at += s.skipJunk(rest)
		case inKey, inCapture:
			at += s.capture(rest)
		case inString:
			at += s.skipString(rest)
		case inNested:
			at += s.skipNested(rest)
		case inScalar:
			at += s.skipScalar(rest)
		case lineStart:
			line = at
			if n := s.jump(rest); n > 0 {
				at, line = at+n, -1
			} else {
				at += s.token(rest)
			}
		default:
			at += s.token(rest)
			if line >= 0 && s.state == beforeValue && s.target == recordData {
				s.remember(chunk[line:at])
				line = -1
			}
		}
	}
}

// prefix is how the last record's line began, up to its data, and what that said. The records of
// a stream all begin alike, and the same bytes mean the same: most lines are read from
// their data on, which makes the scanner twice as fast.
type prefix struct {
	text                    []byte
	kind, stream, namespace []byte
}

// prefixMax bounds what is remembered; an envelope before the data is about 60 bytes.
const prefixMax = 512

func (s *scanner) remember(text []byte) {
	k, m := &s.known, &s.message
	k.text = k.text[:0]
	if len(text) > prefixMax || m.isState {
		return
	}
	k.text = append(k.text, text...)
	k.kind = append(k.kind[:0], m.kind...)
	k.stream = append(k.stream[:0], m.stream...)
	k.namespace = append(k.namespace[:0], m.namespace...)
}

// jump goes to where the prefix leads if the line begins with it, and returns its length.
func (s *scanner) jump(line []byte) int {
	k, m := &s.known, &s.message
	if len(k.text) == 0 || !bytes.HasPrefix(line, k.text) {
		return 0
	}
	m.reset()
	m.isRecord = true
	m.kind = append(m.kind, k.kind...)
	m.stream = append(m.stream, k.stream...)
	m.namespace = append(m.namespace, k.namespace...)
	s.within, s.target, s.state = recordObject, recordData, beforeValue
	return len(k.text)
}

// end is the end of the stream: a last line without a newline counts when it is whole.
func (s *scanner) end() { s.endLine() }

// endLine hands over a line that is whole, and makes ready for the next.
func (s *scanner) endLine() {
	if s.state == lineDone {
		s.found(&s.message)
	}
	s.state, s.escaped = lineStart, false
}

func (s *scanner) skipJunk(chunk []byte) int {
	i := bytes.IndexByte(chunk, '\n')
	if i < 0 {
		return len(chunk)
	}
	s.endLine()
	return i + 1
}

// token reads up to one byte of structure, white space before it included.
func (s *scanner) token(chunk []byte) int {
	i := 0
	for i < len(chunk) && class[chunk[i]] == space {
		i++
	}
	if i == len(chunk) {
		return i
	}
	c := chunk[i]
	if c == '\n' {
		s.endLine()
		return i + 1
	}
	switch s.state {
	case beforeValue:
		return i + s.beginValue(c)
	case lineStart:
		s.expect(c == '{', beforeKey)
		s.within = topObject
		s.message.reset()
	case beforeKey:
		s.text.reset()
		if c == '}' {
			s.closeObject()
		} else {
			s.expect(c == '"', inKey)
		}
	case beforeColon:
		s.expect(c == ':', beforeValue)
	case afterValue:
		if c == '}' {
			s.closeObject()
		} else {
			s.expect(c == ',', beforeKey)
		}
	default: // lineDone: something follows the object
		s.state = junk
	}
	return i + 1
}

func (s *scanner) expect(ok bool, next scanState) {
	s.state = junk
	if ok {
		s.state = next
	}
}

// beginValue turns to the reader for a value that begins with c, and returns how much of it is
// read: 1, or 0 for a scalar, whose first byte belongs to it.
func (s *scanner) beginValue(c byte) int {
	s.size, s.depth = 1, 0
	s.message.forget(s.target)
	switch {
	case c == '{' && s.target.object() != noObject:
		s.within, s.state = s.target.object(), beforeKey
		s.message.entered(s.within)
	case c == '"' && s.target.wanted():
		s.text.reset()
		s.state = inCapture
	case c == '"':
		s.state = inString
	case c == '{' || c == '[':
		s.depth, s.state = 1, inNested
	case c == '}' || c == ']' || c == ',' || c == ':':
		s.state = junk
	default:
		s.size, s.state = 0, inScalar
		return 0
	}
	return 1
}

func (s *scanner) closeObject() {
	s.state = afterValue
	if s.within == topObject {
		s.state = lineDone
	}
	s.within = s.within.parent()
}

func (s *scanner) endValue() {
	s.state = afterValue
	if s.target == recordData {
		s.message.dataBytes = s.size
	}
}

// capture reads a key or a wanted string.
func (s *scanner) capture(chunk []byte) int {
	end, done := s.scanString(chunk)
	if s.state != inKey && s.state != inCapture {
		return end // the line ended inside the string
	}
	if !done {
		s.text.add(chunk[:end])
		return end
	}
	s.text.add(chunk[:end-1])
	text, ok := s.text.string()
	switch {
	case !ok:
		s.state = junk
	case s.state == inKey:
		s.target = s.within.member(text)
		s.state = beforeColon
	default:
		s.message.set(s.target, text)
		s.state = afterValue
	}
	return end
}

func (s *scanner) skipString(chunk []byte) int {
	end, done := s.scanString(chunk)
	s.size += int64(end)
	if done && s.depth > 0 {
		s.state = inNested
	} else if done {
		s.endValue()
	}
	return end
}

// scanString reads up to and with the closing quote. A newline ends the line: no JSON string
// holds one.
func (s *scanner) scanString(chunk []byte) (end int, done bool) {
	i := 0
	if s.escaped && len(chunk) > 0 && chunk[0] != '\n' {
		s.escaped = false
		i = 1
	}
	for {
		for i < len(chunk) && !endsRun[chunk[i]] {
			i++
		}
		if i == len(chunk) {
			return i, false
		}
		switch {
		case chunk[i] == '"':
			return i + 1, true
		case chunk[i] == '\n':
			s.endLine()
			return i + 1, false
		case i+1 == len(chunk) || chunk[i+1] == '\n':
			s.escaped = true
			i++
		default:
			i += 2
		}
	}
}

func (s *scanner) skipNested(chunk []byte) int {
	spaces, i := 0, 0
	for i < len(chunk) {
		c := class[chunk[i]]
		i++
		switch c {
		case plain:
			continue
		case space:
			spaces++
			continue
		case opening:
			s.depth++
			continue
		case closing:
			if s.depth--; s.depth > 0 {
				continue
			}
			s.size += int64(i - spaces)
			s.endValue()
			return i
		case quote:
			if n := plainString(chunk[i:]); n > 0 {
				i += n
				continue
			}
			s.state = inString
		default:
			s.endLine()
		}
		break
	}
	s.size += int64(i - spaces)
	return i
}

// plainString is the length of a string's rest, quote included, if it ends in this chunk and
// holds no escape; most do. 0 otherwise: the general way handles it.
func plainString(chunk []byte) int {
	for i, c := range chunk {
		if endsRun[c] {
			if c == '"' {
				return i + 1
			}
			return 0
		}
	}
	return 0
}

func (s *scanner) skipScalar(chunk []byte) int {
	for i, c := range chunk {
		if c == ',' || class[c] != plain {
			s.size += int64(i)
			s.endValue()
			return i
		}
	}
	s.size += int64(len(chunk))
	return len(chunk)
}
