package fetch

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// Codecs of a record batch, in the low three bits of its attributes.
const (
	codecNone   int8 = 0
	codecGzip   int8 = 1
	codecSnappy int8 = 2
	codecLZ4    int8 = 3
	codecZstd   int8 = 4
)

// zstdWindowMax is the largest window that zstd's levels use (level 22).
const zstdWindowMax = 128 << 20

var errTooLarge = errors.New("decompressed batch exceeds the limit")

// decompressor turns the records of a compressed batch into bytes, at most bytesMax. It is safe for concurrent use.
// The library's own codecs are not used: they have no bound, and a batch of one megabyte can become a gigabyte.
type decompressor struct {
	bytesMax int
	zstd     *zstd.Decoder
	gzips    sync.Pool // *gzip.Reader
	lz4s     sync.Pool // *lz4.Reader
}

func newDecompressor(bytesMax int) (*decompressor, error) {
	// Without a reader, and used by DecodeAll only, the decoder starts no goroutine. Its bound also refuses frames by
	// the window that they declare, which streaming producers set large whatever they write: decompress checks the
	// exact limit after.
	z, err := zstd.NewReader(nil, zstd.WithDecoderMaxMemory(uint64(max(bytesMax, zstdWindowMax))), zstd.WithDecoderConcurrency(0))
	if err != nil {
		return nil, fmt.Errorf("making a zstd decoder: %w", err)
	}
	return &decompressor{bytesMax: bytesMax, zstd: z}, nil
}

// decompress appends to dst[:0] and returns the result, errTooLarge, or why src cannot be decompressed. The slice
// returned is never nil, so that its memory can be kept whatever the error is.
func (d *decompressor) decompress(codec int8, dst, src []byte) ([]byte, error) {
	dst = dst[:0]
	switch codec {
	case codecGzip:
		return d.gzip(dst, src)
	case codecSnappy:
		return d.snappy(dst, src)
	case codecLZ4:
		return d.lz4(dst, src)
	case codecZstd:
		out, err := d.zstd.DecodeAll(src, dst)
		if errors.Is(err, zstd.ErrDecoderSizeExceeded) || errors.Is(err, zstd.ErrWindowSizeExceeded) || len(out) > d.bytesMax {
			err = errTooLarge
		}
		return out, err
	}
	return dst, fmt.Errorf("unknown compression codec %d", codec)
}

func (d *decompressor) gzip(dst, src []byte) ([]byte, error) {
	r, _ := d.gzips.Get().(*gzip.Reader)
	if r == nil {
		r = new(gzip.Reader)
	}
	defer d.gzips.Put(r)
	if err := r.Reset(bytes.NewReader(src)); err != nil {
		return dst, err
	}
	return d.readAll(dst, r)
}

func (d *decompressor) lz4(dst, src []byte) ([]byte, error) {
	r, _ := d.lz4s.Get().(*lz4.Reader)
	if r == nil {
		r = lz4.NewReader(nil)
	}
	defer d.lz4s.Put(r)
	r.Reset(bytes.NewReader(src))
	return d.readAll(dst, r)
}

// readAll appends what r gives to dst, up to the limit.
func (d *decompressor) readAll(dst []byte, r io.Reader) ([]byte, error) {
	for {
		if len(dst) == cap(dst) {
			dst = append(dst, 0)[:len(dst)]
		}
		n, err := r.Read(dst[len(dst):cap(dst)])
		dst = dst[:len(dst)+n]
		switch {
		case len(dst) > d.bytesMax:
			return dst, errTooLarge
		case err == io.EOF:
			return dst, nil
		case err != nil:
			return dst, err
		}
	}
}

// xerialMagic begins snappy data in the framing of the Java library that Kafka's Java producers use: this magic, two
// version numbers of four bytes, then chunks of a four-byte size and one snappy block each. Producers in other
// languages write one bare block.
var xerialMagic = []byte{0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0}

const xerialHeaderBytes = 16

func (d *decompressor) snappy(dst, src []byte) ([]byte, error) {
	if !bytes.HasPrefix(src, xerialMagic) {
		return d.snappyBlock(dst, src)
	}
	if len(src) < xerialHeaderBytes {
		return dst, io.ErrUnexpectedEOF
	}
	src = src[xerialHeaderBytes:]
	var err error
	for len(src) > 0 {
		if len(src) < 4 {
			return dst, io.ErrUnexpectedEOF
		}
		size := int64(binary.BigEndian.Uint32(src))
		src = src[4:]
		if size > int64(len(src)) {
			return dst, io.ErrUnexpectedEOF
		}
		if dst, err = d.snappyBlock(dst, src[:size]); err != nil {
			return dst, err
		}
		src = src[size:]
	}
	return dst, nil
}

// snappyBlock appends one block. Its length is known beforehand, so the limit is checked before memory is taken.
func (d *decompressor) snappyBlock(dst, src []byte) ([]byte, error) {
	n, err := snappy.DecodedLen(src)
	if err != nil {
		return dst, err
	}
	if n > d.bytesMax-len(dst) {
		return dst, errTooLarge
	}
	at := len(dst)
	if cap(dst)-at < n {
		grown := make([]byte, at, max(at+n, 2*cap(dst)))
		copy(grown, dst)
		dst = grown
	}
	out, err := snappy.Decode(dst[at:at+n], src)
	if err != nil {
		return dst, err
	}
	return dst[:at+len(out)], nil
}
