package access

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Ages of a key set.
const (
	// keysFresh is how long keys are taken without asking again: a key that the provider has withdrawn, since it has
	// leaked, is good this much longer.
	keysFresh = 10 * time.Minute
	// keysStale is how long they are taken while the provider does not answer.
	keysStale = 24 * time.Hour
	// keysPatience is how long a token waits for old keys to be asked for anew, before they are taken as they are: a
	// provider that hangs slows nobody by more.
	keysPatience = time.Second
)

// keySet is the provider's public keys. Unlike the library's own, it asks at most once in [providerPause] whatever
// tokens come, and forgets keys that are withdrawn.
type keySet struct {
	client *http.Client
	url    string

	mu        sync.Mutex
	keys      []jose.JSONWebKey
	fetchedAt time.Time // of keys
	triedAt   time.Time
	failure   error         // of the last try; nil after a success
	asking    chan struct{} // closed when the request under way has ended; nil when there is none
}

func newKeySet(client *http.Client, url string) *keySet { return &keySet{client: client, url: url} }

// errNoKey says that none of the provider's keys has signed a token.
var errNoKey = errors.New("it is signed by no key of the identity provider")

// verify returns a token's claims if one of the provider's keys has signed it. The error is [errNoKey], or an
// [ErrUnavailable] where the keys are not known.
func (s *keySet) verify(ctx context.Context, token *jose.JSONWebSignature) ([]byte, error) {
	header := token.Signatures[0].Header
	keys, fresh, err := s.known(ctx)
	if err != nil {
		return nil, err
	}
	claims, named := tryKeys(token, keys, header.KeyID)
	if claims != nil {
		return claims, nil
	}
	if named || fresh {
		return nil, errNoKey // the key is known and did not sign it, or the provider was just asked
	}
	if keys, err = s.refresh(ctx); err != nil {
		return nil, err
	}
	if claims, _ = tryKeys(token, keys, header.KeyID); claims != nil {
		return claims, nil
	}
	return nil, errNoKey
}

// tryKeys returns the claims if one of the keys has signed them, and whether one has the id.
func tryKeys(token *jose.JSONWebSignature, keys []jose.JSONWebKey, id string) (claims []byte, named bool) {
	algorithm := token.Signatures[0].Header.Algorithm
	for i := range keys {
		key := &keys[i]
		if id != "" && key.KeyID != id {
			continue
		}
		named = named || id != ""
		if key.Algorithm != "" && key.Algorithm != algorithm {
			continue // a key is good for the algorithm that it was made for
		}
		if claims, err := token.Verify(key); err == nil {
			return claims, true
		}
	}
	return nil, named
}

// known returns the keys, asked for anew if they are old, and whether they were asked for so recently that it can't be
// done again.
func (s *keySet) known(ctx context.Context) (keys []jose.JSONWebKey, fresh bool, err error) {
	s.mu.Lock()
	age, keys := time.Since(s.fetchedAt), s.keys
	fresh = time.Since(s.triedAt) < providerPause && s.asking == nil
	s.mu.Unlock()
	if age < keysFresh || fresh && age < keysStale {
		return keys, fresh, nil
	}
	if age >= keysStale {
		keys, err = s.refresh(ctx)
		return keys, true, err
	}
	patient, cancel := context.WithTimeout(ctx, keysPatience)
	defer cancel()
	if renewed, err := s.refresh(patient); err == nil {
		return renewed, true, nil
	}
	return keys, true, nil
}

// refresh asks for the keys, or waits for who is asking, or says what came of it if that was just now.
func (s *keySet) refresh(ctx context.Context) ([]jose.JSONWebKey, error) {
	s.mu.Lock()
	if s.asking == nil && time.Since(s.triedAt) < providerPause {
		defer s.mu.Unlock()
		return s.keys, s.failure
	}
	if s.asking == nil {
		s.asking = make(chan struct{})
		go s.ask(s.asking) // ends by the client's timeout
	}
	asking := s.asking
	s.mu.Unlock()
	select {
	case <-asking:
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: ask for the identity provider's keys: %w", ErrUnavailable, context.Cause(ctx))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.keys, s.failure
}

func (s *keySet) ask(done chan struct{}) {
	keys, err := s.fetch()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.triedAt, s.failure = time.Now(), nil
	if err != nil {
		s.failure = fmt.Errorf("%w: ask for the identity provider's keys: %w", ErrUnavailable, err)
	} else {
		s.keys, s.fetchedAt = keys, s.triedAt
	}
	s.asking = nil
	close(done)
}

func (s *keySet) fetch() ([]jose.JSONWebKey, error) {
	answer, err := s.client.Get(s.url)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("it answers %s", answer.Status)
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&set); err != nil {
		return nil, fmt.Errorf("its answer is no set of keys: %w", err)
	}
	return signingKeys(set.Keys), nil
}

// signingKeys leaves out what signs nothing here: keys to encrypt with, kinds that are not known, secrets of both sides,
// and private keys that somebody published by mistake.
func signingKeys(all []json.RawMessage) []jose.JSONWebKey {
	var keys []jose.JSONWebKey
	for _, text := range all {
		var key jose.JSONWebKey
		if err := json.Unmarshal(text, &key); err == nil && key.Valid() && key.IsPublic() && (key.Use == "" || key.Use == "sig") {
			keys = append(keys, key)
		}
	}
	return keys
}
