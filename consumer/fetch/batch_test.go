package fetch

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"testing"
	"time"

	"github.com/segmentio/kafka-go/protocol"
)

// sample is a record as a test writes it.
type sample struct {
	key, value []byte
	headers    []protocol.Header
	at         int64 // the producer's time, ms
}

// logTime is the append time that stamped gives to a batch: another one than any producer's.
const logTime = 1_700_000_000_000

// libraryBatch has kafka-go encode a batch, so that what is read here was not written by the same hand.
func libraryBatch(t testing.TB, base int64, attributes protocol.Attributes, samples ...sample) []byte {
	t.Helper()
	records := make([]protocol.Record, len(samples))
	for i, s := range samples {
		records[i] = protocol.Record{Key: libraryBytes(s.key), Value: libraryBytes(s.value), Headers: s.headers, Time: time.UnixMilli(max(s.at, 1))}
	}
	set := protocol.RecordSet{Version: 2, Attributes: attributes, Records: protocol.NewRecordReader(records...)}
	var out bytes.Buffer
	if _, err := set.WriteTo(&out); err != nil {
		t.Fatalf("encoding a batch: %v", err)
	}
	b := out.Bytes()[4:] // without the size of the set
	binary.BigEndian.PutUint64(b[atBaseOffset:], uint64(base))
	return b
}

// libraryBytes keeps nil apart from empty.
func libraryBytes(b []byte) protocol.Bytes {
	if b == nil {
		return nil
	}
	return protocol.NewBytes(b)
}

// stamped marks a batch as a broker does on a topic with LogAppendTime.
func stamped(b []byte) []byte {
	be := binary.BigEndian
	be.PutUint16(b[atAttributes:], be.Uint16(b[atAttributes:])|attrLogAppendTime)
	be.PutUint64(b[atMaxTimestamp:], logTime)
	return sealed(b)
}

// sealed sets the checksum of a batch that was changed.
func sealed(b []byte) []byte {
	binary.BigEndian.PutUint32(b[atCRC:], crc32.Checksum(b[atAttributes:], castagnoli))
	return b
}

// handBatch makes a batch around records that are already encoded, whether they are right or not.
func handBatch(base int64, lastDelta, count int32, attributes int16, records []byte) []byte {
	be := binary.BigEndian
	b := make([]byte, headerBytes, headerBytes+len(records))
	b = append(b, records...)
	be.PutUint64(b[atBaseOffset:], uint64(base))
	be.PutUint32(b[atLength:], uint32(len(b)-prefixBytes))
	b[atMagic] = magicV2
	be.PutUint16(b[atAttributes:], uint16(attributes))
	be.PutUint32(b[atLastOffsetDelta:], uint32(lastDelta))
	be.PutUint64(b[atBaseTimestamp:], logTime-1000)
	be.PutUint64(b[atMaxTimestamp:], logTime)
	be.PutUint32(b[atRecordCount:], uint32(count))
	return sealed(b)
}

// handRecord encodes a record without headers; tail is put after them.
func handRecord(timeDelta, offsetDelta int64, key, value string, tail ...byte) []byte {
	body := []byte{0}
	body = binary.AppendVarint(body, timeDelta)
	body = binary.AppendVarint(body, offsetDelta)
	body = append(binary.AppendVarint(body, int64(len(key))), key...)
	body = append(binary.AppendVarint(body, int64(len(value))), value...)
	body = append(append(body, 0), tail...)
	return append(binary.AppendVarint(nil, int64(len(body))), body...)
}

// testSet is a set that reads data as an answer to a fetch from the offset.
func testSet(t testing.TB, offset int64, data []byte, change ...func(*rules)) *Set {
	t.Helper()
	d, err := newDecompressor(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	r := &rules{decompressor: d}
	for _, f := range change {
		f(r)
	}
	return r.newSet("metering", 3, offset, data)
}

func withCreateTime(r *rules) { r.allowCreateTime = true }
func withoutGaps(r *rules)    { r.contiguous = true }

// got is a record copied out of a set.
type got struct {
	offset, at int64
	key, value []byte
	headers    []protocol.Header
}

// drain reads a set to its end or its error.
func drain(s *Set) (all []got, err error) {
	var rec Record
	for {
		ok, err := s.Next(&rec)
		if err != nil || !ok {
			return all, err
		}
		g := got{offset: rec.Offset, at: rec.AppendTime, key: bytes.Clone(rec.Key), value: bytes.Clone(rec.Value)}
		for k, v := range rec.Headers() {
			g.headers = append(g.headers, protocol.Header{Key: string(k), Value: bytes.Clone(v)})
		}
		all = append(all, g)
	}
}

func offsets(all []got) []int64 {
	out := make([]int64, len(all))
	for i, g := range all {
		out[i] = g.offset
	}
	return out
}

func attributesOf(codec int8) protocol.Attributes { return protocol.Attributes(codec) }

func concat(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
