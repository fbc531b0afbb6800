package signature

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
)

// Header is the name of the Kafka header that carries a signature.
const Header = "drawdown-signature"

// Limits of keys. A secret has at least as many bytes as the hash gives: a shorter one would be the weakest part.
const (
	MinSecretLen = sha256.Size
	MaxSecretLen = 1024
	MaxKeyIDLen  = 64
)

// ErrNoKeys says that a text holds no key.
var ErrNoKeys = errors.New("signature: no key: expected lines of the form `<key id>:<base64 of at least 32 bytes>`")

// Keys are the keys that are valid at once. The zero value has none: it verifies nothing and can't sign.
// Keys are safe for concurrent use.
type Keys struct {
	signing *key // the first of the text
	byID    map[string]*key
	ids     []string // in the order of the text
}

// key is one secret and hashes that are ready to use, so that verifying allocates nothing.
type key struct {
	id     string
	hashes sync.Pool
}

// Parse reads keys from lines `<key id>:<base64>`; empty lines and those that begin with # are ignored. The first
// key signs. It reports every bad line at once, by number and never with its content.
func Parse(text []byte) (*Keys, error) {
	keys := &Keys{byID: make(map[string]*key)}
	var faults []error
	for number, line := range bytes.Split(text, []byte("\n")) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		if err := keys.add(line); err != nil {
			faults = append(faults, fmt.Errorf("signature: line %d: %w", number+1, err))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	if len(keys.ids) == 0 {
		return nil, ErrNoKeys
	}
	return keys, nil
}

// Load reads keys from a file.
func Load(path string) (*Keys, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("signature: read keys: %w", err)
	}
	keys, err := Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return keys, nil
}

// FromEnvironment reads keys from an environment variable: the lines of a file, where a comma may stand for a newline.
func FromEnvironment(name string) (*Keys, error) {
	keys, err := Parse([]byte(strings.ReplaceAll(os.Getenv(name), ",", "\n")))
	if err != nil {
		return nil, fmt.Errorf("environment variable %s: %w", name, err)
	}
	return keys, nil
}

func (k *Keys) add(line []byte) error {
	id, encoded, found := strings.Cut(string(line), ":")
	if !found || !validKeyID(id) {
		return fmt.Errorf("want `<key id>:<base64>` with a key id of 1 to %d of A-Z a-z 0-9 . _ -", MaxKeyIDLen)
	}
	// The decoder's own error would quote bytes of the secret.
	secret, err := base64.StdEncoding.Strict().DecodeString(strings.TrimSpace(encoded))
	if err != nil {
		return fmt.Errorf("the secret of key %q is not base64", id)
	}
	if len(secret) < MinSecretLen || len(secret) > MaxSecretLen {
		return fmt.Errorf("the secret of key %q has %d bytes, allowed are %d to %d", id, len(secret), MinSecretLen, MaxSecretLen)
	}
	if _, taken := k.byID[id]; taken {
		return fmt.Errorf("key %q stands there twice", id)
	}
	added := &key{id: id}
	added.hashes.New = func() any { return &hasher{hash: hmac.New(sha256.New, secret), prefix: []byte(domain)} }
	if k.signing == nil {
		k.signing = added
	}
	k.byID[id] = added
	k.ids = append(k.ids, id)
	return nil
}

func validKeyID(id string) bool {
	if len(id) < 1 || len(id) > MaxKeyIDLen {
		return false
	}
	for i := range len(id) {
		c := id[i]
		letter := c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
		if !letter && (c < '0' || c > '9') && c != '.' && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

// borrow returns a hasher; give it back with k.hashes.Put.
func (k *key) borrow() *hasher { return k.hashes.Get().(*hasher) }

// String names the keys without their secrets.
func (k *Keys) String() string {
	if k == nil || len(k.ids) == 0 {
		return "no keys"
	}
	return "keys " + strings.Join(k.ids, ", ") + " (secrets hidden)"
}

// GoString keeps %#v from printing secrets.
func (k *Keys) GoString() string { return k.String() }

// LogValue keeps secrets out of logs.
func (k *Keys) LogValue() slog.Value { return slog.StringValue(k.String()) }
