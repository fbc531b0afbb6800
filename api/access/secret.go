package access

import (
	"crypto/rand"
	"crypto/sha256"
	"math/big"
	"strings"
)

// The form of an API key: `dk_`, 12 digits that name it, `_`, and 43 digits that are its secret. The digits are base 62:
// a double click selects the whole key, and it needs no escaping anywhere.
const (
	keyPrefix = "dk_"
	keyIDLen  = 12
	// secretLen digits of base 62 hold 256 bits (43 × 5.954).
	secretLen = 43
	tokenLen  = len(keyPrefix) + keyIDLen + 1 + secretLen
	digits    = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// secretHash stands for a secret wherever it is kept. A fast hash is enough: nobody tries 2^256 secrets; slow ones are
// for passwords, which people choose.
type secretHash [sha256.Size]byte

func hashOf(secret string) secretHash { return sha256.Sum256([]byte(secret)) }

// looksLikeKey tells API keys and tokens of identity providers apart: the latter begin with a base64 of `{"`.
func looksLikeKey(bearer string) bool { return strings.HasPrefix(bearer, keyPrefix) }

// parseKeyToken takes an API key apart.
func parseKeyToken(token string) (id, secret string, ok bool) {
	if len(token) != tokenLen || !looksLikeKey(token) {
		return "", "", false
	}
	id, secret = token[len(keyPrefix):len(keyPrefix)+keyIDLen], token[tokenLen-secretLen:]
	if token[len(keyPrefix)+keyIDLen] != '_' || !allDigits(id) || !allDigits(secret) {
		return "", "", false
	}
	return keyPrefix + id, secret, true
}

func validKeyID(id string) bool {
	return len(id) == len(keyPrefix)+keyIDLen && looksLikeKey(id) && allDigits(id[len(keyPrefix):])
}

func allDigits(text string) bool {
	for i := range len(text) {
		c := text[i]
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

// randomDigits draws digits, each as likely as any other: bytes from 248 on, the largest multiple of 62, are drawn anew.
func randomDigits(count int) string {
	text := make([]byte, 0, count)
	var draw [64]byte
	for len(text) < count {
		_, _ = rand.Read(draw[:]) // it never fails
		for _, b := range draw {
			if b < 248 && len(text) < count {
				text = append(text, digits[b%62])
			}
		}
	}
	return string(text)
}

// KeyIDOf makes an id of a text: the same for the same text, so that what is asked for again is found to be there. A key's
// id is no secret: it tells nothing of the text.
func KeyIDOf(text string) string {
	hash := hashOf(text)
	number := new(big.Int).SetBytes(hash[:])
	base, digit := big.NewInt(int64(len(digits))), new(big.Int)
	id := make([]byte, 0, keyIDLen)
	for range keyIDLen {
		number.DivMod(number, base, digit)
		id = append(id, digits[digit.Int64()])
	}
	return keyPrefix + string(id)
}

// newSecret draws a secret. Token is what its owner presents.
func newSecret(id string) (token string, hash secretHash) {
	secret := randomDigits(secretLen)
	return id + "_" + secret, hashOf(secret)
}
