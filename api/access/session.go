package access

import (
	"errors"
	"net/http"
	"time"
)

// Bounds of sessions.
const (
	// SessionMax is how long after signing in a session ends, whatever is done in it: a working day.
	SessionMax = 12 * time.Hour
	// SessionIdle is after how long without a request it ends.
	SessionIdle = time.Hour
	// sessionRefresh is how old a cookie may get before an answer brings another one.
	sessionRefresh = time.Minute
)

// Sessions are those of the billing page. They are kept by the browser, in a sealed cookie: nothing has to be stored, and
// every instance knows them. What is signed out is besides remembered, by this instance, until it ends.
type Sessions struct {
	sealer *sealer
	secure bool
	ended  spent
}

// NewSessions returns the sessions that keys seal. Secure is whether the page is served over TLS: without it a cookie
// can't be kept from plain HTTP, which is for a machine of one's own only.
func NewSessions(keys *SessionKeys, secure bool) *Sessions {
	return &Sessions{sealer: keys.sealer(sealSession), secure: secure}
}

// Session is who is signed in, and until when.
type Session struct {
	Principal *Principal
	// ExpiresAt is when it ends at the latest.
	ExpiresAt time.Time
}

// sessionContent is what the cookie holds.
type sessionContent struct {
	ID        string    `json:"i"`
	Principal string    `json:"p"`
	Role      Role      `json:"r"`
	Account   string    `json:"a,omitempty"`
	Scopes    []Scope   `json:"s,omitempty"`
	ExpiresAt time.Time `json:"e"`
	// SealedAt is when the cookie was made. The session is idle since then, by at most sessionRefresh less.
	SealedAt time.Time `json:"t"`
}

// Begin signs a principal in: its answer brings the cookie.
func (s *Sessions) Begin(w http.ResponseWriter, p *Principal) error {
	if p == nil || p.Scopes != nil && len(p.Scopes) == 0 {
		return errors.New("access: a session is somebody's, who may do something")
	}
	now := time.Now()
	return s.write(w, &sessionContent{
		ID: randomDigits(22), Principal: p.ID, Role: p.Role, Account: p.Account, Scopes: p.Scopes, ExpiresAt: now.Add(SessionMax).UTC(),
	}, now)
}

// Read returns the session of a request, and keeps it from becoming idle: it must be called before the answer's body is
// written. The error is an [UnauthenticatedError].
func (s *Sessions) Read(w http.ResponseWriter, r *http.Request) (*Session, error) {
	content, err := s.read(r)
	if err != nil {
		return nil, err
	}
	if now := time.Now(); now.Sub(content.SealedAt) >= sessionRefresh {
		if err := s.write(w, content, now); err != nil {
			return nil, err
		}
	}
	return &Session{ExpiresAt: content.ExpiresAt, Principal: &Principal{
		ID: content.Principal, Role: content.Role, Account: content.Account, Scopes: content.Scopes,
	}}, nil
}

// End signs out: the cookie goes, and a copy of it is worth nothing to this instance.
func (s *Sessions) End(w http.ResponseWriter, r *http.Request) {
	if content, err := s.read(r); err == nil {
		s.ended.add(content.ID, content.ExpiresAt, time.Now())
	}
	http.SetCookie(w, s.cookie("", -1))
}

func (s *Sessions) read(r *http.Request) (*sessionContent, error) {
	cookie, err := r.Cookie(s.name())
	if err != nil {
		return nil, refuse(SessionCredential, "", "there is no cookie")
	}
	var content sessionContent
	if err := s.sealer.open(cookie.Value, &content); err != nil {
		return nil, refuse(SessionCredential, "", err.Error())
	}
	now := time.Now()
	switch {
	case !now.Before(content.ExpiresAt):
		return nil, refuse(SessionCredential, content.Principal, "it has ended")
	case now.Sub(content.SealedAt) >= SessionIdle:
		return nil, refuse(SessionCredential, content.Principal, "it was idle for too long")
	case s.ended.has(content.ID):
		return nil, refuse(SessionCredential, content.Principal, "it was signed out")
	}
	return &content, nil
}

func (s *Sessions) write(w http.ResponseWriter, content *sessionContent, now time.Time) error {
	content.SealedAt = now.UTC()
	sealed, err := s.sealer.seal(content)
	if err != nil {
		return err
	}
	left := min(SessionIdle, content.ExpiresAt.Sub(now))
	http.SetCookie(w, s.cookie(sealed, int(left.Seconds())))
	return nil
}

// cookieName gives a cookie the prefix with which a browser takes it only from this very host, over TLS and for all of
// it, so that no neighbour under the same domain can set it.
func cookieName(name string, secure bool) string {
	if secure {
		return "__Host-" + name
	}
	return name
}

func (s *Sessions) name() string { return cookieName("drawdown_session", s.secure) }

// cookie is lax, not strict: who comes back from paying, or by a sign-in link, is still signed in. Writes are POSTs, with
// which a lax cookie is not sent from elsewhere.
func (s *Sessions) cookie(value string, seconds int) *http.Cookie {
	return &http.Cookie{
		Name: s.name(), Value: value, Path: "/", MaxAge: seconds, HttpOnly: true, Secure: s.secure, SameSite: http.SameSiteLaxMode,
	}
}
