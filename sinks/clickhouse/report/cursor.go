package report

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"

	"drawdown"
)

// place is where a row of a list stands: what the list is sorted by. Rows are added only at the list's beginning and
// never move, so a page begins where the one before ended whatever was added meanwhile.
type place struct {
	offset drawdown.Offset
	n      uint32
	at     int64 // milliseconds; 0 where the list does not need it
}

// noPlace is before all rows, which come in descending order.
var noPlace = place{offset: 1<<63 - 1}

func (p parameters) before(at place) parameters {
	return p.unsigned("before_offset", uint64(at.offset)).unsigned("before_n", uint64(at.n))
}

// list is the question that a cursor belongs to: its name, the account and the filters.
type list []string

// checkSize is how many bytes of a hash a cursor carries. They are no secret: whoever computes them by hand reaches
// another place of a list that is theirs, and no other list.
const checkSize = 8

func (l list) check(position []byte) []byte {
	hash := sha256.New()
	for _, part := range l {
		hash.Write(binary.BigEndian.AppendUint32(nil, uint32(len(part))))
		hash.Write([]byte(part))
	}
	hash.Write(position)
	return hash.Sum(nil)[:checkSize]
}

// cursor writes the cursor of the page that follows the row at p.
func (l list) cursor(p place) string {
	position := binary.BigEndian.AppendUint64(nil, uint64(p.offset))
	position = binary.BigEndian.AppendUint32(position, p.n)
	position = binary.BigEndian.AppendUint64(position, uint64(p.at))
	return base64.RawURLEncoding.EncodeToString(append(position, l.check(position)...))
}

// place reads a cursor; "" is the list's beginning. The error is ErrBadCursor.
func (l list) place(cursor string) (place, error) {
	if cursor == "" {
		return noPlace, nil
	}
	const positionSize = 20
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	// Written again, since the decoder skips line breaks and spare bits.
	if err != nil || base64.RawURLEncoding.EncodeToString(raw) != cursor || len(raw) != positionSize+checkSize ||
		string(l.check(raw[:positionSize])) != string(raw[positionSize:]) {
		return place{}, ErrBadCursor
	}
	offset := binary.BigEndian.Uint64(raw)
	if offset > uint64(noPlace.offset) {
		return place{}, ErrBadCursor
	}
	at := int64(binary.BigEndian.Uint64(raw[12:]))
	return place{drawdown.Offset(offset), binary.BigEndian.Uint32(raw[8:]), at}, nil
}
