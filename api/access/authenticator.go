package access

import (
	"context"
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// Authenticator checks what programs present: API keys, and tokens of an identity provider. It is safe for concurrent
// use.
type Authenticator struct {
	keys            *KeyStore
	tokens          *Tokens
	authentications *prometheus.CounterVec
}

// NewAuthenticator returns an authenticator. Tokens is nil where there is no identity provider.
func NewAuthenticator(keys *KeyStore, tokens *Tokens, registerer prometheus.Registerer) (*Authenticator, error) {
	if keys == nil || registerer == nil {
		return nil, errors.New("access: an authenticator needs a key store and a registerer")
	}
	authentications, err := newAuthentications(registerer)
	if err != nil {
		return nil, err
	}
	return &Authenticator{keys: keys, tokens: tokens, authentications: authentications}, nil
}

// Authenticate returns the principal of a bearer token: what follows `Bearer ` in the header Authorization. The error is
// an [ErrUnauthenticated], an [UnauthenticatedError] that tells logs why; or [ErrUnavailable]. The principal is
// shared: don't change it.
func (a *Authenticator) Authenticate(ctx context.Context, bearer string) (*Principal, error) {
	if looksLikeKey(bearer) {
		principal, err := a.keys.Check(bearer)
		a.count(KeyCredential, err)
		return principal, err
	}
	principal, err := a.tokens.Check(ctx, bearer)
	a.count(TokenCredential, err)
	return principal, err
}

func (a *Authenticator) count(credential CredentialKind, err error) {
	outcome := outcomeAccepted
	switch {
	case errors.Is(err, ErrUnauthenticated):
		outcome = outcomeRefused
	case err != nil:
		outcome = outcomeUnavailable
	}
	a.authentications.WithLabelValues(string(credential), outcome).Inc()
}
