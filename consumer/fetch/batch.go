package fetch

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
)

// The header of a record batch v2 (Kafka's message format, org.apache.kafka.common.record.DefaultRecordBatch). The
// checksum covers everything from the attributes on: base offset, length and leader epoch are written by the broker.
const (
	atBaseOffset      = 0  // int64
	atLength          = 8  // int32: bytes after this field
	atMagic           = 16 // int8: in the same place in all formats
	atCRC             = 17 // uint32, Castagnoli
	atAttributes      = 21 // int16
	atLastOffsetDelta = 23 // int32
	atBaseTimestamp   = 27 // int64, ms
	atMaxTimestamp    = 35 // int64, ms
	atRecordCount     = 57 // int32, after producer id (8), epoch (2) and sequence (4)
	headerBytes       = 61

	prefixBytes = atLength + 4 // what precedes the bytes that the length counts
	magicV2     = 2

	attrCodec         = 0x07
	attrLogAppendTime = 0x08
	attrControl       = 0x20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// batch is the header of the batch being read.
type batch struct {
	baseOffset    int64
	lastOffset    int64 // of the batch as written; the record there may have been compacted away
	baseTimestamp int64
	maxTimestamp  int64
	attributes    int16
	records       int32
}

func (b *batch) codec() int8         { return int8(b.attributes & attrCodec) }
func (b *batch) control() bool       { return b.attributes&attrControl != 0 }
func (b *batch) logAppendTime() bool { return b.attributes&attrLogAppendTime != 0 }

// frame finds the first batch in data: its bytes, or none if only a part of it is there. A reason is returned if data
// cannot begin with a batch.
func frame(data []byte) (whole []byte, reason string) {
	if len(data) <= atMagic {
		return nil, ""
	}
	if m := int8(data[atMagic]); m != magicV2 {
		return nil, fmt.Sprintf("magic byte %d", m)
	}
	length := int64(int32(binary.BigEndian.Uint32(data[atLength:])))
	if length < headerBytes-prefixBytes {
		return nil, fmt.Sprintf("length %d is shorter than a batch header", length)
	}
	total := prefixBytes + length
	if total > int64(len(data)) {
		return nil, ""
	}
	return data[:total:total], ""
}

// parse reads the header of a whole batch and checks what can be checked without its records.
func (b *batch) parse(whole []byte) (reason string) {
	be := binary.BigEndian
	lastOffsetDelta := int32(be.Uint32(whole[atLastOffsetDelta:]))
	*b = batch{
		baseOffset:    int64(be.Uint64(whole[atBaseOffset:])),
		baseTimestamp: int64(be.Uint64(whole[atBaseTimestamp:])),
		maxTimestamp:  int64(be.Uint64(whole[atMaxTimestamp:])),
		attributes:    int16(be.Uint16(whole[atAttributes:])),
		records:       int32(be.Uint32(whole[atRecordCount:])),
	}
	b.lastOffset = b.baseOffset + int64(lastOffsetDelta)
	sum, want := crc32.Checksum(whole[atAttributes:], castagnoli), be.Uint32(whole[atCRC:])
	switch {
	case sum != want:
		return fmt.Sprintf("checksum is %08x, the batch says %08x", sum, want)
	case b.baseOffset < 0 || b.baseOffset > math.MaxInt64-math.MaxInt32:
		return fmt.Sprintf("base offset %d", b.baseOffset)
	case lastOffsetDelta < 0:
		return fmt.Sprintf("last offset delta %d", lastOffsetDelta)
	case b.records < 0 || int64(b.records) > int64(lastOffsetDelta)+1:
		return fmt.Sprintf("%d records in %d offsets", b.records, int64(lastOffsetDelta)+1)
	case b.codec() > codecZstd:
		return fmt.Sprintf("unknown compression codec %d", b.codec())
	}
	return ""
}
