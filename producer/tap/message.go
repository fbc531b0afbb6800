package tap

import (
	"encoding/json"
	"unicode/utf8"
)

// object is an object of the protocol that the scanner looks into.
type object uint8

const (
	noObject object = iota
	topObject
	recordObject
	stateObject
	streamObject
	descriptorObject
)

func (o object) parent() object {
	switch o {
	case recordObject, stateObject:
		return topObject
	case streamObject:
		return stateObject
	case descriptorObject:
		return streamObject
	default:
		return noObject
	}
}

// target is what a member is to us.
type target uint8

const (
	unwanted target = iota
	messageType
	record
	recordStream
	recordNamespace
	recordData
	state
	stateType
	stateStream
	descriptor
	descriptorName
	descriptorNamespace
)

// member says what the member of that name is, in this object.
func (o object) member(key []byte) target {
	switch o {
	case topObject:
		return oneOf(key, "type", messageType, "record", record, "state", state)
	case recordObject:
		return oneOf(key, "stream", recordStream, "data", recordData, "namespace", recordNamespace)
	case stateObject:
		return oneOf(key, "type", stateType, "stream", stateStream, "", unwanted)
	case streamObject:
		return oneOf(key, "stream_descriptor", descriptor, "", unwanted, "", unwanted)
	case descriptorObject:
		return oneOf(key, "name", descriptorName, "namespace", descriptorNamespace, "", unwanted)
	default:
		return unwanted
	}
}

func oneOf(key []byte, a string, ta target, b string, tb target, c string, tc target) target {
	switch string(key) {
	case a:
		return ta
	case b:
		return tb
	case c:
		return tc
	default:
		return unwanted
	}
}

// object is the object that the target's value is, if it is one.
func (t target) object() object {
	switch t {
	case record:
		return recordObject
	case state:
		return stateObject
	case stateStream:
		return streamObject
	case descriptor:
		return descriptorObject
	default:
		return noObject
	}
}

// wanted: the target's string is to be kept.
func (t target) wanted() bool {
	switch t {
	case messageType, recordStream, recordNamespace, stateType, descriptorName, descriptorNamespace:
		return true
	default:
		return false
	}
}

// message is what was found in one line.
type message struct {
	kind      []byte // of the message: RECORD, STATE, …
	isRecord  bool   // there is a record object
	stream    []byte
	namespace []byte
	// dataBytes is the length of the record's data as it stands in the line, without the white
	// space between its tokens.
	dataBytes int64

	isState        bool // there is a state object
	stateKind      []byte
	stateStream    []byte
	stateNamespace []byte
}

func (m *message) reset() {
	m.kind = m.kind[:0]
	m.forget(record)
	m.forget(state)
}

// forget clears what an earlier member of the same name said: the last one wins, also one of
// another type.
func (m *message) forget(t target) {
	if field := m.field(t); field != nil {
		*field = (*field)[:0]
	}
	switch t {
	case record:
		m.isRecord, m.dataBytes = false, 0
		m.stream, m.namespace = m.stream[:0], m.namespace[:0]
	case recordData:
		m.dataBytes = 0
	case state:
		m.isState = false
		m.stateKind = m.stateKind[:0]
		m.forget(descriptor)
	case stateStream, descriptor:
		m.stateStream, m.stateNamespace = m.stateStream[:0], m.stateNamespace[:0]
	default: // texts without a part that is kept elsewhere
	}
}

func (m *message) entered(o object) {
	switch o {
	case recordObject:
		m.isRecord = true
	case stateObject:
		m.isState = true
	default: // only these two make a message what it is
	}
}

func (m *message) set(t target, text []byte) {
	if field := m.field(t); field != nil {
		*field = append((*field)[:0], text...)
	}
}

func (m *message) field(t target) *[]byte {
	switch t {
	case messageType:
		return &m.kind
	case recordStream:
		return &m.stream
	case recordNamespace:
		return &m.namespace
	case stateType:
		return &m.stateKind
	case descriptorName:
		return &m.stateStream
	case descriptorNamespace:
		return &m.stateNamespace
	default:
		return nil
	}
}

// captureMax bounds a captured string in bytes as written. Names beyond it are cut: two that
// differ only after 4 KB are counted as one stream, in full.
const captureMax = 4 << 10

// captured gathers a string over chunks.
type captured struct {
	raw []byte // after the opening quote, escapes not decoded
	cut bool
}

func (c *captured) reset() { c.raw, c.cut = c.raw[:0], false }

func (c *captured) add(part []byte) {
	if room := captureMax - len(c.raw); len(part) > room {
		part, c.cut = part[:room], true
	}
	c.raw = append(c.raw, part...)
}

// string decodes what was gathered; false when it is no JSON string. The result is valid until
// the next reset.
func (c *captured) string() ([]byte, bool) {
	simple := utf8.Valid(c.raw)
	for _, b := range c.raw {
		simple = simple && b != '\\'
	}
	if simple || c.cut { // the end of a cut string may be half an escape: take it as it is
		return c.raw, true
	}
	var text string
	if err := json.Unmarshal(append(append([]byte{'"'}, c.raw...), '"'), &text); err != nil {
		return nil, false
	}
	return []byte(text), true
}

// counts: the line is a record.
func (m *message) counts() bool { return m.isRecord && string(m.kind) == "RECORD" }

// settles: the line is a state, of one stream (perStream) or of all (GLOBAL, LEGACY, or a form
// that we don't know).
func (m *message) settles() bool { return m.isState && string(m.kind) == "STATE" }

func (m *message) perStream() bool {
	return string(m.stateKind) == "STREAM" && len(m.stateStream) > 0
}
