package fetch

import "iter"

// Record is one record of a partition. Its slices point into the answer and are valid until Response.Release.
type Record struct {
	Offset     int64
	AppendTime int64  // when the broker appended it, in Unix milliseconds
	Key        []byte // nil when absent
	Value      []byte // nil when absent

	headers     []byte // encoded, already checked by parse
	headerCount int
}

// HeaderCount returns the number of headers.
func (r *Record) HeaderCount() int { return r.headerCount }

// Header returns the value of the header with this name and whether there is one; the last one if there are several,
// as in Kafka's own clients. The value is nil when absent. It allocates nothing.
func (r *Record) Header(name string) (value []byte, ok bool) {
	at := 0
	for range r.headerCount {
		var k, v []byte
		k, v, at = nextHeader(r.headers, at)
		if string(k) == name {
			value, ok = v, true
		}
	}
	return value, ok
}

// Headers yields names and values in the order of the record. A value is nil when absent.
func (r *Record) Headers() iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		at := 0
		for range r.headerCount {
			var k, v []byte
			if k, v, at = nextHeader(r.headers, at); !yield(k, v) {
				return
			}
		}
	}
}

// nextHeader reads a header that checkHeaders has accepted.
func nextHeader(b []byte, at int) (name, value []byte, next int) {
	name, at, _ = readBytes(b, at)
	value, at, _ = readBytes(b, at)
	return name, value, at
}

// checkHeaders says whether b is exactly n headers.
func checkHeaders(b []byte, n int) bool {
	var (
		at   int
		name []byte
		ok   bool
	)
	for range n {
		if name, at, ok = readBytes(b, at); !ok || name == nil {
			return false
		}
		if _, at, ok = readBytes(b, at); !ok {
			return false
		}
	}
	return at == len(b)
}

// parse reads the fields of a record v2 from b, which is all of it after its length. It returns the deltas of time
// and offset to those of the batch. ok is false if b is not exactly one record.
func (r *Record) parse(b []byte) (timeDelta, offsetDelta int64, ok bool) {
	at := 1 // the record's attributes: none are defined
	if timeDelta, at = varint(b, at); at < 0 {
		return 0, 0, false
	}
	if offsetDelta, at = varint(b, at); at < 0 {
		return 0, 0, false
	}
	if r.Key, at, ok = readBytes(b, at); !ok {
		return 0, 0, false
	}
	if r.Value, at, ok = readBytes(b, at); !ok {
		return 0, 0, false
	}
	var n int64
	if n, at = varint(b, at); at < 0 {
		return 0, 0, false
	}
	r.headers, r.headerCount = nil, 0
	if n == 0 {
		return timeDelta, offsetDelta, at == len(b)
	}
	if n < 0 || n > int64(len(b)-at) { // a header has at least two bytes: this bounds the loop of the check
		return 0, 0, false
	}
	r.headers, r.headerCount = b[at:len(b):len(b)], int(n)
	return timeDelta, offsetDelta, checkHeaders(r.headers, r.headerCount)
}

// readBytes reads a length and so many bytes; nil if the length is -1.
func readBytes(b []byte, at int) (v []byte, next int, ok bool) {
	n, at := varint(b, at)
	if at < 0 || n < -1 || n > int64(len(b)-at) {
		return nil, 0, false
	}
	if n < 0 {
		return nil, at, true
	}
	end := at + int(n)
	return b[at:end:end], end, true // the capacity ends here too, so that an append by the caller cannot write on
}

// varint reads a zigzag varint at b[at]. next is -1 if there is none.
func varint(b []byte, at int) (v int64, next int) {
	if uint(at) < uint(len(b)) && b[at] < 0x80 {
		return int64(b[at]>>1) ^ -int64(b[at]&1), at + 1
	}
	return longVarint(b, at)
}

func longVarint(b []byte, at int) (int64, int) {
	var u uint64
	for shift := uint(0); shift < 64 && uint(at) < uint(len(b)); shift += 7 {
		c := b[at]
		at++
		if shift == 63 && c > 1 {
			return 0, -1 // more than 64 bits
		}
		u |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return int64(u>>1) ^ -int64(u&1), at
		}
	}
	return 0, -1
}
