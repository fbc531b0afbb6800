package access

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		in := func(d time.Duration) int64 { return now.Add(d).Unix() }
		good := mint(jose.ES256, ecKey(), "ec", claimsWith(nil))
		with := func(others map[string]any) string { return mint(jose.ES256, ecKey(), "ec", claimsWith(others)) }
		customer := func(account any) string {
			return with(map[string]any{"drawdown_role": "customer", "drawdown_account": account})
		}
		public := must(x509.MarshalPKIXPublicKey(rsaKey().Public()))
		asPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})
		asJWK := must(json.Marshal(jose.JSONWebKey{Key: rsaKey().Public(), KeyID: "rsa", Algorithm: "RS256", Use: "sig"}))
		unsigned := func(header string) string {
			return base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + strings.Split(good, ".")[1] + "."
		}
		parts := strings.Split(good, ".")
		long := strings.Repeat("x", 255)

		for name, c := range map[string]struct {
			token string
			want  string // the principal, or why not
		}{
			"an operator":                   {good, "oidc:https://idp.example.com#jane operator "},
			"by RSA":                        {mint(jose.RS256, rsaKey(), "rsa", claimsWith(nil)), "oidc:https://idp.example.com#jane operator "},
			"without a key's id":            {mint(jose.ES256, ecKey(), "", claimsWith(nil)), "oidc:https://idp.example.com#jane operator "},
			"one of several audiences":      {with(map[string]any{"aud": []string{"x", testAudience}}), "oidc:https://idp.example.com#jane operator "},
			"a customer":                    {customer("acme"), "oidc:https://idp.example.com#jane customer acme"},
			"an operator of one account":    {with(map[string]any{"drawdown_account": "acme"}), "oidc:https://idp.example.com#jane operator acme"},
			"one of ours among roles":       {with(map[string]any{"drawdown_role": []string{"admin", "worker", "worker"}}), "oidc:https://idp.example.com#jane worker "},
			"a subject that is long":        {with(map[string]any{"sub": long}), personID(testIssuer, long) + " operator "},
			"expired less than a minute":    {with(map[string]any{"exp": in(-59 * time.Second)}), "oidc:https://idp.example.com#jane operator "},
			"ahead by less than a minute":   {with(map[string]any{"nbf": in(time.Minute), "iat": in(time.Minute)}), "oidc:https://idp.example.com#jane operator "},
			"nothing":                       {"", "malformed jwt"},
			"no token":                      {"x.y.z", "malformed jwt"},
			"two dots":                      {"..", "malformed jwt"},
			"too long":                      {strings.Repeat("x", tokenMax+1), "it has 16385 bytes"},
			"another audience":              {with(map[string]any{"aud": "other"}), "expected audience"},
			"for the page, not for the API": {with(map[string]any{"aud": testClient}), "expected audience"},
			"no audience":                   {with(map[string]any{"aud": nil}), "expected audience"},
			"another issuer":                {with(map[string]any{"iss": "https://idp.example.com/"}), "different provider"},
			"expired":                       {with(map[string]any{"exp": in(-time.Minute)}), "it expired"},
			"without expiry":                {with(map[string]any{"exp": nil}), "it never expires"},
			"an expiry of null":             {mint(jose.ES256, ecKey(), "ec", json.RawMessage(`{"iss":"`+testIssuer+`","sub":"a","aud":"`+testAudience+`","exp":null,"drawdown_role":"operator"}`)), "unmarshal claims"},
			"an expiry that is text":        {with(map[string]any{"exp": "4102444800"}), "exp"},
			"an expiry beyond all times":    {with(map[string]any{"exp": 1e15}), "exp is no time"},
			"not yet":                       {with(map[string]any{"nbf": in(time.Minute + time.Second)}), "nbf is"},
			"issued in the future":          {with(map[string]any{"iat": in(time.Minute + time.Second)}), "iat is"},
			"alg none":                      {unsigned(`{"alg":"none"}`), "malformed jwt"},
			"alg None":                      {unsigned(`{"alg":"None","kid":"ec"}`), "malformed jwt"},
			"no alg":                        {unsigned(`{"kid":"ec"}`), "malformed jwt"},
			"a signature removed":           {parts[0] + "." + parts[1] + ".", "signed by no key"},
			"HS256 by the public key":       {mint(jose.HS256, asPEM, "rsa", claimsWith(nil)), "malformed jwt"},
			"HS256 by the public key's JWK": {mint(jose.HS256, asJWK, "rsa", claimsWith(nil)), "malformed jwt"},
			"an algorithm not allowed":      {mint(jose.PS256, rsaKey(), "rsa", claimsWith(nil)), "malformed jwt"},
			"a key of another algorithm":    {mint(jose.ES256, ecKey(), "rsa", claimsWith(nil)), "signed by no key"},
			"a foreign key with a known id": {mint(jose.ES256, foreign(), "ec", claimsWith(nil)), "signed by no key"},
			"a foreign key":                 {mint(jose.ES256, foreign(), "foreign", claimsWith(nil)), "signed by no key"},
			"a foreign key without an id":   {mint(jose.ES256, foreign(), "", claimsWith(nil)), "signed by no key"},
			"changed claims":                {parts[0] + "." + strings.Split(customer("acme"), ".")[1] + "." + parts[2], "signed by no key"},
			"in JSON":                       {`{"protected":"` + parts[0] + `","payload":"` + parts[1] + `","signature":"` + parts[2] + `"}`, "compact"},
			"no subject":                    {with(map[string]any{"sub": nil}), "subject"},
			"a subject with a newline":      {with(map[string]any{"sub": "a\nb"}), "subject"},
			"a logout token":                {with(map[string]any{"events": map[string]any{}}), "logout"},
			"no role":                       {with(map[string]any{"drawdown_role": nil}), "is missing"},
			"no role of ours":               {with(map[string]any{"drawdown_role": "admin"}), "no role of ours"},
			"two roles of ours":             {with(map[string]any{"drawdown_role": []string{"worker", "operator"}}), "two roles"},
			"a role that is a number":       {with(map[string]any{"drawdown_role": 1}), "is no text"},
			"a customer of none":            {customer(nil), "a customer has one"},
			"a customer of all":             {customer(""), "an empty one"},
			"a customer of two":             {customer([]string{"a", "b"}), "is no text"},
			"no account's id":               {customer("a b"), "account"},
		} {
			tokens := newIDP().tokens(t, testOIDC())
			p, err := tokens.Check(t.Context(), c.token)
			if err != nil {
				if reason := why(t, err); !strings.Contains(reason, c.want) || len(reason) > whyMax {
					t.Errorf("%s: refused: %s", name, reason)
				}
				continue
			}
			if got := fmt.Sprint(p.ID, " ", p.Role, " ", p.Account); got != c.want || p.Scopes != nil || len(p.ID) > principalIDMax {
				t.Errorf("%s: got %s, expected %s", name, got, c.want)
			}
		}
	})
}

func TestClaimsAtAPath(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := testOIDC()
		config.RoleClaim, config.AccountClaim = "realm_access.roles", "https://example.com/claims.account"
		token := mint(jose.ES256, ecKey(), "ec", claimsWith(map[string]any{
			"drawdown_role": nil, "realm_access": map[string]any{"roles": []string{"offline", "customer"}}, "https://example.com/claims.account": "acme",
		}))
		if p, err := newIDP().tokens(t, config).Check(t.Context(), token); err != nil || p.Role != Customer || p.Account != "acme" {
			t.Errorf("%+v, %v", p, err)
		}
		config.RoleClaim = "realm_access.roles.first"
		if _, err := newIDP().tokens(t, config).Check(t.Context(), token); !strings.Contains(why(t, err), "is missing") {
			t.Error(err)
		}
	})
}

func TestAKeyIsGoodForItsAlgorithmOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := testOIDC()
		config.Algorithms = []string{"RS256", "PS256"}
		tokens := newIDP().tokens(t, config) // it publishes the key for RS256
		if _, err := tokens.Check(t.Context(), mint(jose.RS256, rsaKey(), "rsa", claimsWith(nil))); err != nil {
			t.Error(err)
		}
		if _, err := tokens.Check(t.Context(), mint(jose.PS256, rsaKey(), "rsa", claimsWith(nil))); why(t, err) == "" {
			t.Error("it is taken for another algorithm")
		}
	})
}

func TestKeysOfTheProviderChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		provider := newIDP()
		tokens := provider.tokens(t, testOIDC())
		check := func(what string, want bool, key any, id string) {
			t.Helper()
			_, err := tokens.Check(t.Context(), mint(jose.ES256, key, id, claimsWith(nil)))
			if why(t, err); (err == nil) != want {
				t.Errorf("%s: %v", what, err)
			}
		}
		second := jose.JSONWebKey{Key: secondKey().Public(), KeyID: "second"}
		check("the first", true, ecKey(), "ec")
		time.Sleep(providerPause)
		check("another one under the id of the first", false, foreign(), "ec") // and nobody is asked about it
		provider.publish(append(provider.keys, second)...)
		check("a new one", true, secondKey(), "second")
		check("the first beside it", true, ecKey(), "ec")
		provider.publish(second)
		time.Sleep(keysFresh)
		check("one that was withdrawn", false, ecKey(), "ec")
		check("the new one", true, secondKey(), "second")
		if asked := provider.count("/keys"); asked != 3 {
			t.Errorf("asked %d times for keys", asked)
		}
		if asked := provider.count("/.well-known/openid-configuration"); asked != 1 {
			t.Errorf("discovered %d times", asked)
		}
	})
}

func TestAFloodOfUnknownKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		provider := newIDP()
		tokens := provider.tokens(t, testOIDC())
		good := mint(jose.ES256, ecKey(), "ec", claimsWith(nil))
		bad := make([]string, 20)
		for i := range bad {
			bad[i] = mint(jose.ES256, foreign(), fmt.Sprint("invented-", i), claimsWith(nil))
		}
		const rounds = 50
		for range rounds {
			for _, token := range bad {
				if _, err := tokens.Check(t.Context(), token); why(t, err) == "" {
					t.Fatal("an invented key is accepted")
				}
			}
			if _, err := tokens.Check(t.Context(), good); err != nil {
				t.Fatalf("meanwhile: %v", err)
			}
			time.Sleep(time.Second)
		}
		if asked, most := provider.count("/keys"), rounds/int(providerPause/time.Second)+1; asked > most {
			t.Errorf("asked %d times in %d s, expected at most %d", asked, rounds, most)
		}
	})
}

func TestAProviderThatIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		provider := newIDP()
		tokens := provider.tokens(t, testOIDC())
		lasting := claimsWith(map[string]any{"exp": time.Now().Add(100 * time.Hour).Unix()})
		good, bad := mint(jose.ES256, ecKey(), "ec", lasting), mint(jose.ES256, foreign(), "foreign", lasting)
		unavailable := func(when string, token string) {
			t.Helper()
			if _, err := tokens.Check(t.Context(), token); !errors.Is(err, ErrUnavailable) || errors.Is(err, ErrUnauthenticated) {
				t.Errorf("%s: %v", when, err)
			}
		}
		provider.answerWith(http.StatusBadGateway)
		for range 5 {
			unavailable("before it was ever there", good)
		}
		if asked := provider.count("/.well-known/openid-configuration"); asked != 1 {
			t.Errorf("asked %d times within the pause", asked)
		}
		time.Sleep(providerPause)
		provider.answerWith(0)
		if _, err := tokens.Check(t.Context(), good); err != nil {
			t.Fatal(err)
		}
		provider.answerWith(http.StatusBadGateway)
		time.Sleep(keysStale - time.Minute)
		if _, err := tokens.Check(t.Context(), good); err != nil {
			t.Errorf("with keys of a day ago: %v", err)
		}
		if _, err := tokens.Check(t.Context(), bad); !strings.Contains(why(t, err), "signed by no key") {
			t.Errorf("with keys of a day ago, another one's: %v", err)
		}
		time.Sleep(2 * time.Minute)
		unavailable("with keys that are older", good)
		time.Sleep(providerPause)
		provider.answerWith(0)
		if _, err := tokens.Check(t.Context(), good); err != nil {
			t.Errorf("when it is back: %v", err)
		}
	})
}

func TestKeysThatWereNeverThereAreAskedForSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		provider := newIDP()
		provider.keysURL = testIssuer + "/nothing"
		tokens := provider.tokens(t, testOIDC())
		good := mint(jose.ES256, ecKey(), "ec", claimsWith(nil))
		for range 3 * int(providerPause/time.Second) {
			if _, err := tokens.Check(t.Context(), good); !errors.Is(err, ErrUnavailable) {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		if asked := provider.count("/nothing"); asked != 3 {
			t.Errorf("asked %d times in three pauses", asked)
		}
	})
}

// slowTransport answers after a time, or when nobody waits any more.
type slowTransport struct {
	next  http.RoundTripper
	delay time.Duration
}

func (s *slowTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if !wait(r.Context(), s.delay) {
		return nil, context.Cause(r.Context())
	}
	return s.next.RoundTrip(r)
}

func TestAProviderThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		provider := newIDP()
		tokens := provider.tokens(t, testOIDC())
		slow := &slowTransport{next: provider}
		tokens.provider.client.Transport = slow
		good := mint(jose.ES256, ecKey(), "ec", claimsWith(nil))
		if _, err := tokens.Check(t.Context(), good); err != nil {
			t.Fatal(err)
		}
		time.Sleep(keysFresh)
		slow.delay = time.Hour
		began := time.Now()
		if _, err := tokens.Check(t.Context(), good); err != nil || time.Since(began) > keysPatience {
			t.Errorf("known keys: %v after %v", err, time.Since(began))
		}
		began = time.Now()
		_, err := tokens.Check(t.Context(), mint(jose.ES256, foreign(), "new", claimsWith(nil)))
		if why(t, err) == "" || time.Since(began) > keysPatience {
			t.Errorf("a key that nobody knows: %v after %v", err, time.Since(began))
		}
		time.Sleep(providerTimeout) // the request under way ends
	})
}

func TestProvidersThatAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		good := mint(jose.ES256, ecKey(), "ec", claimsWith(nil))
		for name, change := range map[string]func(*idp){
			"another issuer":   func(p *idp) { p.issuer = "https://other.example.com" },
			"keys over HTTP":   func(p *idp) { p.keysURL = "http://idp.example.com/keys" },
			"keys of nowhere":  func(p *idp) { p.keysURL = "" },
			"keys not there":   func(p *idp) { p.keysURL = testIssuer + "/nothing" },
			"keys not in JSON": func(p *idp) { p.keysURL = "https://idp.example.com/token" },
		} {
			provider := newIDP()
			change(provider)
			if _, err := provider.tokens(t, testOIDC()).Check(t.Context(), good); !errors.Is(err, ErrUnavailable) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestKeysThatSignNothing(t *testing.T) {
	good := jose.JSONWebKey{Key: ecKey().Public(), KeyID: "good"}
	var all []json.RawMessage
	for _, key := range []jose.JSONWebKey{
		{Key: ecKey().Public(), KeyID: "to encrypt with", Use: "enc"}, {Key: ecKey(), KeyID: "private"},
		{Key: []byte("a secret of both sides, 32 bytes"), KeyID: "symmetric"}, good,
	} {
		all = append(all, must(json.Marshal(key)))
	}
	all = append(all, json.RawMessage(`{"kty":"OKP","crv":"X448","x":"AA"}`), json.RawMessage(`1`))
	if keys := signingKeys(all); len(keys) != 1 || keys[0].KeyID != "good" {
		t.Errorf("got %v", keys)
	}
}

func TestAuthenticator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, registry := start(t, newMemoryLog()), prometheus.NewRegistry()
		_, key := store.issue(t, NewKey{})
		both, err := NewAuthenticator(store.KeyStore, newIDP().tokens(t, testOIDC()), registry)
		if err != nil {
			t.Fatal(err)
		}
		keysOnly, err := NewAuthenticator(store.KeyStore, nil, prometheus.NewRegistry())
		if err != nil {
			t.Fatal(err)
		}
		token := mint(jose.ES256, ecKey(), "ec", claimsWith(nil))
		if p, err := both.Authenticate(t.Context(), key); err != nil || p.Role != Worker {
			t.Errorf("a key: %+v, %v", p, err)
		}
		if p, err := both.Authenticate(t.Context(), token); err != nil || p.Role != Operator {
			t.Errorf("a token: %+v, %v", p, err)
		}
		if _, err := both.Authenticate(t.Context(), key+"x"); why(t, err) == "" {
			t.Error("a bad key is accepted")
		}
		for _, bearer := range []string{token, "", "Bearer " + key} {
			if _, err := keysOnly.Authenticate(t.Context(), bearer); !strings.Contains(why(t, err), "there is no identity provider") {
				t.Errorf("%.20q without a provider: %v", bearer, err)
			}
		}
		for outcome, want := range map[string]float64{outcomeAccepted: 1, outcomeRefused: 1, outcomeUnavailable: 0} {
			if got := testutil.ToFloat64(both.authentications.WithLabelValues("key", outcome)); got != want {
				t.Errorf("%s: counted %v", outcome, got)
			}
		}
	})
}

func FuzzToken(f *testing.F) {
	token := mint(jose.ES256, ecKey(), "ec", claimsWith(nil))
	f.Add(token)
	f.Add(strings.Split(token, ".")[0] + "..")
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Add(`{"payload":"","signatures":[]}`)
	tokens := newIDP().tokens(f, testOIDC())
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := tokens.Check(t.Context(), text); err == nil && text != token {
			t.Errorf("%q is accepted", text)
		}
	})
}
