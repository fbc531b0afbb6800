package sandbox

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// What is sealed. The word is part of what is signed, so that a receipt can't be used as a session.
const (
	sealedSession = "session"
	sealedReceipt = "receipt"
)

// sealLen is how many bytes of a signature are kept: 128 bits can't be guessed, and a receipt's address has to be short.
const sealLen = 16

// errSeal is the error of an address that this key did not sign.
var errSeal = errors.New("sandbox: the address is not one of this sandbox's, or it was changed")

// newKey is a key that nobody else has.
func newKey() []byte {
	key := make([]byte, keyMin)
	_, _ = rand.Read(key) // never fails
	return key
}

// seal writes something as a part of an address that nobody can change: its JSON and a signature, both in base64.
func (g *Gateway) seal(kind string, of any) string {
	text, err := json.Marshal(of)
	if err != nil {
		panic(fmt.Sprintf("sandbox: seal a %s: %v", kind, err)) // structs of strings and numbers can always be written
	}
	return base64.RawURLEncoding.EncodeToString(text) + "." + base64.RawURLEncoding.EncodeToString(g.signature(kind, text))
}

// unseal is the inverse of seal.
func (g *Gateway) unseal(kind, sealed string, into any) error {
	before, after, _ := strings.Cut(sealed, ".")
	text, textErr := base64.RawURLEncoding.Strict().DecodeString(before)
	claimed, claimedErr := base64.RawURLEncoding.Strict().DecodeString(after)
	if textErr != nil || claimedErr != nil || !hmac.Equal(claimed, g.signature(kind, text)) {
		return errSeal
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%w: %w", errSeal, err)
	}
	return nil
}

func (g *Gateway) signature(kind string, text []byte) []byte {
	h := hmac.New(sha256.New, g.key)
	_, _ = h.Write([]byte("drawdown sandbox " + kind + "\n")) // a hash never returns an error
	_, _ = h.Write(text)
	return h.Sum(nil)[:sealLen]
}
