package access

import (
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// KeyStore knows all API keys. It follows the log into memory, so checking a key asks nobody; what one instance changes,
// the others know as soon as they have read it, within a second. While the log can't be read it goes on with what it has
// read: keys work without Kafka, and nobody can revoke one without Kafka either.
//
// It works while [KeyStore.Run] does. It is safe for concurrent use.
type KeyStore struct {
	log     Log
	signer  Signer
	logger  *slog.Logger
	metrics *keyMetrics

	mu   sync.RWMutex // guards the members below
	keys keyring
	next int64 // the offset to read next
	// ready is whether the log was read to where it ended when Run began.
	ready bool
	// moved is closed and replaced whenever next has grown.
	moved chan struct{}

	useMu sync.Mutex
	used  map[string]int64 // keys to write a record of use for, and the hour; emptied by each
}

// KeyStoreConfig is what a [KeyStore] works with. All members are required.
type KeyStoreConfig struct {
	Log        Log
	Signer     Signer
	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// NewKeyStore returns a store that has read nothing. It refuses to work without a key to sign with.
func NewKeyStore(c KeyStoreConfig) (*KeyStore, error) {
	if c.Log == nil || c.Signer == nil || c.Logger == nil || c.Registerer == nil {
		return nil, errors.New("access: a key store needs a log, a signer, a logger and a registerer")
	}
	if _, err := c.Signer.Sign(nil); err != nil {
		return nil, err
	}
	m, err := newKeyMetrics(c.Registerer)
	if err != nil {
		return nil, err
	}
	return &KeyStore{
		log: c.Log, signer: c.Signer, logger: c.Logger, metrics: m,
		keys: keyring{}, moved: make(chan struct{}), used: map[string]int64{},
	}, nil
}

// Ready is nil once all keys that existed when Run began are known, and otherwise an [ErrUnavailable]. It stays nil.
func (s *KeyStore) Ready() error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if !s.ready {
		return ErrUnavailable
	}
	return nil
}

// Check returns the principal of an API key. The error is an [UnauthenticatedError], or [ErrUnavailable] while the store
// is not ready. The principal is shared: don't change it.
func (s *KeyStore) Check(token string) (*Principal, error) {
	id, secret, ok := parseKeyToken(token)
	if !ok {
		return nil, refuse(KeyCredential, "", "it has not the form of a key")
	}
	hash, now := hashOf(secret), time.Now()
	s.mu.RLock()
	defer s.mu.RUnlock()
	if !s.ready {
		return nil, ErrUnavailable
	}
	held := s.keys[id]
	if held == nil {
		return nil, refuse(KeyCredential, "", "there is no key "+id)
	}
	if why := held.check(hash, now); why != "" {
		return nil, refuse(KeyCredential, held.principal.ID, why)
	}
	if hour := hourOf(now); held.useIn(hour) {
		s.noteUse(id, hour)
	}
	return held.principal, nil
}

// Keys lists the keys that a principal sees, the newest first, ended ones included.
func (s *KeyStore) Keys(p *Principal) []Key {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.keys.list(p)
}

// Key returns a key that a principal sees, or [ErrNoSuchKey].
func (s *KeyStore) Key(p *Principal, id string) (Key, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	held := s.keys[id]
	if held == nil || !p.Sees(held.Account) {
		return Key{}, ErrNoSuchKey
	}
	return held.snapshot(), nil
}

// noteUse has use written by the next record. It is called at most once an hour for each key.
func (s *KeyStore) noteUse(id string, hour int64) {
	s.useMu.Lock()
	defer s.useMu.Unlock()
	s.used[id] = hour
}
