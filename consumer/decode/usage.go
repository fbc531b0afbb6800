package decode

import "drawdown"

// usageMembers holds the members of sync.usage as they were found; a repeated one is the last.
type usageMembers struct {
	connection, sourceConnector, destinationConnector, stream value
	job, attempt, seq                                         value
	quantity                                                  [drawdown.MeterCount]value
}

// scanUsage reads a data object, whatever the record's type, and keeps what would be members of sync.usage: the type
// may stand after the data, and usage is nearly all of a log. It returns the position after the object.
func (d *Decoder) scanUsage(s *scanner, i int, u *usageMembers) int {
	*u = usageMembers{}
	i = s.space(i + 1)
	if i < len(s.in) && s.in[i] == '}' {
		return i + 1
	}
	for {
		key, v, next := s.member(i, 2)
		if next == bad {
			return bad
		}
		u.set(d.bytes(s, key), v)
		var closed bool
		if i, closed = s.next(next, '}'); closed || i == bad {
			return i
		}
	}
}

func (u *usageMembers) set(name []byte, v value) {
	switch string(name) {
	case "connection":
		u.connection = v
	case "source_connector":
		u.sourceConnector = v
	case "destination_connector":
		u.destinationConnector = v
	case "stream":
		u.stream = v
	case "job":
		u.job = v
	case "attempt":
		u.attempt = v
	case "seq":
		u.seq = v
	case "records":
		u.quantity[drawdown.Records] = v
	case "bytes":
		u.quantity[drawdown.Bytes] = v
	case "operations":
		u.quantity[drawdown.Operations] = v
	}
}

// readUsage reports whether the members are those of sync.usage.
func (d *Decoder) readUsage(s *scanner, m *usageMembers, u *drawdown.Usage) bool {
	u.Connection = d.sized(s, m.connection, drawdown.MaxNameLen)
	u.SourceConnector = d.sized(s, m.sourceConnector, drawdown.MaxNameLen)
	u.DestinationConnector = d.sized(s, m.destinationConnector, drawdown.MaxNameLen)
	u.Stream = d.sized(s, m.stream, drawdown.MaxNameLen)
	ok := u.Connection != nil && u.SourceConnector != nil && u.DestinationConnector != nil &&
		(u.Stream != nil || m.stream.kind == absent)
	var jobOK, attemptOK, seqOK bool
	u.Job, jobOK = s.integer(m.job)
	u.Attempt, attemptOK = s.integer(m.attempt)
	u.Seq, seqOK = s.optionalInteger(m.seq)
	ok = ok && jobOK && attemptOK && seqOK && (u.Seq > 0 || m.seq.kind == absent)
	for meter, v := range m.quantity {
		var quantityOK bool
		u.Quantity[meter], quantityOK = s.optionalInteger(v)
		ok = ok && quantityOK
	}
	return ok
}

// optionalInteger reads an integer, 0 where it is absent.
func (s *scanner) optionalInteger(v value) (uint64, bool) {
	if v.kind == absent {
		return 0, true
	}
	return s.integer(v)
}

// integer reads a number `-?[0-9]+` from 0 to 2^53-1.
func (s *scanner) integer(v value) (uint64, bool) {
	if v.kind != number {
		return 0, false
	}
	return parseInteger(s.in[v.start:v.end])
}

func parseInteger(literal []byte) (uint64, bool) {
	if string(literal) == "-0" {
		return 0, true
	}
	const maxDigits = 16 // of 2^53-1; a JSON number has no leading zeros
	if len(literal) > maxDigits {
		return 0, false
	}
	n := uint64(0)
	for _, c := range literal {
		if !isDigit(c) {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return n, n <= drawdown.MaxInteger
}
