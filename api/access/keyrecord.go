package access

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// recordType is what a record says of keys.
type recordType string

const (
	keyIssued  recordType = "key.issued"
	keyRotated recordType = "key.rotated"
	keyRevoked recordType = "key.revoked"
	keyUsed    recordType = "key.used" // of many keys: those first used in an hour, since the last such record
)

// recordDomain precedes a record under its signature. The keys are those of operations, whose values are JSON: no
// operation is a record of a key and no record of a key an operation, wherever somebody copies it to.
const recordDomain = "drawdown access 1\n"

func domainOf(value []byte) []byte { return append([]byte(recordDomain), value...) }

// keyRecord is a record: a CloudEvent whose subject is the key.
type keyRecord struct {
	SpecVersion string     `json:"specversion"`
	ID          string     `json:"id"`
	Source      string     `json:"source"`
	Type        recordType `json:"type"`
	Subject     string     `json:"subject,omitempty"`
	Time        time.Time  `json:"time"`
	Data        recordData `json:"data"`
}

// recordData are the members of all types; each type has its own.
type recordData struct {
	By string `json:"by,omitempty"` // all but used: the principal who asked for it

	Name      string    `json:"name,omitempty"`         // issued
	Role      Role      `json:"role,omitempty"`         // issued
	Account   string    `json:"account,omitempty"`      // issued
	Scopes    []Scope   `json:"scopes,omitempty"`       // issued
	ExpiresAt time.Time `json:"expires_at,omitzero"`    // issued
	Secret    hexHash   `json:"secret_sha256,omitzero"` // issued, rotated

	Generation    int       `json:"generation,omitempty"`    // rotated: the new one, from 2
	PreviousUntil time.Time `json:"previous_until,omitzero"` // rotated

	Hour time.Time `json:"hour,omitzero"`  // used
	Keys []string  `json:"keys,omitempty"` // used
}

// hexHash is a hash in JSON.
type hexHash secretHash

// MarshalText implements [encoding.TextMarshaler].
func (h hexHash) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h[:]), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (h *hexHash) UnmarshalText(text []byte) error {
	if len(text) != 2*len(h) {
		return fmt.Errorf("a hash has %d digits", 2*len(h))
	}
	_, err := hex.Decode(h[:], text)
	return err
}

// newRecord fills the envelope. Times are cut to milliseconds, so that who writes a record and who reads it agree.
func newRecord(kind recordType, subject string, data recordData) *keyRecord {
	return &keyRecord{
		SpecVersion: "1.0", ID: uuid.NewString(), Source: "/drawdown/access", Type: kind, Subject: subject,
		Time: milliseconds(time.Now()), Data: data,
	}
}

// sign writes a record as it is appended.
func (r *keyRecord) sign(signer Signer) (LogRecord, error) {
	value, err := json.Marshal(r)
	if err != nil {
		return LogRecord{}, fmt.Errorf("write a record of %s: %w", r.Type, err)
	}
	signature, err := signer.Sign(domainOf(value))
	if err != nil {
		return LogRecord{}, fmt.Errorf("sign a record of %s: %w", r.Type, err)
	}
	return LogRecord{Key: r.Subject, Value: value, Signature: signature}, nil
}

// errForged says that a record has no valid signature.
var errForged = errors.New("without a valid signature")

// readRecord checks the signature first: nothing of a record that is not ours is looked at.
func readRecord(r LogRecord, signer Signer) (*keyRecord, error) {
	if !signer.Verify(domainOf(r.Value), r.Signature) {
		return nil, errForged
	}
	var record keyRecord
	if err := json.Unmarshal(r.Value, &record); err != nil {
		return nil, fmt.Errorf("read a record of a key: %w", err)
	}
	if err := record.validate(); err != nil {
		return nil, fmt.Errorf("read a record of a key: %w", err)
	}
	return &record, nil
}

func (r *keyRecord) validate() error {
	if r.Type == keyUsed {
		if r.Data.Hour.IsZero() {
			return errors.New("no hour")
		}
		return nil
	}
	if !validKeyID(r.Subject) || r.Time.IsZero() {
		return errors.New("no key, or no time")
	}
	d := &r.Data
	switch r.Type {
	case keyIssued:
		if d.Secret == (hexHash{}) || !validName(d.Name) {
			return errors.New("no secret, or no name")
		}
		return validRights(d.Role, d.Account, d.Scopes)
	case keyRotated:
		if d.Secret == (hexHash{}) || d.Generation < 2 || d.PreviousUntil.IsZero() {
			return errors.New("no secret, no generation, or no end of the one before")
		}
	case keyRevoked:
	default:
		return fmt.Errorf("type %.40q is none of ours", r.Type)
	}
	return nil
}

func milliseconds(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC().Truncate(time.Millisecond)
}
