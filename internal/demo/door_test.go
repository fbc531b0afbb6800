package demo

import (
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"testing"

	"drawdown/api/access"
)

// pageBehind is what stands behind the door in a test: it tells who is signed in, and what was asked for.
type pageBehind struct {
	sessions *access.Sessions
	asked    []string
}

func (p *pageBehind) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.asked = append(p.asked, r.URL.RequestURI())
	session, err := p.sessions.Read(w, r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	if session.Principal.ID != visitor.ID || session.Principal.Role != access.Operator || session.Principal.Account != "" {
		http.Error(w, "somebody else", http.StatusForbidden)
	}
}

// behindADoor serves a page behind a door, and returns a browser that keeps cookies, which sends forms and opens addresses.
func behindADoor(t *testing.T) (d *door, behind *pageBehind, post, browser func(path string) *http.Response) {
	t.Helper()
	secret := newKey()
	keys, err := access.ParseSessionKeys([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	behind = &pageBehind{sessions: access.NewSessions(keys, false)}
	if d, err = newDoor(secret, "acme-data", behind); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(d)
	t.Cleanup(server.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar, Transport: server.Client().Transport}
	send := func(method string) func(string) *http.Response {
		return func(path string) *http.Response {
			t.Helper()
			request, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			response, err := client.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			return response
		}
	}
	return d, behind, send(http.MethodPost), send(http.MethodGet)
}

func TestTheLinkSignsInAsOftenAsItIsOpened(t *testing.T) {
	d, behind, _, browser := behindADoor(t)
	if response := browser("/billing/"); response.StatusCode != http.StatusUnauthorized {
		t.Errorf("before the link was opened: %s", response.Status)
	}
	for range 3 {
		response := browser(d.path)
		if response.StatusCode != http.StatusOK || response.Request.URL.RequestURI() != "/billing/?account=acme-data" {
			t.Errorf("%s at %s", response.Status, response.Request.URL)
		}
	}
	if len(behind.asked) != 4 {
		t.Errorf("asked for were %v", behind.asked)
	}
}

func TestOnlyTheLinkSignsIn(t *testing.T) {
	d, behind, _, browser := behindADoor(t)
	for _, path := range []string{"/demo/", d.path + "/", d.path[:len(d.path)-1], strings.ToUpper(d.path), "/billing/link"} {
		if response := browser(path); response.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: %s", path, response.Status)
		}
	}
	if other, err := newDoor(newKey(), "acme-data", behind); err != nil || other.path == d.path {
		t.Errorf("another demo has the link %v, %v", other.path, err)
	}
}

// TestASessionOfAnotherDemoIsNone: cookies of one machine are shared by all its ports.
func TestASessionOfAnotherDemoIsNone(t *testing.T) {
	d, _, _, browser := behindADoor(t)
	cookie := browserCookie(t, d)
	_, other, _, _ := behindADoor(t)
	request := httptest.NewRequest(http.MethodGet, "/billing/", nil)
	request.AddCookie(cookie)
	answer := httptest.NewRecorder()
	other.ServeHTTP(answer, request)
	if answer.Code != http.StatusUnauthorized {
		t.Errorf("status %d", answer.Code)
	}
	if response := browser("/billing/"); response.StatusCode != http.StatusUnauthorized {
		t.Errorf("without any: %s", response.Status)
	}
}

// browserCookie is the cookie that a door's link brings.
func browserCookie(t *testing.T, d *door) *http.Cookie {
	t.Helper()
	answer := httptest.NewRecorder()
	d.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, d.path, nil))
	cookies := answer.Result().Cookies()
	if len(cookies) != 1 || !cookies[0].HttpOnly {
		t.Fatalf("cookies %v", cookies)
	}
	return cookies[0]
}

// TestWhoComesBackFromTheGatewaySeesTheAccountThatTheyLeft: the gateway's return address names none.
func TestWhoComesBackFromTheGatewaySeesTheAccountThatTheyLeft(t *testing.T) {
	d, behind, post, browser := behindADoor(t)
	browser(d.path)
	browser(returnedPath)
	if last := behind.asked[len(behind.asked)-1]; last != returnedPath {
		t.Errorf("before they left, %s", last)
	}
	post("/billing/purchases?account=birchwood")
	if changed := d.changed(); len(changed) != 0 {
		t.Errorf("changed are %v by an order", changed)
	}
	post("/billing/settings/contacts?account=elm-clinic")
	if changed := d.changed(); len(changed) != 1 || !changed["elm-clinic"] {
		t.Errorf("changed are %v", changed)
	}
	post("/billing/purchases?account=birchwood")
	browser("/billing/usage?account=cobalt-labs") // looked at meanwhile, in another window
	for _, path := range []string{returnedPath, cancelledPath} {
		browser(path)
		if last := behind.asked[len(behind.asked)-1]; last != path+"?account=birchwood" {
			t.Errorf("%s led to %s", path, last)
		}
	}
	post("/billing/?account=%22;bad")
	post("/billing/signout")
	browser("/billing/")
	if last := behind.asked[len(behind.asked)-1]; last != "/billing/" {
		t.Errorf("the choice of accounts led to %s", last)
	}
	browser(returnedPath)
	if last := behind.asked[len(behind.asked)-1]; last != returnedPath+"?account=birchwood" {
		t.Errorf("after an account that can't be, %s", last)
	}
}
