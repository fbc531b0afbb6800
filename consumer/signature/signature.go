package signature

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
)

// domain precedes the value under the hash: it separates these signatures from any other use of a key.
const domain = "drawdown operation 1\n"

// ErrCannotSign says that there is no key to sign with.
var ErrCannotSign = errors.New("signature: no key to sign with: give a key file or the environment variable of the keys")

// Sign returns the header's value for a record's value, made with the first key.
func (k *Keys) Sign(value []byte) ([]byte, error) {
	if k == nil || k.signing == nil {
		return nil, ErrCannotSign
	}
	h := k.signing.borrow()
	defer k.signing.hashes.Put(h)
	header := append([]byte(k.signing.id), ':')
	h.sum(value)
	return hex.AppendEncode(header, h.digest[:]), nil
}

// Verify reports whether header is a valid signature of a record's value by one of the keys. It allocates nothing,
// and takes the same time for every wrong signature under a known key.
func (k *Keys) Verify(value, header []byte) bool {
	const digits = 2 * sha256.Size
	separator := len(header) - digits - 1
	if k == nil || separator < 1 || header[separator] != ':' {
		return false
	}
	signedBy, known := k.byID[string(header[:separator])]
	if !known {
		return false
	}
	var claimed [sha256.Size]byte
	if _, err := hex.Decode(claimed[:], header[separator+1:]); err != nil {
		return false
	}
	h := signedBy.borrow()
	defer signedBy.hashes.Put(h)
	h.sum(value)
	return hmac.Equal(h.digest[:], claimed[:])
}

// hasher is a keyed hash and the memory of its result.
type hasher struct {
	hash   hash.Hash
	prefix []byte
	digest [sha256.Size]byte
}

// sum sets digest to the signature of value.
func (h *hasher) sum(value []byte) {
	h.hash.Reset()
	_, _ = h.hash.Write(h.prefix) // a hash never returns an error
	_, _ = h.hash.Write(value)
	h.hash.Sum(h.digest[:0])
}
