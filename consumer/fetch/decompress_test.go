package fetch

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"

	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// compressed is data in every form that producers write.
func compressed(t testing.TB, data []byte) map[string]struct {
	codec int8
	bytes []byte
} {
	t.Helper()
	type form = struct {
		codec int8
		bytes []byte
	}
	var gz, lz, zs bytes.Buffer
	g := gzip.NewWriter(&gz)
	l := lz4.NewWriter(&lz)
	z, err := zstd.NewWriter(&zs)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []interface {
		Write([]byte) (int, error)
		Close() error
	}{g, l, z} {
		if _, err := w.Write(data); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	framed := append(bytes.Clone(xerialMagic), 0, 0, 0, 1, 0, 0, 0, 1)
	for rest := data; len(rest) > 0; {
		n := min(1000, len(rest))
		block := snappy.Encode(nil, rest[:n])
		framed = append(binary.BigEndian.AppendUint32(framed, uint32(len(block))), block...)
		rest = rest[n:]
	}
	return map[string]form{
		"gzip":                 {codecGzip, gz.Bytes()},
		"lz4":                  {codecLZ4, lz.Bytes()},
		"zstd, size not known": {codecZstd, zs.Bytes()},
		"zstd, size known":     {codecZstd, z.EncodeAll(data, nil)},
		"snappy, one block":    {codecSnappy, snappy.Encode(nil, data)},
		"snappy, xerial":       {codecSnappy, framed},
	}
}

func TestDecompressGivesBackWhatWasCompressed(t *testing.T) {
	data := bytes.Repeat([]byte("usage of a connection; "), 5000)
	d, err := newDecompressor(len(data))
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range compressed(t, data) {
		t.Run(name, func(t *testing.T) {
			for _, dst := range [][]byte{nil, make([]byte, 10, 100), make([]byte, 0, 2*len(data))} {
				out, err := d.decompress(f.codec, dst, f.bytes)
				if err != nil || !bytes.Equal(out, data) {
					t.Fatalf("%d bytes of %d, error %v", len(out), len(data), err)
				}
			}
		})
	}
}

func TestDecompressStopsAtTheLimit(t *testing.T) {
	data := make([]byte, 4<<20) // compresses a thousand times
	forms := compressed(t, data)
	for _, limit := range []int{len(data) - 1, 64 << 10} {
		d, err := newDecompressor(limit)
		if err != nil {
			t.Fatal(err)
		}
		for name, f := range forms {
			t.Run(fmt.Sprintf("%s, limit %d", name, limit), func(t *testing.T) {
				out, err := d.decompress(f.codec, nil, f.bytes)
				if !errors.Is(err, errTooLarge) {
					t.Fatalf("%d bytes, error %v", len(out), err)
				}
				if f.codec != codecZstd && len(out) > 2*limit {
					t.Fatalf("%d bytes before it stopped, the limit is %d", len(out), limit)
				}
			})
		}
	}
}

func TestBatchAboveTheLimitIsRefusedByName(t *testing.T) {
	zeros := sample{value: make([]byte, 2<<20)}
	for _, codec := range []int8{codecGzip, codecSnappy, codecLZ4, codecZstd} {
		_, err := drain(testSet(t, 9, stamped(libraryBatch(t, 9, attributesOf(codec), zeros))))
		var large *BatchTooLargeError
		if !errors.As(err, &large) || large.Offset != 9 || large.BytesLimit != 1<<20 {
			t.Fatalf("codec %d: got %v, want a BatchTooLargeError", codec, err)
		}
	}
}

func TestDecompressSurvivesCutAndChangedInput(t *testing.T) {
	data := bytes.Repeat([]byte("usage"), 300)
	d, err := newDecompressor(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range compressed(t, data) {
		t.Run(name, func(t *testing.T) {
			for cut := range f.bytes {
				if out, err := d.decompress(f.codec, nil, f.bytes[:cut]); err == nil && bytes.Equal(out, data) {
					t.Fatalf("cut at %d of %d and nothing is missing", cut, len(f.bytes))
				}
				changed := bytes.Clone(f.bytes)
				changed[cut] ^= 0x55
				if out, _ := d.decompress(f.codec, nil, changed); len(out) > 4<<20 {
					t.Fatalf("byte %d changed: %d bytes came out", cut, len(out))
				}
			}
			if out, err := d.decompress(f.codec, nil, f.bytes); err != nil || !bytes.Equal(out, data) {
				t.Fatalf("after all that: %v", err)
			}
		})
	}
}
