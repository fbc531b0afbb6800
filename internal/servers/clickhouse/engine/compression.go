package engine

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"strings"

	"github.com/ClickHouse/ch-go/compress"
	chproto "github.com/ClickHouse/ch-go/proto"
)

// blockMaxBytes is how much goes into one compressed block of an answer; ClickHouse's own blocks are about this large.
const blockMaxBytes = 1 << 20

// decodeContent undoes a body's Content-Encoding.
func decodeContent(encoding string, body []byte) ([]byte, error) {
	var (
		reader io.Reader
		err    error
	)
	switch encoding {
	case "", "identity":
		return body, nil
	case "gzip":
		reader, err = gzip.NewReader(bytes.NewReader(body))
	case "deflate":
		reader, err = zlib.NewReader(bytes.NewReader(body))
	default:
		return nil, &failure{code: codeUnknownCompression, name: "UNKNOWN_COMPRESSION_METHOD", text: "Content-Encoding " + encoding + " is not supported here; use gzip, deflate or none"}
	}
	if err == nil {
		body, err = io.ReadAll(reader)
	}
	if err != nil {
		return nil, &failure{code: codeCannotDecompress, name: "CANNOT_DECOMPRESS", text: "Cannot decode the body: " + err.Error()}
	}
	return body, nil
}

// decompressBlocks undoes ClickHouse's own compressed blocks (LZ4, ZSTD), in which clickhouse-go sends rows.
func decompressBlocks(body []byte) ([]byte, error) {
	reader := chproto.NewReader(bytes.NewReader(body))
	reader.EnableCompression()
	plain, err := io.ReadAll(reader)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, &failure{code: codeCannotDecompress, name: "CANNOT_DECOMPRESS", text: "Cannot decompress the body: " + err.Error()}
	}
	return plain, nil
}

// compressBlocks packs an answer into ClickHouse's own compressed blocks.
func compressBlocks(output []byte, method string) ([]byte, error) {
	kind := compress.LZ4
	if strings.EqualFold(method, "ZSTD") {
		kind = compress.ZSTD
	}
	writer := compress.NewWriter(compress.LevelZero, kind)
	var packed []byte
	for len(output) > 0 {
		n := min(len(output), blockMaxBytes)
		if err := writer.Compress(output[:n]); err != nil {
			return nil, err
		}
		packed = append(packed, writer.Data...)
		output = output[n:]
	}
	return packed, nil
}
