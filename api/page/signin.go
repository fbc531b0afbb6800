package page

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"

	"drawdown/api/access"
)

// signInPage asks a visitor to sign in.
type signInPage struct {
	*shell
	LoginURL string // begins signing in at the identity provider, "" where there is none
	Token    string
}

// askToSignIn answers who is not signed in. The script, which asks for what has changed, is told by the status alone.
func (v *visit) askToSignIn() error {
	if v.r.Method != http.MethodGet || strings.HasPrefix(v.r.URL.Path, base+"live") {
		return v.renderSignIn(http.StatusUnauthorized)
	}
	if path := v.r.URL.RequestURI(); path != base {
		return v.seeOther(v.url("signin", "next", path))
	}
	return v.seeOther(v.url("signin"))
}

func (v *visit) signIn() error { return v.renderSignIn(http.StatusOK) }

func (v *visit) renderSignIn(status int) error {
	page := &signInPage{shell: v.shell("signin", "Sign in")}
	if v.Login != nil {
		page.LoginURL = v.url("signin/begin", "next", v.next())
	}
	return v.render(status, "signin", page)
}

// next is where somebody wanted to go who had to sign in first: a place on this page, or "".
func (v *visit) next() string {
	next := v.r.URL.Query().Get("next")
	parsed, err := url.Parse(next)
	if err != nil || parsed.Scheme != "" || parsed.Host != "" || !strings.HasPrefix(next, base) || strings.Contains(next, "\\") || strings.Contains(parsed.Path, "..") {
		return ""
	}
	return next
}

// beginLogin goes to the identity provider.
func (v *visit) beginLogin() error {
	if v.Login == nil {
		return v.nothingHere()
	}
	return v.Login.Begin(v.w, v.r, cmp.Or(v.next(), base))
}

// finishLogin comes back from there.
func (v *visit) finishLogin() error {
	if v.Login == nil {
		return v.nothingHere()
	}
	principal, next, err := v.Login.Finish(v.w, v.r)
	if err != nil {
		v.Logger.InfoContext(v.ctx(), "a visitor could not be signed in", "error", err)
		return v.seeOther(base + "signin?said=sign_in_failed")
	}
	return v.welcome(principal, next)
}

// link shows a button: programs that look at the links in mails follow them, but press no buttons, so the link is still
// good when its reader comes. The script presses it.
func (v *visit) link() error {
	return v.render(http.StatusOK, "link", &signInPage{shell: v.shell("signin", "Sign in"), Token: v.r.URL.Query().Get("token")})
}

// openLink signs in whoever the link is for.
func (v *visit) openLink() error {
	principal, err := v.Links.Open(v.r.PostFormValue("token"))
	if err != nil {
		v.Logger.InfoContext(v.ctx(), "a sign-in link was refused", "error", err)
		return v.seeOther(base + "signin?said=sign_in_link_failed")
	}
	return v.welcome(principal, base)
}

// welcome begins a session.
func (v *visit) welcome(p *access.Principal, next string) error {
	if err := v.Sessions.Begin(v.w, p); err != nil {
		return err
	}
	return v.seeOther(next)
}

// signOut ends the session.
func (v *visit) signOut() error {
	v.Sessions.End(v.w, v.r)
	return v.seeOther(base + "signin?said=signed_out")
}
