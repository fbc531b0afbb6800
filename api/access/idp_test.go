package access

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// idp is an identity provider: discovery, keys, and the code flow with PKCE.
type idp struct {
	mu       sync.Mutex
	keys     []jose.JSONWebKey // published
	broken   int               // the status that everything is answered with; 0 when it works
	asked    map[string]int    // requests by path
	codes    map[string]url.Values
	idClaims map[string]any // of the next ID token
	issuer   string         // as discovery says
	keysURL  string
}

const (
	testIssuer   = "https://idp.example.com"
	testAudience = "drawdown-api"
	testClient   = "billing-page"
	testSecret   = "client-secret-that-nobody-sees"
)

// Keys of the tests, made once.
var (
	rsaKey    = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	ecKey     = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
	secondKey = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
	foreign   = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func newIDP() *idp {
	return &idp{asked: map[string]int{}, codes: map[string]url.Values{}, issuer: testIssuer, keysURL: testIssuer + "/keys", keys: []jose.JSONWebKey{
		{Key: rsaKey().Public(), KeyID: "rsa", Algorithm: "RS256", Use: "sig"}, {Key: ecKey().Public(), KeyID: "ec"},
	}}
}

func (p *idp) publish(keys ...jose.JSONWebKey) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys = keys
}

func (p *idp) answerWith(status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.broken = status
}

func (p *idp) count(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked[path]
}

// RoundTrip makes it a transport that reaches this provider and nothing else.
func (p *idp) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	return w.Result(), nil
}

func (p *idp) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked[r.URL.Path]++
	if p.broken != 0 {
		http.Error(w, "broken", p.broken)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		_ = json.NewEncoder(w).Encode(map[string]any{
			"issuer": p.issuer, "jwks_uri": p.keysURL, "authorization_endpoint": testIssuer + "/authorize",
			"token_endpoint": testIssuer + "/token", "id_token_signing_alg_values_supported": []string{"RS256", "none", "HS256"},
		})
	case "/keys":
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: p.keys})
	case "/token":
		p.token(w, r)
	default:
		http.NotFound(w, r)
	}
}

// authorize is what a person does there: it returns the address that the browser is sent back to.
func (p *idp) authorize(t *testing.T, address string) *url.URL {
	t.Helper()
	asked := must(url.Parse(address))
	p.mu.Lock()
	defer p.mu.Unlock()
	code := fmt.Sprint("code-", len(p.codes))
	p.codes[code] = asked.Query()
	back := must(url.Parse(asked.Query().Get("redirect_uri")))
	back.RawQuery = url.Values{"code": {code}, "state": {asked.Query().Get("state")}, "iss": {testIssuer}}.Encode()
	return back
}

// token exchanges a code, once, with the client's secret and PKCE's verifier.
func (p *idp) token(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	asked, known := p.codes[r.Form.Get("code")]
	delete(p.codes, r.Form.Get("code"))
	id, secret, _ := r.BasicAuth()
	sum := sha256.Sum256([]byte(r.Form.Get("code_verifier")))
	if !known || id != testClient || secret != testSecret || asked.Get("code_challenge_method") != "S256" ||
		asked.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(sum[:]) || r.Form.Get("redirect_uri") != asked.Get("redirect_uri") {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"error":"invalid_grant"}`))
		return
	}
	claims := claimsWith(map[string]any{"aud": testClient, "nonce": asked.Get("nonce")})
	maps.Copy(claims, p.idClaims)
	_ = json.NewEncoder(w).Encode(map[string]any{"access_token": "x", "token_type": "Bearer", "id_token": mint(jose.ES256, ecKey(), "ec", claims)})
}

// claimsWith are those of an operator for the API, with others in their place; nil removes one.
func claimsWith(others map[string]any) map[string]any {
	now := time.Now()
	claims := map[string]any{
		"iss": testIssuer, "sub": "jane", "aud": testAudience, "exp": now.Add(time.Hour).Unix(), "iat": now.Unix(), "drawdown_role": "operator",
	}
	for name, value := range others {
		if claims[name] = value; value == nil {
			delete(claims, name)
		}
	}
	return claims
}

// mint signs a token.
func mint(algorithm jose.SignatureAlgorithm, key any, id string, claims any) string {
	options := (&jose.SignerOptions{}).WithType("JWT")
	if id != "" {
		options = options.WithHeader("kid", id)
	}
	signer := must(jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, options))
	return must(must(signer.Sign(must(json.Marshal(claims)))).CompactSerialize())
}

func testOIDC() OIDC {
	config := Default().OIDC
	config.Issuer, config.Audience, config.ClientID, config.ClientSecret = testIssuer, testAudience, testClient, testSecret
	return config
}

// tokens checks tokens of the provider.
func (p *idp) tokens(t testing.TB, config OIDC) *Tokens {
	t.Helper()
	tokens, err := NewTokens(config)
	if err != nil {
		t.Fatal(err)
	}
	tokens.provider.client.Transport = &boundedTransport{p}
	return tokens
}
