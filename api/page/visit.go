package page

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/url"
	"strings"

	"drawdown/api/access"
)

// visit is one request.
type visit struct {
	*site
	w         http.ResponseWriter
	r         *http.Request
	principal *access.Principal // nil where nobody is signed in
	account   string
}

// answer answers a visit; an error becomes a page that says what happened.
type answer func(*visit) error

// open answers whoever asks.
func (s *site) open(next answer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := &visit{site: s, w: w, r: r}
		v.settle(next(v))
	})
}

// private answers whoever is signed in.
func (s *site) private(next answer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := &visit{site: s, w: w, r: r}
		session, err := s.Sessions.Read(w, r)
		if err != nil {
			v.settle(v.askToSignIn())
			return
		}
		v.principal, v.account = session.Principal, session.Principal.Account
		if v.account == "" { // it sees all accounts: the address names one
			v.account = r.URL.Query().Get("account")
		}
		if v.account == "" {
			v.settle(v.chooseAccount())
			return
		}
		v.settle(next(v))
	})
}

func (v *visit) ctx() context.Context { return v.r.Context() }

// url is the address of a place on this page, with parameters as pairs. It carries the account along for whoever chose
// one.
func (v *visit) url(place string, parameters ...string) string {
	query := url.Values{}
	if v.principal != nil && v.principal.Account == "" && v.account != "" {
		query.Set("account", v.account)
	}
	for i := 0; i+1 < len(parameters); i += 2 {
		if parameters[i+1] != "" {
			query.Set(parameters[i], parameters[i+1])
		}
	}
	if len(query) == 0 {
		return base + place
	}
	return base + place + "?" + query.Encode()
}

// seeOther redirects after a form, so that a reload repeats nothing.
func (v *visit) seeOther(address string) error {
	http.Redirect(v.w, v.r, address, http.StatusSeeOther)
	return nil
}

// field is a member of the form, or of the address for a GET, without the space that people leave around it.
func (v *visit) field(name string) string { return strings.TrimSpace(v.r.FormValue(name)) }

// newKey makes the key of a form: sent twice, it does once what it does.
func newKey() string { return rand.Text() }
