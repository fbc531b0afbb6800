package demo

import (
	"context"
	"crypto/rand"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"drawdown"
	"drawdown/api/access"
	"drawdown/internal/app"
)

// visitor is who opens the demo's link: somebody of the seller's, who sees all accounts. The session is made here, with keys
// that only this demo has: sign-in links elsewhere work once and for minutes, and nothing of the demo changes that.
var visitor = &access.Principal{ID: "demo:visitor", Role: access.Operator}

// visitorSource is the source of the operations that the visitor appends.
var visitorSource = "drawdown/api/" + visitor.ID

// Places of the billing page that the door knows.
const (
	pagePath      = "/billing/"
	returnedPath  = pagePath + "returned"
	cancelledPath = pagePath + "cancelled"
	settingsPath  = pagePath + "settings/"
)

// door stands before the API and the billing page, and lets in whoever comes by the demo's link, as often as they come.
type door struct {
	path     string // of the link. Other users of this machine can reach the port, but can't guess it
	first    string // the account that is shown first
	sessions *access.Sessions
	next     http.Handler

	mu      sync.Mutex
	touched map[string]bool // accounts whose settings the visitor has changed, or tried to
}

// newDoor puts a door before a handler. The session keys are those of the API.
func newDoor(sessionKeys, first string, next http.Handler) (*door, error) {
	keys, err := access.ParseSessionKeys([]byte(sessionKeys))
	if err != nil {
		return nil, err
	}
	const secretLen = 13 // 65 bits
	path := "/demo/" + strings.ToLower(rand.Text()[:secretLen])
	return &door{path: path, first: first, sessions: access.NewSessions(keys, false), next: next, touched: map[string]bool{}}, nil
}

// ServeHTTP implements [http.Handler].
func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method == http.MethodGet && r.URL.Path == d.path:
		d.enter(w, r)
	case strings.HasPrefix(r.URL.Path, pagePath):
		d.visit(w, r)
	default:
		d.next.ServeHTTP(w, r)
	}
}

// enter signs the visitor in.
func (d *door) enter(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	if err := d.sessions.Begin(w, visitor); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	http.Redirect(w, r, pageOf(d.first), http.StatusSeeOther)
}

// leftCookie remembers the account of the visitor's last form: forms lead to the gateway.
const leftCookie = "drawdown_demo_account"

// visit shows a page. The gateway sends everybody back to one address, which says no account: customers have one only. To
// a visitor who sees all of them the door adds the one that they left from.
func (d *door) visit(w http.ResponseWriter, r *http.Request) {
	account := r.URL.Query().Get("account")
	switch cookie, err := r.Cookie(leftCookie); {
	case account == "" && err == nil && (r.URL.Path == returnedPath || r.URL.Path == cancelledPath):
		http.Redirect(w, r, r.URL.Path+"?"+url.Values{"account": {cookie.Value}}.Encode(), http.StatusSeeOther)
		return
	case r.Method == http.MethodPost && drawdown.ValidAccount([]byte(account)):
		if strings.HasPrefix(r.URL.Path, settingsPath) {
			d.touch(account)
		}
		http.SetCookie(w, &http.Cookie{Name: leftCookie, Value: account, Path: pagePath, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	}
	d.next.ServeHTTP(w, r)
}

func (d *door) touch(account string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.touched[account] = true
}

// changed are the accounts whose settings the visitor has changed: who is told what of them, and when they are stopped, is
// not what the story says any more.
func (d *door) changed() map[string]bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.touched)
}

// pageOf is where the page shows an account.
func pageOf(account string) string { return pagePath + "?" + url.Values{"account": {account}}.Encode() }

// front is the API and the page, on a port that was taken before anything knew their address. It implements [app.Part].
type front struct {
	*app.RunningAPI
	listener net.Listener
}

// Run implements [app.Part].
func (f *front) Run(ctx context.Context) error { return f.Serve(ctx, f.listener) }
