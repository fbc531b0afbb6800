package decode

import "drawdown"

// Decoder decodes records. It owns the memory of strings that had escapes, so it must not be shared.
// The zero Decoder is ready.
type Decoder struct {
	unescaped []byte
}

// Reset lets the decoder reuse its memory: views of records decoded before are no longer valid.
func (d *Decoder) Reset() { d.unescaped = d.unescaped[:0] }

// envelope holds the attributes of a record as they were found; a repeated one is the last.
type envelope struct {
	specversion, id, source, recordType, subject, time, logtime, data value
	usage                                                             usageMembers
}

// Decode decodes one record's value into rec, overwriting all of it but Offset. appendTime is Kafka's append time;
// drawdown.NoTime in a file, where the attribute logtime or else time counts. A nil value is no JSON object.
//
// Byte slices of rec are views of value or of the decoder's memory: they are valid until value changes or
// [Decoder.Reset]. Strings of rec.Operation are copies.
func (d *Decoder) Decode(in []byte, appendTime drawdown.Time, rec *drawdown.Record) {
	*rec = drawdown.Record{Offset: rec.Offset, Raw: in, LogTime: drawdown.NoTime, Reject: drawdown.Malformed}
	s := scanner{in}
	var e envelope
	if !d.scanEnvelope(&s, &e) {
		return
	}
	typeName := d.bytes(&s, e.recordType)
	rec.Type = drawdown.ParseType(typeName)
	if subject := d.bytes(&s, e.subject); drawdown.ValidAccount(subject) {
		rec.Account = subject
	}
	timeRead := d.readTimes(&s, &e, appendTime, rec)
	if !timeRead || !d.readIdentity(&s, &e, rec) || typeName == nil {
		return
	}
	if rec.Type == drawdown.TypeUnknown {
		rec.Reject = drawdown.UnknownType
		return
	}
	if d.subjectFits(&e, rec) && d.readData(&s, &e, rec) {
		rec.Reject = ""
	}
}

// scanEnvelope reads the whole text and reports whether it is a JSON object.
func (d *Decoder) scanEnvelope(s *scanner, e *envelope) bool {
	i := s.space(0)
	if i >= len(s.in) || s.in[i] != '{' {
		return false
	}
	i = s.space(i + 1)
	if i < len(s.in) && s.in[i] == '}' {
		return s.space(i+1) == len(s.in)
	}
	for {
		if i >= len(s.in) || s.in[i] != '"' {
			return false
		}
		var key value
		key, i = s.text(i)
		if i == bad {
			return false
		}
		if i = s.space(i); i >= len(s.in) || s.in[i] != ':' {
			return false
		}
		i = s.space(i + 1)
		name := d.bytes(s, key)
		if string(name) == "data" && i < len(s.in) && s.in[i] == '{' {
			e.data = value{kind: object, start: i}
			i = d.scanUsage(s, i, &e.usage)
			e.data.end = i
		} else {
			var v value
			v, i = s.value(i, 1)
			e.set(name, v)
		}
		if i == bad {
			return false
		}
		var closed bool
		if i, closed = s.next(i, '}'); i == bad {
			return false
		}
		if closed {
			return s.space(i) == len(s.in)
		}
	}
}

func (e *envelope) set(name []byte, v value) {
	switch string(name) {
	case "specversion":
		e.specversion = v
	case "id":
		e.id = v
	case "source":
		e.source = v
	case "type":
		e.recordType = v
	case "subject":
		e.subject = v
	case "time":
		e.time = v
	case "logtime":
		e.logtime = v
	case "data":
		e.data = v
	}
}

// bytes returns the characters of a string value, nil where v is no string.
func (d *Decoder) bytes(s *scanner, v value) []byte {
	if v.kind != text {
		return nil
	}
	if !v.escaped {
		return s.in[v.start:v.end:v.end]
	}
	start := len(d.unescaped)
	d.unescaped = unescape(d.unescaped, s.in[v.start:v.end])
	return d.unescaped[start:len(d.unescaped):len(d.unescaped)]
}

// sized returns the characters of a string value of 1 to limit bytes, nil for any other value.
func (d *Decoder) sized(s *scanner, v value, limit int) []byte {
	b := d.bytes(s, v)
	if len(b) < 1 || len(b) > limit {
		return nil
	}
	return b
}

// readTimes reads time and the log time, and reports whether time, and logtime where present, are times. A logtime
// that can't be read is not replaced by time.
func (d *Decoder) readTimes(s *scanner, e *envelope, appendTime drawdown.Time, rec *drawdown.Record) bool {
	happened, ok := drawdown.ParseTime(d.bytes(s, e.time))
	rec.Time = happened
	logged := happened
	if e.logtime.kind != absent {
		var logtimeOK bool
		logged, logtimeOK = drawdown.ParseTime(d.bytes(s, e.logtime))
		ok = ok && logtimeOK
	}
	if appendTime != drawdown.NoTime {
		logged = appendTime
	}
	rec.LogTime = logged
	return ok
}

func (d *Decoder) readIdentity(s *scanner, e *envelope, rec *drawdown.Record) bool {
	rec.ID = d.sized(s, e.id, drawdown.MaxIDLen)
	rec.Source = d.sized(s, e.source, drawdown.MaxSourceLen)
	return string(d.bytes(s, e.specversion)) == "1.0" && rec.ID != nil && rec.Source != nil
}

// subjectFits reports whether the subject is an account id, or absent on a broadcast.
func (d *Decoder) subjectFits(e *envelope, rec *drawdown.Record) bool {
	if rec.Type.IsBroadcast() {
		return e.subject.kind == absent
	}
	return rec.Account != nil
}

func (d *Decoder) readData(s *scanner, e *envelope, rec *drawdown.Record) bool {
	switch {
	case e.data.kind == absent:
		return !rec.Type.NeedsData()
	case e.data.kind != object:
		return false
	case rec.Type == drawdown.SyncUsage:
		return d.readUsage(s, &e.usage, &rec.Usage)
	default:
		var ok bool
		rec.Operation, ok = readOperation(rec.Type, s.in[e.data.start:e.data.end])
		return ok
	}
}
