package access

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
)

// Limits of session keys.
const (
	sessionKeyMin, sessionKeyMax = 32, 1024 // bytes
	// sessionKeysMax bounds how many are tried for what nobody of ours made.
	sessionKeysMax = 8
)

// SessionKeys seal what a browser keeps for us: sessions, sign-in links, sign-ins under way. The first one seals, all
// open, so a key is replaced by putting the new one first everywhere and removing the old one when the longest session
// has ended. They are safe for concurrent use.
type SessionKeys struct{ masters [][]byte }

// ParseSessionKeys reads keys from lines, each a base64 of 32 to 1024 random bytes (`openssl rand -base64 32`); empty
// lines and those that begin with # are ignored. It reports every bad line at once, by number and never with its
// content.
func ParseSessionKeys(text []byte) (*SessionKeys, error) {
	keys := &SessionKeys{}
	var faults []error
	for number, line := range bytes.Split(text, []byte("\n")) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		master, err := base64.StdEncoding.Strict().DecodeString(string(line)) // its error would quote the secret
		if err != nil || len(master) < sessionKeyMin || len(master) > sessionKeyMax {
			faults = append(faults, fmt.Errorf("session keys: line %d: allowed is a base64 of %d to %d bytes", number+1, sessionKeyMin, sessionKeyMax))
			continue
		}
		for _, before := range keys.masters {
			if bytes.Equal(before, master) {
				faults = append(faults, fmt.Errorf("session keys: line %d: stands there twice", number+1))
			}
		}
		keys.masters = append(keys.masters, master)
	}
	if len(faults) == 0 && (len(keys.masters) == 0 || len(keys.masters) > sessionKeysMax) {
		faults = append(faults, fmt.Errorf("session keys: there are %d; allowed are 1 to %d lines", len(keys.masters), sessionKeysMax))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return keys, nil
}

// LoadSessionKeys reads keys from a file.
func LoadSessionKeys(path string) (*SessionKeys, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("session keys: %w", err)
	}
	keys, err := ParseSessionKeys(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return keys, nil
}

// String names no secret.
func (k *SessionKeys) String() string {
	return fmt.Sprintf("%d session keys (secrets hidden)", len(k.masters))
}

// GoString keeps %#v from printing secrets.
func (k *SessionKeys) GoString() string { return k.String() }

// LogValue keeps secrets out of logs.
func (k *SessionKeys) LogValue() slog.Value { return slog.StringValue(k.String()) }

// purpose is what something is sealed for. Each has keys of its own, so that a link is no session.
type purpose string

const (
	sealSession purpose = "drawdown session 1"
	sealLink    purpose = "drawdown link 1"
	sealLogin   purpose = "drawdown login 1"
)

// sealedMax bounds what is opened: browsers keep cookies of 4 KB.
const sealedMax = 4096

// errNotSealed says that none of the keys has sealed a text, or that it was changed.
var errNotSealed = errors.New("it was not sealed here, or with a key that is gone")

// sealer seals for one purpose: AES-256-GCM with a random nonce. Within the 2^32 seals for which that is safe, ten a
// second go on for 13 years with one key.
type sealer struct{ ciphers []cipher.AEAD }

func (k *SessionKeys) sealer(p purpose) *sealer {
	s := &sealer{}
	for _, master := range k.masters {
		key, err := hkdf.Key(sha256.New, master, nil, string(p), 32)
		if err != nil {
			panic("access: derive a session key: " + err.Error()) // only for lengths that are not asked for
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			panic("access: " + err.Error()) // 32 bytes are a key
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			panic("access: " + err.Error()) // the block is AES's own
		}
		s.ciphers = append(s.ciphers, aead)
	}
	return s
}

// seal returns a text that only the keys' owner can read or make. It needs no escaping in a cookie or a URL.
func (s *sealer) seal(content any) (string, error) {
	plain, err := json.Marshal(content)
	if err != nil {
		return "", fmt.Errorf("seal: %w", err)
	}
	text := base64.RawURLEncoding.EncodeToString(s.ciphers[0].Seal(nil, nil, plain, nil))
	if len(text) > sealedMax {
		return "", fmt.Errorf("seal: %d bytes, allowed are %d", len(text), sealedMax)
	}
	return text, nil
}

// open reads what seal has made.
func (s *sealer) open(text string, content any) error {
	if len(text) > sealedMax {
		return errNotSealed
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return errNotSealed
	}
	for _, aead := range s.ciphers {
		plain, err := aead.Open(nil, nil, sealed, nil)
		if err != nil {
			continue
		}
		if err := json.Unmarshal(plain, content); err != nil {
			return fmt.Errorf("it was sealed by another version: %w", err)
		}
		return nil
	}
	return errNotSealed
}
