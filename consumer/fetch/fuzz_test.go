package fetch

import (
	"bytes"
	"encoding/binary"
	"reflect"
	"testing"

	"github.com/segmentio/kafka-go/protocol"
)

// FuzzSetNext feeds any bytes as an answer. With seal, checksums are made right first, so that what is behind them is
// reached. Nothing may panic, run for ever, go back in offsets, or read beyond the answer.
func FuzzSetNext(f *testing.F) {
	for _, codec := range []protocol.Attributes{0, protocol.Gzip, protocol.Snappy, protocol.Lz4, protocol.Zstd, protocol.Control} {
		f.Add(stamped(libraryBatch(f, 5, codec, three...)), int64(5), true)
	}
	f.Add(concat(stamped(libraryBatch(f, 5, 0, three...)), libraryBatch(f, 8, 0, three...)), int64(6), false)
	f.Add(handBatch(100, 9, 2, attrLogAppendTime, concat(handRecord(0, 2, "a", "x"), handRecord(0, 5, "b", "y"))), int64(0), true)
	d, err := newDecompressor(1 << 20)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte, offset int64, seal bool) {
		if offset < 0 {
			return // Fetch refuses it
		}
		data = bytes.Clone(data)
		if seal {
			sealAll(data)
		}
		for _, contiguous := range []bool{false, true} {
			r := &rules{allowCreateTime: true, contiguous: contiguous, decompressor: d}
			exact := readFuzzed(t, r, offset, data[:len(data):len(data)])
			// The same bytes with others behind them, within the capacity of the slice: nothing may change.
			longer := append(bytes.Clone(data), bytes.Repeat([]byte{0x02}, 64)...)
			if with := readFuzzed(t, r, offset, longer[:len(data)]); !reflect.DeepEqual(exact, with) {
				t.Fatalf("bytes behind the answer matter:\n%v\n%v", exact, with)
			}
		}
	})
}

func readFuzzed(t *testing.T, r *rules, offset int64, data []byte) []got {
	s := r.newSet("metering", 0, offset, data)
	all, err := drain(s)
	last := offset - 1
	for _, g := range all {
		if g.offset <= last || g.at < 0 {
			t.Fatalf("offset %d at %d after %d", g.offset, g.at, last)
		}
		last = g.offset
	}
	if s.NextOffset() <= last {
		t.Fatalf("next offset %d after %d, error %v", s.NextOffset(), last, err)
	}
	s.release()
	return all
}

// sealAll sets the checksums of all batches in data whose lengths make sense.
func sealAll(data []byte) {
	for len(data) >= headerBytes {
		length := int64(int32(binary.BigEndian.Uint32(data[atLength:])))
		if length < headerBytes-prefixBytes || length > int64(len(data)-prefixBytes) {
			return
		}
		sealed(data[:prefixBytes+length])
		data = data[prefixBytes+length:]
	}
}

func FuzzDecompress(f *testing.F) {
	for _, c := range compressed(f, []byte("usage of a connection")) {
		f.Add(c.codec, c.bytes)
	}
	d, err := newDecompressor(1 << 20)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, codec int8, data []byte) {
		if out, err := d.decompress(codec&attrCodec, nil, data); err == nil && len(out) > 1<<20 {
			t.Fatalf("%d bytes came out, above the limit", len(out))
		}
	})
}
