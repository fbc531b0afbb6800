package access

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// Bounds of talking to an identity provider.
const (
	// providerTimeout bounds one request. Who asks for something with a token waits for it.
	providerTimeout = 5 * time.Second
	// providerBytesMax bounds an answer. Key sets have a few KB.
	providerBytesMax = 1 << 20
	// providerPause is how long nothing is asked again after it was: a flood of tokens with invented keys, or a provider
	// that is away, costs a request in ten seconds. A new key is known as soon.
	providerPause = 10 * time.Second
)

// provider is the identity provider. It is discovered when it is first needed, so that one that is away when this program
// starts stops nobody who has an API key.
type provider struct {
	issuer string
	client *http.Client

	mu sync.Mutex
	// found is set once; triedAt and failure are the last attempt until then.
	found   *found
	triedAt time.Time
	failure error
}

// found is what discovery tells.
type found struct {
	endpoint oauth2.Endpoint
	keys     *keySet
}

func newProvider(issuer string) *provider {
	return &provider{issuer: issuer, client: &http.Client{
		Timeout: providerTimeout, Transport: &boundedTransport{http.DefaultTransport},
	}}
}

// discover returns what the provider says of itself. The error is an [ErrUnavailable].
func (p *provider) discover(ctx context.Context) (*found, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found != nil {
		return p.found, nil
	}
	if p.failure != nil && time.Since(p.triedAt) < providerPause {
		return nil, p.failure
	}
	// One caller asks and the others wait for it; that one going away must not fail them.
	result, err := p.ask(context.WithoutCancel(ctx))
	p.triedAt = time.Now()
	if err != nil {
		p.failure = fmt.Errorf("%w: discover the identity provider: %w", ErrUnavailable, err)
		return nil, p.failure
	}
	p.found, p.failure = result, nil
	return result, nil
}

func (p *provider) ask(ctx context.Context) (*found, error) {
	known, err := oidc.NewProvider(oidc.ClientContext(ctx, p.client), p.issuer)
	if err != nil {
		return nil, err
	}
	var more struct {
		JWKSURL string `json:"jwks_uri"`
	}
	if err := known.Claims(&more); err != nil {
		return nil, err
	}
	if !secureURL(more.JWKSURL) {
		return nil, fmt.Errorf("the address of its keys is %.200q; allowed is https (http on loopback only)", more.JWKSURL)
	}
	return &found{endpoint: known.Endpoint(), keys: newKeySet(p.client, more.JWKSURL)}, nil
}

// boundedTransport cuts answers that are too long.
type boundedTransport struct{ next http.RoundTripper }

// RoundTrip implements [http.RoundTripper].
func (t *boundedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := t.next.RoundTrip(r)
	if err == nil {
		answer.Body = boundedBody{io.LimitReader(answer.Body, providerBytesMax), answer.Body}
	}
	return answer, err
}

type boundedBody struct {
	io.Reader
	io.Closer
}
