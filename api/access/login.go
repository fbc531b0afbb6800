package access

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// loginMax is how long somebody may take to sign in at the identity provider.
const loginMax = 10 * time.Minute

// Login signs people in at the identity provider: OpenID Connect's code flow with PKCE. What must come back unchanged
// is kept by the browser, in a sealed cookie. It is safe for concurrent use.
type Login struct {
	tokens *Tokens
	client oauth2.Config // without endpoints
	sealer *sealer
	secure bool
}

// NewLogin returns the sign-in of a client. RedirectURL is where the provider sends people back to, as registered there;
// the cookies are secure where it is https. It reads the file of the client's secret.
func NewLogin(tokens *Tokens, keys *SessionKeys, redirectURL string) (*Login, error) {
	if tokens == nil || tokens.config.ClientID == "" {
		return nil, errors.New("access: signing in needs an identity provider and a client there (oidc.client_id)")
	}
	if !secureURL(redirectURL) {
		return nil, fmt.Errorf("access: the address to come back to is %.200q; allowed is https (http on loopback only) without query", redirectURL)
	}
	secret, err := tokens.config.secret()
	if err != nil {
		return nil, fmt.Errorf("access: %w", err)
	}
	config := &tokens.config
	return &Login{
		tokens: tokens, sealer: keys.sealer(sealLogin),
		client: oauth2.Config{ClientID: config.ClientID, ClientSecret: secret, RedirectURL: redirectURL, Scopes: config.Scopes},
		secure: strings.HasPrefix(redirectURL, "https:"),
	}, nil
}

// loginContent is what the cookie holds.
type loginContent struct {
	State     string    `json:"s"`
	Nonce     string    `json:"n"`
	Verifier  string    `json:"v"`
	ExpiresAt time.Time `json:"e"`
}

// Begin sends somebody to the identity provider. The error is an [ErrUnavailable] where that is away; nothing was answered
// then.
func (l *Login) Begin(w http.ResponseWriter, r *http.Request) error {
	found, err := l.tokens.provider.discover(r.Context())
	if err != nil {
		return err
	}
	content := loginContent{
		State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(),
		ExpiresAt: time.Now().Add(loginMax).UTC(),
	}
	sealed, err := l.sealer.seal(&content)
	if err != nil {
		return fmt.Errorf("access: begin to sign in: %w", err)
	}
	http.SetCookie(w, l.cookie(sealed, int(loginMax.Seconds())))
	w.Header().Set("Cache-Control", "no-store")
	client := l.client
	client.Endpoint = found.endpoint
	address := client.AuthCodeURL(content.State, oidc.Nonce(content.Nonce), oauth2.S256ChallengeOption(content.Verifier))
	http.Redirect(w, r, address, http.StatusSeeOther)
	return nil
}

// Finish returns who has signed in. It takes the cookie away; the session is the caller's to begin. The error is an
// [UnauthenticatedError] or an [ErrUnavailable].
func (l *Login) Finish(w http.ResponseWriter, r *http.Request) (*Principal, error) {
	http.SetCookie(w, l.cookie("", -1))
	content, err := l.content(r)
	if err != nil {
		return nil, err
	}
	query := r.URL.Query()
	if refusal := query.Get("error"); refusal != "" {
		return nil, refuse(LoginCredential, "", fmt.Sprintf("the identity provider refuses: %.60q", refusal))
	}
	token, err := l.exchange(r.Context(), query.Get("code"), content.Verifier)
	if err != nil {
		return nil, err
	}
	verified, principal, err := l.tokens.check(r.Context(), l.client.ClientID, token) // an ID token is for the client
	if err != nil {
		return nil, l.tokens.refused(LoginCredential, err)
	}
	if !equal(verified.Nonce, content.Nonce) {
		return nil, refuse(LoginCredential, principal.ID, "the token was made for another attempt (nonce)")
	}
	return principal, nil
}

// content opens the cookie of a request and compares it with what came back. A code is good once, at the provider.
func (l *Login) content(r *http.Request) (*loginContent, error) {
	cookie, err := r.Cookie(l.name())
	if err != nil {
		return nil, refuse(LoginCredential, "", "there is no cookie: nobody began to sign in with this browser")
	}
	var content loginContent
	if err := l.sealer.open(cookie.Value, &content); err != nil {
		return nil, refuse(LoginCredential, "", err.Error())
	}
	switch query := r.URL.Query(); {
	case !equal(query.Get("state"), content.State):
		return nil, refuse(LoginCredential, "", "the answer is to another attempt (state)")
	case !time.Now().Before(content.ExpiresAt):
		return nil, refuse(LoginCredential, "", "it took too long")
	case query.Has("iss") && query.Get("iss") != l.tokens.config.Issuer:
		return nil, refuse(LoginCredential, "", "the answer comes from another identity provider")
	}
	return &content, nil
}

// exchange turns a code into the ID token.
func (l *Login) exchange(ctx context.Context, code, verifier string) (string, error) {
	found, err := l.tokens.provider.discover(ctx)
	if err != nil {
		return "", err
	}
	client := l.client
	client.Endpoint = found.endpoint
	answer, err := client.Exchange(oidc.ClientContext(ctx, l.tokens.provider.client), code, oauth2.VerifierOption(verifier))
	var refusal *oauth2.RetrieveError
	switch {
	case errors.As(err, &refusal) && refusal.Response.StatusCode < http.StatusInternalServerError:
		return "", refuse(LoginCredential, "", fmt.Sprintf("the identity provider refuses the code: %s, %.60q", refusal.Response.Status, refusal.ErrorCode))
	case err != nil:
		return "", fmt.Errorf("%w: exchange a code at the identity provider: %w", ErrUnavailable, err)
	}
	token, ok := answer.Extra("id_token").(string)
	if !ok || len(token) > tokenMax {
		return "", refuse(LoginCredential, "", "the identity provider gave no ID token")
	}
	return token, nil
}

func (l *Login) name() string { return cookieName("drawdown_signin", l.secure) }

// cookie is lax: the answer comes by a redirect from the provider.
func (l *Login) cookie(value string, seconds int) *http.Cookie {
	return &http.Cookie{
		Name: l.name(), Value: value, Path: "/", MaxAge: seconds, HttpOnly: true, Secure: l.secure, SameSite: http.SameSiteLaxMode,
	}
}

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
