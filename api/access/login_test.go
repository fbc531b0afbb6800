package access

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const testReturn = "https://billing.example.com/billing/signin/callback"

func (p *idp) login(t *testing.T, keys *SessionKeys) *Login {
	t.Helper()
	login, err := NewLogin(p.tokens(t, testOIDC()), keys, testReturn)
	if err != nil {
		t.Fatal(err)
	}
	return login
}

// attempt is one sign-in as a browser sees it.
type attempt struct {
	cookie  *http.Cookie
	address string   // of the provider
	back    *url.URL // where the provider sends the browser
}

func begin(t *testing.T, provider *idp, login *Login) *attempt {
	t.Helper()
	w := httptest.NewRecorder()
	if err := login.Begin(w, httptest.NewRequest(http.MethodGet, "/billing/signin/start", nil)); err != nil {
		t.Fatal(err)
	}
	answer := w.Result()
	if answer.StatusCode != http.StatusSeeOther || len(answer.Cookies()) != 1 {
		t.Fatalf("answered %v", answer)
	}
	a := &attempt{cookie: answer.Cookies()[0], address: answer.Header.Get("Location")}
	a.back = provider.authorize(t, a.address)
	return a
}

func (a *attempt) set(name, value string) {
	query := a.back.Query()
	query.Set(name, value)
	a.back.RawQuery = query.Encode()
}

func (a *attempt) finish(login *Login) (*Principal, *http.Response, error) {
	r := httptest.NewRequest(http.MethodGet, a.back.String(), nil)
	if a.cookie != nil {
		r.AddCookie(a.cookie)
	}
	w := httptest.NewRecorder()
	p, err := login.Finish(w, r)
	return p, w.Result(), err
}

func TestSigningIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		provider := newIDP()
		login := provider.login(t, sessionKeysOf(t, "a"))
		a := begin(t, provider, login)
		asked := must(url.Parse(a.address)).Query()
		for name, want := range map[string]string{"response_type": "code", "client_id": testClient, "scope": "openid", "redirect_uri": testReturn, "code_challenge_method": "S256"} {
			if asked.Get(name) != want {
				t.Errorf("%s is %q", name, asked.Get(name))
			}
		}
		c := a.cookie
		if c.Name != "__Host-drawdown_signin" || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.MaxAge != 600 {
			t.Errorf("the cookie is %v", c)
		}
		for _, secret := range []string{asked.Get("state"), asked.Get("nonce"), testSecret} {
			if len(secret) < 20 || strings.Contains(c.Value, secret) {
				t.Errorf("the cookie shows %q, or that is short", secret)
			}
		}
		if strings.Contains(a.address, testSecret) {
			t.Error("the client's secret is sent through the browser")
		}
		p, answer, err := a.finish(login)
		if err != nil || p.ID != "oidc:https://idp.example.com#jane" || p.Role != Operator {
			t.Errorf("%+v, %v", p, err)
		}
		if left := answer.Cookies(); len(left) != 1 || left[0].MaxAge != -1 || left[0].Value != "" {
			t.Errorf("the cookie stays: %v", left)
		}
		if _, _, err := a.finish(login); !strings.Contains(why(t, err), "refuses the code") {
			t.Errorf("a second time: %v", err)
		}
	})
}

func TestSigningInThatIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, c := range map[string]struct {
			change func(p *idp, a *attempt)
			why    string
		}{
			"no cookie":              {func(_ *idp, a *attempt) { a.cookie = nil }, "no cookie"},
			"a changed cookie":       {func(_ *idp, a *attempt) { a.cookie.Value = "A" + a.cookie.Value[1:] + "A" }, "not sealed here"},
			"another state":          {func(_ *idp, a *attempt) { a.set("state", "x") }, "state"},
			"no state":               {func(_ *idp, a *attempt) { a.set("state", "") }, "state"},
			"too late":               {func(*idp, *attempt) { time.Sleep(loginMax) }, "too long"},
			"from another provider":  {func(_ *idp, a *attempt) { a.set("iss", "https://evil.example.com") }, "another identity provider"},
			"the person declined":    {func(_ *idp, a *attempt) { a.set("error", "access_denied") }, "access_denied"},
			"an unknown code":        {func(_ *idp, a *attempt) { a.set("code", "x") }, "invalid_grant"},
			"no code":                {func(_ *idp, a *attempt) { a.set("code", "") }, "refuses the code"},
			"another nonce":          {func(p *idp, _ *attempt) { p.idClaims = map[string]any{"nonce": "x"} }, "nonce"},
			"no nonce":               {func(p *idp, _ *attempt) { p.idClaims = map[string]any{"nonce": ""} }, "nonce"},
			"a token for the API":    {func(p *idp, _ *attempt) { p.idClaims = map[string]any{"aud": testAudience} }, "expected audience"},
			"somebody without role":  {func(p *idp, _ *attempt) { p.idClaims = map[string]any{"drawdown_role": "none"} }, "no role of ours"},
			"an ID token that ended": {func(p *idp, _ *attempt) { p.idClaims = map[string]any{"exp": 1} }, "expired"},
		} {
			provider := newIDP()
			login := provider.login(t, sessionKeysOf(t, "a"))
			a := begin(t, provider, login)
			c.change(provider, a)
			if p, _, err := a.finish(login); !strings.Contains(why(t, err), c.why) || p != nil {
				t.Errorf("%s: %v, %q", name, p, why(t, err))
			}
		}
		provider := newIDP()
		login := provider.login(t, sessionKeysOf(t, "a"))
		mine, theirs := begin(t, provider, login), begin(t, provider, login)
		mine.back = theirs.back
		if _, _, err := mine.finish(login); !strings.Contains(why(t, err), "state") {
			t.Errorf("somebody else's answer: %v", err)
		}
		theirs.cookie.Value = must(NewSessions(sessionKeysOf(t, "a"), true).sealer.seal(&loginContent{State: theirs.back.Query().Get("state")}))
		if _, _, err := theirs.finish(login); !strings.Contains(why(t, err), "not sealed here") {
			t.Errorf("a cookie that was sealed for another purpose: %v", err)
		}
	})
}

func TestSigningInWhileTheProviderIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		provider := newIDP()
		login := provider.login(t, sessionKeysOf(t, "a"))
		provider.answerWith(http.StatusServiceUnavailable)
		w := httptest.NewRecorder()
		if err := login.Begin(w, httptest.NewRequest(http.MethodGet, "/", nil)); !errors.Is(err, ErrUnavailable) || len(w.Result().Cookies()) != 0 {
			t.Errorf("begun: %v", err)
		}
		time.Sleep(providerPause)
		provider.answerWith(0)
		a := begin(t, provider, login)
		provider.answerWith(http.StatusServiceUnavailable)
		if _, _, err := a.finish(login); !errors.Is(err, ErrUnavailable) || strings.Contains(err.Error(), testSecret) {
			t.Errorf("finished: %v", err)
		}
	})
}

func TestLoginsThatCannotBe(t *testing.T) {
	keys, tokens := sessionKeysOf(t, "a"), newIDP().tokens(t, testOIDC())
	noClient, noFile := testOIDC(), testOIDC()
	noClient.ClientID, noClient.ClientSecret = "", ""
	noFile.ClientSecret, noFile.ClientSecretFile = "", t.TempDir()+"/absent"
	for name, try := range map[string]func() error{
		"no provider": func() error { _, err := NewLogin(nil, keys, testReturn); return err },
		"no client":   func() error { _, err := NewLogin(newIDP().tokens(t, noClient), keys, testReturn); return err },
		"plain HTTP":  func() error { _, err := NewLogin(tokens, keys, "http://billing.example.com/"); return err },
		"no address":  func() error { _, err := NewLogin(tokens, keys, ""); return err },
		"no file":     func() error { _, err := NewLogin(newIDP().tokens(t, noFile), keys, testReturn); return err },
		"no issuer":   func() error { _, err := NewTokens(OIDC{}); return err },
		"bad config":  func() error { _, err := NewTokens(OIDC{Issuer: "x"}); return err },
	} {
		if try() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if login, err := NewLogin(tokens, keys, "http://127.0.0.1:8080/x"); err != nil || login.secure || login.name() != "drawdown_signin" {
		t.Errorf("on one's own machine: %v", err)
	}
}
