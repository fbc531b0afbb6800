package access

import (
	"cmp"
	"crypto/subtle"
	"slices"
	"sync/atomic"
	"time"
)

// keyring is all keys as the records so far say, and nothing else: no clock, no log. Applying a record again, or one
// that somebody copied to the end of the log, changes nothing: a key is issued once, generations only grow, and what is
// revoked stays so.
type keyring map[string]*heldKey

// heldKey is a key with what its secrets are compared with.
type heldKey struct {
	Key
	secret, previous secretHash
	// principal is shared by all who authenticate with the key, and never changed.
	principal *Principal
	// usedHour is the latest hour of use that is known here, in hours since 1970; it runs ahead of the log.
	usedHour atomic.Int64
}

// apply makes a record's change, and reports whether there was one.
func (k keyring) apply(r *keyRecord) bool {
	switch r.Type {
	case keyIssued:
		return k.issue(r)
	case keyRotated:
		return k.rotate(r)
	case keyRevoked:
		return k.revoke(r)
	case keyUsed:
		return k.use(r)
	default:
		return false // validate lets none pass
	}
}

func (k keyring) issue(r *keyRecord) bool {
	if _, taken := k[r.Subject]; taken {
		return false
	}
	d := &r.Data
	held := &heldKey{secret: secretHash(d.Secret), Key: Key{
		ID: r.Subject, Name: d.Name, Role: d.Role, Account: d.Account, Scopes: d.Scopes, CreatedAt: r.Time, CreatedBy: d.By,
		ExpiresAt: d.ExpiresAt, Generation: 1, RotatedAt: r.Time,
	}}
	held.principal = &Principal{ID: held.PrincipalID(), Role: d.Role, Account: d.Account, Scopes: slices.Clone(d.Scopes)}
	k[r.Subject] = held
	return true
}

// rotate puts a new secret beside the one before, which ends whatever came before that.
func (k keyring) rotate(r *keyRecord) bool {
	held := k[r.Subject]
	if held == nil || !held.RevokedAt.IsZero() || r.Data.Generation != held.Generation+1 {
		return false
	}
	held.previous, held.secret = held.secret, secretHash(r.Data.Secret)
	held.Generation, held.RotatedAt, held.PreviousUntil = r.Data.Generation, r.Time, r.Data.PreviousUntil
	return true
}

func (k keyring) revoke(r *keyRecord) bool {
	held := k[r.Subject]
	if held == nil || !held.RevokedAt.IsZero() {
		return false
	}
	held.RevokedAt, held.RevokedBy = r.Time, r.Data.By
	return true
}

func (k keyring) use(r *keyRecord) bool {
	changed, hour := false, hourOf(r.Data.Hour)
	for _, id := range r.Data.Keys {
		if held := k[id]; held != nil && held.useIn(hour) {
			changed = true
		}
	}
	return changed
}

// useIn remembers an hour of use, and reports whether it is later than those remembered.
func (h *heldKey) useIn(hour int64) bool {
	for {
		before := h.usedHour.Load()
		if before >= hour {
			return false
		}
		if h.usedHour.CompareAndSwap(before, hour) {
			return true
		}
	}
}

func hourOf(t time.Time) int64 { return t.Unix() / 3600 }

// check reports why a secret is not good at an instant; "" where it is. The comparisons take the same time whatever the
// secret is.
func (h *heldKey) check(secret secretHash, now time.Time) string {
	present := subtle.ConstantTimeCompare(secret[:], h.secret[:]) == 1
	previous := h.Generation > 1 && subtle.ConstantTimeCompare(secret[:], h.previous[:]) == 1
	switch state := h.State(now); {
	case !present && !previous:
		return "wrong secret"
	case state != KeyActive:
		return "the key is " + string(state)
	case !present && !now.Before(h.PreviousUntil):
		return "the secret was replaced, and the overlap is over"
	default:
		return ""
	}
}

// snapshot is a copy for others, with the hour of use.
func (h *heldKey) snapshot() Key {
	copied := h.clone()
	if hour := h.usedHour.Load(); hour > 0 {
		copied.LastUsedAt = time.Unix(hour*3600, 0).UTC()
	}
	return copied
}

// list is the keys that a principal sees, the newest first.
func (k keyring) list(p *Principal) []Key {
	var seen []Key
	for _, held := range k {
		if p.Sees(held.Account) {
			seen = append(seen, held.snapshot())
		}
	}
	slices.SortFunc(seen, func(a, b Key) int { return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(a.ID, b.ID)) })
	return seen
}
