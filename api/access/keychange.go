package access

import (
	"context"
	"fmt"
	"time"
)

// Issue makes a key and returns it with the text to present, which is shown this once and kept nowhere. By may do no
// less than the key. When it returns, the key works here; elsewhere within a second.
//
// Errors: [InvalidKeyError], [ErrBeyondIssuer], [ErrTooManyKeys], [ErrKeyExists] (there is one of the id that was asked for;
// nothing was changed), [ErrUnavailable] (the log is away: whether the key
// exists is not known, but nobody has its secret).
func (s *KeyStore) Issue(ctx context.Context, by *Principal, wanted NewKey) (Key, string, error) {
	if err := wanted.validate(time.Now()); err != nil {
		return Key{}, "", err
	}
	if !by.covers(&Principal{Role: wanted.Role, Account: wanted.Account, Scopes: wanted.Scopes}) {
		return Key{}, "", ErrBeyondIssuer
	}
	id := wanted.ID
	if id == "" {
		id = keyPrefix + randomDigits(keyIDLen)
	}
	if s.has(id) {
		return Key{}, "", ErrKeyExists
	}
	if s.count() >= KeysMax {
		return Key{}, "", ErrTooManyKeys
	}
	token, hash := newSecret(id)
	held, err := s.change(ctx, newRecord(keyIssued, id, recordData{
		By: by.ID, Name: wanted.Name, Role: wanted.Role, Account: wanted.Account, Scopes: wanted.Scopes,
		ExpiresAt: milliseconds(wanted.ExpiresAt), Secret: hexHash(hash),
	}))
	if err != nil {
		return Key{}, "", err
	}
	if held.secret != hash {
		return Key{}, "", ErrKeyExists // asked for twice at the same moment
	}
	return held.Key, token, nil
}

// Rotate gives a key a new secret, which is shown this once. The present one stays valid for the overlap, from 0 to
// [OverlapMax]; one that was replaced before ends now. Errors as of Issue, and [ErrNoSuchKey], [ErrKeyEnded],
// [ErrKeyChanged].
func (s *KeyStore) Rotate(ctx context.Context, by *Principal, id string, overlap time.Duration) (Key, string, error) {
	if overlap < 0 || overlap > OverlapMax {
		return Key{}, "", &InvalidKeyError{Err: fmt.Errorf("overlap: is %v; allowed are 0 to %v", overlap, OverlapMax)}
	}
	key, err := s.Key(by, id)
	if err != nil {
		return Key{}, "", err
	}
	now := milliseconds(time.Now())
	if key.State(now) != KeyActive {
		return Key{}, "", ErrKeyEnded
	}
	if !by.covers(&Principal{Role: key.Role, Account: key.Account, Scopes: key.Scopes}) {
		return Key{}, "", ErrBeyondIssuer
	}
	token, hash := newSecret(id)
	held, err := s.change(ctx, newRecord(keyRotated, id, recordData{
		By: by.ID, Secret: hexHash(hash), Generation: key.Generation + 1, PreviousUntil: now.Add(overlap),
	}))
	if err != nil {
		return Key{}, "", err
	}
	if held.secret != hash || !held.RevokedAt.IsZero() {
		return Key{}, "", ErrKeyChanged
	}
	return held.Key, token, nil
}

// Revoke ends a key at once here, elsewhere within a second, and for good. To revoke it again does nothing. Errors:
// [ErrNoSuchKey], [ErrUnavailable] (the log is away: try again).
func (s *KeyStore) Revoke(ctx context.Context, by *Principal, id string) (Key, error) {
	key, err := s.Key(by, id)
	if err != nil || !key.RevokedAt.IsZero() {
		return key, err
	}
	held, err := s.change(ctx, newRecord(keyRevoked, id, recordData{By: by.ID}))
	return held.Key, err
}

// changed is a key after a change.
type changed struct {
	Key
	secret secretHash
}

// change appends a record, waits until it was read here, and returns the key as it is then: whether it was this record
// that changed it is the caller's to see.
func (s *KeyStore) change(ctx context.Context, record *keyRecord) (changed, error) {
	if err := s.Ready(); err != nil {
		return changed{}, err
	}
	signed, err := record.sign(s.signer)
	if err != nil {
		return changed{}, err
	}
	offset, err := s.log.Append(ctx, signed)
	if err != nil {
		return changed{}, fmt.Errorf("%w: append %s: %w", ErrUnavailable, record.Type, err)
	}
	if err := s.await(ctx, offset); err != nil {
		return changed{}, fmt.Errorf("%w: read back %s: %w", ErrUnavailable, record.Type, err)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	held := s.keys[record.Subject]
	if held == nil {
		return changed{}, ErrNoSuchKey
	}
	return changed{held.snapshot(), held.secret}, nil
}

// await returns when the record at an offset was read.
func (s *KeyStore) await(ctx context.Context, offset int64) error {
	for {
		s.mu.RLock()
		next, moved := s.next, s.moved
		s.mu.RUnlock()
		if next > offset {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (s *KeyStore) has(id string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.keys[id] != nil
}

func (s *KeyStore) count() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.keys)
}
