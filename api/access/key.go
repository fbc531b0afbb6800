package access

import (
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode"
	"unicode/utf8"

	"drawdown"
)

// Limits of keys.
const (
	// KeysMax bounds how many keys there can be, ended ones included, since all are in memory: about 50 MB.
	KeysMax = 100_000
	// keyNameMax is the most bytes in a name.
	keyNameMax = 128
	// OverlapDefault is how long a replaced secret stays valid unless it is said otherwise: a day to deploy the new one.
	OverlapDefault = 24 * time.Hour
	// OverlapMax is the longest. A secret that leaked is replaced with an overlap of 0, or the key revoked.
	OverlapMax = 7 * 24 * time.Hour
)

// Key is an API key as it stands, without its secret.
type Key struct {
	ID   string // dk_ and 12 digits
	Name string // what people call it
	Role Role
	// Account is the only account that it sees; "" for all.
	Account string
	// Scopes are what it may do, within what its role may; nil for all of that.
	Scopes    []Scope
	CreatedAt time.Time
	CreatedBy string // a principal
	// ExpiresAt is when it ends by itself; zero for never.
	ExpiresAt time.Time
	// RevokedAt and RevokedBy are zero unless it was revoked.
	RevokedAt time.Time
	RevokedBy string
	// Generation counts its secrets from 1. RotatedAt is when the present one was made.
	Generation int
	RotatedAt  time.Time
	// PreviousUntil is until when the secret before is valid; zero where there was none.
	PreviousUntil time.Time
	// LastUsedAt is the hour in which it was used last; zero where it was not. Within a minute or so.
	LastUsedAt time.Time
}

// PrincipalID is how audit entries name the key.
func (k *Key) PrincipalID() string { return "key:" + k.ID }

// KeyState is whether a key can be used.
type KeyState string

// The states of a key.
const (
	KeyActive  KeyState = "active"
	KeyExpired KeyState = "expired"
	KeyRevoked KeyState = "revoked"
)

// State is the key's state at an instant.
func (k *Key) State(now time.Time) KeyState {
	switch {
	case !k.RevokedAt.IsZero():
		return KeyRevoked
	case !k.ExpiresAt.IsZero() && !now.Before(k.ExpiresAt):
		return KeyExpired
	default:
		return KeyActive
	}
}

func (k *Key) clone() Key {
	copied := *k
	copied.Scopes = slices.Clone(k.Scopes)
	return copied
}

// NewKey is a key that is asked for.
type NewKey struct {
	// ID is the id that it is to have, as [KeyIDOf] makes them; "" for any.
	ID      string
	Name    string
	Role    Role
	Account string  // "" for all; a customer's key has one
	Scopes  []Scope // nil for all of the role's
	// ExpiresAt is when it ends; zero for never.
	ExpiresAt time.Time
}

// validate reports every fault at once.
func (n *NewKey) validate(now time.Time) error {
	var faults []error
	if !validName(n.Name) {
		faults = append(faults, fmt.Errorf("name: allowed are 1 to %d bytes of text without control characters", keyNameMax))
	}
	faults = append(faults, validRights(n.Role, n.Account, n.Scopes))
	if n.ID != "" && !validKeyID(n.ID) {
		faults = append(faults, errors.New("id: is not of the form of a key's id"))
	}
	if !n.ExpiresAt.IsZero() && !n.ExpiresAt.After(now) {
		faults = append(faults, errors.New("expires_at: is not ahead"))
	}
	if n.ExpiresAt.Year() > 9000 {
		faults = append(faults, errors.New("expires_at: allowed are years to 9000; leave it out for never"))
	}
	if err := errors.Join(faults...); err != nil {
		return &InvalidKeyError{Err: err}
	}
	return nil
}

// validRights checks what a principal may be.
func validRights(role Role, account string, scopes []Scope) error {
	allowed, known := roleScopes[role]
	if !known {
		return fmt.Errorf("role: is %.40q; allowed are %s, %s, %s", role, Customer, Operator, Worker)
	}
	var faults []error
	switch {
	case account == "" && role == Customer:
		faults = append(faults, errors.New("account: a customer has one"))
	case account != "" && !drawdown.ValidAccount([]byte(account)):
		faults = append(faults, fmt.Errorf("account: allowed are 1 to %d of A-Z a-z 0-9 . _ : -", drawdown.MaxAccountLen))
	}
	if scopes != nil && len(scopes) == 0 {
		faults = append(faults, errors.New("scopes: is empty; leave it out for all of the role's"))
	}
	for i, s := range scopes {
		if !slices.Contains(allowed, s) || slices.Contains(scopes[:i], s) {
			faults = append(faults, fmt.Errorf("scopes: has %.40q twice, or the role %s has no such scope; allowed are %v", s, role, allowed))
		}
	}
	return errors.Join(faults...)
}

func validName(name string) bool {
	if name == "" || len(name) > keyNameMax || !utf8.ValidString(name) {
		return false
	}
	for _, r := range name {
		if unicode.IsControl(r) {
			return false
		}
	}
	return true
}

// covers reports whether p may do all that q may, to all accounts that q sees.
func (p *Principal) covers(q *Principal) bool {
	if p.Account != "" && p.Account != q.Account {
		return false
	}
	for _, s := range roleScopes[q.Role] {
		if q.May(s) && !p.May(s) {
			return false
		}
	}
	return true
}
