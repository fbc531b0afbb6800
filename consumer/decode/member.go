package decode

import "drawdown"

// node is a JSON value as a tree, for the data of operations.
type node struct {
	kind    kind
	text    []byte           // a string's characters, a number's literal
	members map[string]*node // of an object; those that are null are left out
	items   []*node          // of an array; null ones are of kind absent
}

// parse builds the tree of a value that was scanned before, so it cannot fail.
func parse(s *scanner, v value) *node {
	n := &node{kind: v.kind}
	switch v.kind {
	case text:
		n.text = s.in[v.start:v.end]
		if v.escaped {
			n.text = unescape(nil, n.text)
		}
	case number:
		n.text = s.in[v.start:v.end]
	case object:
		n.members = map[string]*node{}
		s.object(v.start, 1, func(key, member value) {
			name := string(parse(s, key).text)
			if member.kind == absent {
				delete(n.members, name)
				return
			}
			n.members[name] = parse(s, member)
		})
	case array:
		s.array(v.start, 1, func(item value) { n.items = append(n.items, parse(s, item)) })
	default: // null, true and false: the kind says it all
	}
	return n
}

// members reads the members of one object and remembers whether any of them was not of its form.
type members struct {
	of     map[string]*node
	broken *bool
}

// membersOf returns the members of n, which must be an object.
func membersOf(n *node, broken *bool) members {
	if n == nil || n.kind != object {
		*broken = true
		return members{broken: broken}
	}
	return members{of: n.members, broken: broken}
}

func (m members) fail() { *m.broken = true }

func (m members) has(name string) bool { return m.of[name] != nil }

// require fails where a condition of the contract does not hold.
func (m members) require(holds bool) {
	if !holds {
		m.fail()
	}
}

func (m members) object(name string) members { return membersOf(m.of[name], m.broken) }

// bytes reads a string.
func (m members) bytes(name string) []byte {
	n := m.of[name]
	if n == nil || n.kind != text {
		m.fail()
		return nil
	}
	return n.text
}

// sized reads a string of 1 to limit bytes.
func (m members) sized(name string, limit int) string {
	b := m.bytes(name)
	m.require(len(b) >= 1 && len(b) <= limit)
	return string(b)
}

func (m members) name(name string) string      { return m.sized(name, drawdown.MaxNameLen) }
func (m members) reference(name string) string { return m.sized(name, drawdown.MaxReferenceLen) }

// oneOf reads a string that is one of some.
func (m members) oneOf(name string, some ...string) string {
	word := string(m.bytes(name))
	for _, known := range some {
		if word == known {
			return word
		}
	}
	m.fail()
	return word
}

func (m members) boolean(name string) bool {
	n := m.of[name]
	if n == nil || (n.kind != boolTrue && n.kind != boolFalse) {
		m.fail()
		return false
	}
	return n.kind == boolTrue
}

// optionalBoolean reads true or false, false where it is absent.
func (m members) optionalBoolean(name string) bool { return m.has(name) && m.boolean(name) }

// optionalName reads a name, "" where it is absent.
func (m members) optionalName(name string) string {
	if !m.has(name) {
		return ""
	}
	return m.name(name)
}

// integer reads an integer from low to high.
func (m members) integer(name string, low, high int64) int64 {
	return m.integerOf(m.of[name], low, high)
}

func (m members) integerOf(n *node, low, high int64) int64 {
	if n == nil || n.kind != number {
		m.fail()
		return low
	}
	value, ok := parseInteger(n.text)
	m.require(ok && int64(value) >= low && int64(value) <= high)
	return int64(value)
}

func (m members) optionalInteger(name string, low, high, otherwise int64) int64 {
	if !m.has(name) {
		return otherwise
	}
	return m.integer(name, low, high)
}

func (m members) credits(name string) drawdown.Credits {
	c, ok := drawdown.ParseCredits(m.bytes(name))
	m.require(ok)
	return c
}

func (m members) money(name string) drawdown.Money {
	amount, ok := drawdown.ParseMoney(m.bytes(name))
	m.require(ok)
	return amount
}

func (m members) optionalMoney(name string) *drawdown.Money {
	if !m.has(name) {
		return nil
	}
	amount := m.money(name)
	return &amount
}

func (m members) currency(name string) string {
	code := m.bytes(name)
	m.require(drawdown.ValidCurrency(code))
	return string(code)
}

func (m members) time(name string) drawdown.Time {
	t, ok := drawdown.ParseTime(m.bytes(name))
	m.require(ok)
	return t
}

func (m members) optionalTime(name string, otherwise drawdown.Time) drawdown.Time {
	if !m.has(name) {
		return otherwise
	}
	return m.time(name)
}

// list reads an array.
func (m members) list(name string) []*node {
	n := m.of[name]
	if n == nil || n.kind != array {
		m.fail()
		return nil
	}
	return n.items
}
