package webhook

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"

	"drawdown"
)

// secretPrefix is how the specification marks the text of a symmetric secret.
const secretPrefix = "whsec_"

// secretLen is the length of a derived secret in bytes: the hash's own, within the specification's 24 to 64.
const secretLen = sha256.Size

// Limits of a master key in bytes. A shorter one than the hash gives would be the weakest part.
const (
	minMasterLen = sha256.Size
	maxMasterLen = 1024
)

// secretDomain opens the derivation's context, so that a secret derived from the same key for another purpose is none
// here. The number is that of this way to derive; changing it changes every secret.
const secretDomain = "drawdown webhook secret 1\n"

// Secrets derives the secrets of endpoints from a master key. A secret is HKDF-SHA256 of the master key over account,
// endpoint and the version that the log names, so the log holds no secret and none has to be stored: whoever has the
// master key has them all. The same three always give the same secret: to give an endpoint that was removed another
// secret when it is set again, set it with another version.
//
// To replace the master key, make the old one the previous one and tell customers to fetch their secrets anew. While
// there is a previous master key, its secrets sign beside the others, so receivers with either verify. Then drop it.
// A master key that is lost takes all secrets with it; one that has leaked lets its holder sign for every endpoint
// until it is neither.
//
// Secrets is safe for concurrent use.
type Secrets struct {
	masters [][]byte // the current one first, then the previous one, if any
}

// NewSecrets reads the master keys of a configuration. Its errors hold nothing of a key.
func NewSecrets(config *Config) (*Secrets, error) {
	current, err := loadMaster("master key", config.MasterKey, config.MasterKeyFile)
	if err != nil {
		return nil, err
	}
	if current == nil {
		return nil, errors.New("webhook: no master key: give a file or the key itself")
	}
	secrets := &Secrets{masters: [][]byte{current}}
	previous, err := loadMaster("previous master key", config.PreviousMasterKey, config.PreviousMasterKeyFile)
	if err != nil {
		return nil, err
	}
	if previous != nil && !hmac.Equal(previous, current) {
		secrets.masters = append(secrets.masters, previous)
	}
	return secrets, nil
}

// loadMaster returns nil where neither key nor file is given.
func loadMaster(what, key, file string) ([]byte, error) {
	if file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("webhook: read %s: %w", what, err)
		}
		key = strings.TrimSpace(string(text))
	} else if key == "" {
		return nil, nil
	}
	master, err := parseMaster(key)
	if err != nil {
		return nil, fmt.Errorf("webhook: %s: %w", what, err)
	}
	return master, nil
}

func parseMaster(text string) ([]byte, error) {
	// The decoder's own error would quote bytes of the key.
	master, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, errors.New("is not base64 (it is not shown, as it is a secret)")
	}
	if len(master) < minMasterLen || len(master) > maxMasterLen {
		return nil, fmt.Errorf("has %d bytes; allowed are %d to %d", len(master), minMasterLen, maxMasterLen)
	}
	return master, nil
}

// Secret is what the customer is shown: `whsec_` and the base64 of 32 bytes, under the current master key.
func (s *Secrets) Secret(account, endpoint string, version int64) string {
	return secretPrefix + base64.StdEncoding.EncodeToString(derive(s.masters[0], account, endpoint, version))
}

func derive(master []byte, account, endpoint string, version int64) []byte {
	// Lengths before texts: no two different contexts are written alike.
	context := []byte(secretDomain)
	for _, part := range []string{account, endpoint} {
		context = binary.BigEndian.AppendUint32(context, uint32(len(part)))
		context = append(context, part...)
	}
	context = binary.BigEndian.AppendUint64(context, uint64(version))
	secret, err := hkdf.Key(sha256.New, master, nil, string(context), secretLen)
	if err != nil {
		panic("webhook: derive secret: " + err.Error()) // only for more than 255 hashes' length
	}
	return secret
}

// signatures is the value of the header webhook-signature: a signature by each secret that is valid at the instant of
// the try. The current version's comes first, since most receivers look no further.
func (s *Secrets) signatures(account string, endpoint *drawdown.Webhook, id string, at time.Time, body []byte) string {
	versions := []int64{endpoint.SecretVersion}
	if endpoint.PreviousVersion != 0 && endpoint.PreviousVersion != endpoint.SecretVersion && drawdown.TimeOf(at) < endpoint.PreviousUntil {
		versions = append(versions, endpoint.PreviousVersion)
	}
	var all []string
	for _, version := range versions {
		for _, master := range s.masters {
			all = append(all, sign(derive(master, account, endpoint.Endpoint, version), id, at, body))
		}
	}
	return strings.Join(all, " ")
}

// sign makes one signature: `v1,` and the base64 of the HMAC-SHA256 over id, time and body, with full stops between.
func sign(secret []byte, id string, at time.Time, body []byte) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(id + "." + strconv.FormatInt(at.Unix(), 10) + "."))
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// String keeps keys from being printed.
func (s *Secrets) String() string { return fmt.Sprintf("%d master keys (secret)", len(s.masters)) }

// GoString keeps %#v from printing keys.
func (s *Secrets) GoString() string { return s.String() }

// LogValue keeps keys out of logs.
func (s *Secrets) LogValue() slog.Value { return slog.StringValue(s.String()) }
