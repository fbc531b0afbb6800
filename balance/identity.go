package balance

import (
	"crypto/sha256"
	"encoding/binary"
	"strconv"

	"drawdown"
)

const (
	// usageMemory and operationMemory are how many hours after the hour of its acceptance an id is remembered.
	usageMemory     = 74
	operationMemory = 840
	// usageSegmentHours and operationSegmentHours are how many hours of ids stand in one segment: below 256, so that
	// an id's hour within it is one byte, and few enough segments that a lookup is short.
	usageSegmentHours     = 24
	operationSegmentHours = 168
)

// fingerprint stands for a string that is only ever compared: 120 bits of its SHA-256. Two strings of one account
// would have to share them to be mistaken for each other.
type fingerprint [15]byte

func fingerprintOf(s string) fingerprint {
	sum := sha256.Sum256([]byte(s))
	return fingerprint(sum[:15])
}

// identify returns the fingerprint of a record's source and id.
func identify(source, id []byte) fingerprint {
	var buf [drawdown.MaxSourceLen + drawdown.MaxIDLen + 2]byte
	text := binary.LittleEndian.AppendUint16(buf[:0], uint16(len(source)))
	text = append(append(text, source...), id...)
	sum := sha256.Sum256(text)
	return fingerprint(sum[:15])
}

// identities remembers which records were accepted, by fingerprint, for a window of hours.
type identities struct {
	window   int64
	segments []identitySegment // ascending
	dropped  []int64           // numbers of segments dropped since the last Take
}

// identitySegment is the ids accepted in some hours of log time.
type identitySegment struct {
	number int64
	hours  map[fingerprint]uint8 // hour of acceptance within the segment; nil until restored
	added  []byte                // since the last Take
}

func (m *identities) segmentHours() int64 {
	if m.window == usageMemory {
		return usageSegmentHours
	}
	return operationSegmentHours
}

// seen reports whether the id was accepted in an hour at most window hours before that of now.
func (m *identities) seen(f fingerprint, now drawdown.Time) bool {
	for i := len(m.segments) - 1; i >= 0; i-- {
		s := &m.segments[i]
		if hour, found := s.hours[f]; found {
			return now.HourNumber()-(s.number*m.segmentHours()+int64(hour)) <= m.window
		}
	}
	return false
}

// remember takes note that the id was accepted at now, and drops what need not be remembered any more.
func (m *identities) remember(f fingerprint, now drawdown.Time) {
	span := m.segmentHours()
	hour := now.HourNumber()
	for len(m.segments) > 0 && m.segments[0].number*span+span-1 < hour-m.window {
		m.dropped = append(m.dropped, m.segments[0].number)
		m.segments = m.segments[1:]
	}
	number := hour / span
	if last := len(m.segments) - 1; last < 0 || m.segments[last].number != number {
		m.segments = append(m.segments, identitySegment{number: number, hours: map[fingerprint]uint8{}})
	}
	s := &m.segments[len(m.segments)-1]
	within := uint8(hour % span)
	s.hours[f] = within
	s.added = append(append(s.added, f[:]...), within)
}

// identityLen is the packed length of a remembered id.
const identityLen = len(fingerprint{}) + 1

// restore takes a segment's content, as it was appended.
func (s *identitySegment) restore(packed []byte) bool {
	if len(packed)%identityLen != 0 {
		return false
	}
	s.hours = make(map[fingerprint]uint8, len(packed)/identityLen)
	for ; len(packed) > 0; packed = packed[identityLen:] {
		s.hours[fingerprint(packed)] = packed[identityLen-1]
	}
	return true
}

func segmentName(prefix byte, number int64) string {
	return string(prefix) + strconv.FormatInt(number, 10)
}
