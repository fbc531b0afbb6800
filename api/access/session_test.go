package access

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// sessionKeysOf returns keys made of letters, the first one to seal with.
func sessionKeysOf(t testing.TB, letters ...string) *SessionKeys {
	t.Helper()
	var text strings.Builder
	for _, letter := range letters {
		text.WriteString(base64.StdEncoding.EncodeToString([]byte(strings.Repeat(letter, 32))) + "\n")
	}
	keys, err := ParseSessionKeys([]byte(text.String()))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// browser keeps the session's cookie, as a browser does.
type browser struct {
	cookie *http.Cookie
	endsAt time.Time
}

func (b *browser) take(w *httptest.ResponseRecorder) {
	for _, c := range w.Result().Cookies() {
		b.cookie, b.endsAt = c, time.Now().Add(time.Duration(c.MaxAge)*time.Second)
	}
}

func (b *browser) request() *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/billing/", nil)
	if b.cookie != nil && b.cookie.MaxAge > 0 {
		r.AddCookie(&http.Cookie{Name: b.cookie.Name, Value: b.cookie.Value}) // also too late: what a thief would do
	}
	return r
}

func (b *browser) begin(t *testing.T, s *Sessions, p *Principal) {
	t.Helper()
	w := httptest.NewRecorder()
	if err := s.Begin(w, p); err != nil {
		t.Fatal(err)
	}
	b.take(w)
}

func (b *browser) read(s *Sessions) (*Session, error) {
	w := httptest.NewRecorder()
	session, err := s.Read(w, b.request())
	b.take(w)
	return session, err
}

var jane = &Principal{ID: "oidc:x#jane", Role: Customer, Account: "acme", Scopes: []Scope{ReadAccount}}

func TestSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sessions, b := NewSessions(sessionKeysOf(t, "a"), true), &browser{}
		if _, err := b.read(sessions); why(t, err) != "there is no cookie" {
			t.Errorf("nobody: %v", err)
		}
		b.begin(t, sessions, jane)
		c := b.cookie
		if c.Name != "__Host-drawdown_session" || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.MaxAge != 3600 {
			t.Errorf("the cookie is %v", c)
		}
		if strings.Contains(c.Value, "acme") || strings.Contains(string(must(base64.RawURLEncoding.DecodeString(c.Value))), "acme") {
			t.Error("the cookie can be read")
		}
		session, err := b.read(sessions)
		if err != nil || !reflect.DeepEqual(session.Principal, jane) || !session.ExpiresAt.Equal(time.Now().Add(SessionMax)) {
			t.Errorf("%+v, %v", session, err)
		}
		if b.cookie != c {
			t.Error("an answer at once brings another cookie")
		}
	})
}

func TestASessionEndsWhenItIsIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sessions, b := NewSessions(sessionKeysOf(t, "a"), true), &browser{}
		b.begin(t, sessions, jane)
		time.Sleep(SessionIdle - time.Second)
		if _, err := b.read(sessions); err != nil {
			t.Errorf("just before: %v", err)
		}
		time.Sleep(SessionIdle - time.Second)
		if _, err := b.read(sessions); err != nil {
			t.Errorf("just before, after a request: %v", err)
		}
		time.Sleep(SessionIdle)
		if _, err := b.read(sessions); why(t, err) != "it was idle for too long" {
			t.Errorf("then: %v", err)
		}
	})
}

func TestASessionEndsAfterADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sessions, b := NewSessions(sessionKeysOf(t, "a"), true), &browser{}
		b.begin(t, sessions, jane)
		end := time.Now().Add(SessionMax)
		for time.Until(end) > 30*time.Minute {
			time.Sleep(30 * time.Minute)
			if session, err := b.read(sessions); err != nil || !session.ExpiresAt.Equal(end) {
				t.Fatalf("%v before the end: %+v, %v", time.Until(end), session, err)
			}
		}
		if !b.endsAt.Equal(end) {
			t.Errorf("the last cookie ends at %v, the session at %v", b.endsAt, end)
		}
		time.Sleep(30 * time.Minute)
		if _, err := b.read(sessions); why(t, err) != "it has ended" {
			t.Errorf("at the end: %v", err)
		}
	})
}

func TestSigningOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sessions, b := NewSessions(sessionKeysOf(t, "a"), false), &browser{}
		b.begin(t, sessions, jane)
		other := &browser{}
		other.begin(t, sessions, jane)
		if b.cookie.Name != "drawdown_session" || b.cookie.Secure {
			t.Errorf("without TLS the cookie is %v", b.cookie)
		}
		stolen, w := *b, httptest.NewRecorder()
		sessions.End(w, b.request())
		b.take(w)
		if b.cookie.MaxAge != -1 || b.cookie.Value != "" {
			t.Errorf("the cookie stays: %v", b.cookie)
		}
		if _, err := stolen.read(sessions); why(t, err) != "it was signed out" {
			t.Errorf("a copy: %v", err)
		}
		if _, err := other.read(sessions); err != nil {
			t.Errorf("another session of the same person: %v", err)
		}
		sessions.End(httptest.NewRecorder(), (&browser{}).request()) // nobody signs out: nothing happens
	})
}

func TestSessionKeysAreReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old, both, later := NewSessions(sessionKeysOf(t, "a"), true), NewSessions(sessionKeysOf(t, "b", "a"), true), NewSessions(sessionKeysOf(t, "b"), true)
		b := &browser{}
		b.begin(t, old, jane)
		if _, err := b.read(later); why(t, err) != errNotSealed.Error() {
			t.Errorf("without the old key: %v", err)
		}
		time.Sleep(sessionRefresh)
		if _, err := b.read(both); err != nil { // is sealed anew, with the new one
			t.Errorf("with both: %v", err)
		}
		if _, err := b.read(later); err != nil {
			t.Errorf("sealed anew: %v", err)
		}
		if _, err := b.read(old); why(t, err) == "" {
			t.Error("the old key opens what the new one has sealed")
		}
	})
}

func TestChangedCookies(t *testing.T) {
	sessions, b := NewSessions(sessionKeysOf(t, "a"), true), &browser{}
	b.begin(t, sessions, jane)
	whole := b.cookie.Value
	for i := range whole {
		for _, with := range []string{"A", "B", "", "."} {
			if b.cookie.Value = whole[:i] + with + whole[i+1:]; b.cookie.Value == whole {
				continue
			}
			if _, err := b.read(sessions); why(t, err) == "" {
				t.Fatalf("changed at %d to %q: accepted", i, with)
			}
		}
	}
	for name, value := range map[string]string{
		"cut": whole[:len(whole)-1], "long": strings.Repeat("A", sealedMax+1), "a link": must(NewLinks(sessionKeysOf(t, "a")).Make("acme", time.Minute)).Token,
		"JSON": `{"i":"1"}`, "only a nonce": base64.RawURLEncoding.EncodeToString(make([]byte, 12)),
	} {
		b.cookie.Value = value
		if _, err := b.read(sessions); why(t, err) == "" {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestSessionsThatCannotBe(t *testing.T) {
	sessions := NewSessions(sessionKeysOf(t, "a"), true)
	for name, p := range map[string]*Principal{
		"nobody": nil, "nothing to do": {ID: "x", Role: Customer, Scopes: []Scope{}}, "too much": {ID: strings.Repeat("x", 5000)},
	} {
		w := httptest.NewRecorder()
		if err := sessions.Begin(w, p); err == nil || len(w.Result().Cookies()) != 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSessionKeysThatCannotBe(t *testing.T) {
	good := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("s", 32)))
	short := base64.StdEncoding.EncodeToString([]byte("secret"))
	for name, c := range map[string]struct {
		text string
		says []string
	}{
		"nothing":    {"\n# only this\n", []string{"there are 0"}},
		"short":      {good + "\n" + short, []string{"line 2"}},
		"no base64":  {"secret!\n\nsecret?", []string{"line 1", "line 3"}},
		"twice":      {good + "\n" + good, []string{"line 2: stands there twice"}},
		"too many":   {manyKeys(sessionKeysMax + 1), []string{"there are 9"}},
		"a key's id": {"k1:" + good, []string{"line 1"}},
	} {
		_, err := ParseSessionKeys([]byte(c.text))
		if err == nil || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), good) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, part := range c.says {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %v, expected %s", name, err, part)
			}
		}
	}
	keys, err := ParseSessionKeys([]byte("# today's\n" + good + "\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	if printed := fmt.Sprintf("%v %+v %#v %s", keys, keys, keys, keys.LogValue()); strings.Contains(printed, "sss") || strings.Contains(printed, "115") {
		t.Errorf("printed as %s", printed)
	}
	if _, err := LoadSessionKeys(t.TempDir() + "/absent"); err == nil {
		t.Error("an absent file is read")
	}
}

func manyKeys(count int) (text string) {
	for i := range count {
		text += base64.StdEncoding.EncodeToString([]byte(strings.Repeat(string(rune('a'+i)), 32))) + "\n"
	}
	return text
}

func FuzzSealed(f *testing.F) {
	keys := sessionKeysOf(f, "a", "b")
	f.Add(must(NewLinks(sessionKeysOf(f, "c")).Make("acme", time.Minute)).Token) // by another key: each of the fuzzer's processes draws ids of its own
	f.Add("")
	f.Add(strings.Repeat("A", 100))
	sessions, links := NewSessions(keys, true), NewLinks(keys)
	f.Fuzz(func(t *testing.T, text string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Cookie", sessions.name()+"="+text)
		if _, err := sessions.Read(httptest.NewRecorder(), r); !errors.Is(err, ErrUnauthenticated) {
			t.Errorf("as a cookie: %v", err)
		}
		if _, err := links.Open(text); !errors.Is(err, ErrUnauthenticated) {
			t.Errorf("as a link: %v", err)
		}
	})
}
