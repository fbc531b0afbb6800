package page

import (
	"net/http"
	"net/url"
	"strings"

	"drawdown/api/access"
)

// signInPage asks a visitor to sign in.
type signInPage struct {
	*shell
	Provider bool // there is an identity provider
	Token    string
}

// askToSignIn answers who is not signed in. The script, which asks for what has changed, is told by the status alone.
func (v *visit) askToSignIn() error {
	if v.r.Method != http.MethodGet || strings.HasPrefix(v.r.URL.Path, base+"live") {
		return v.renderSignIn(http.StatusUnauthorized)
	}
	return v.seeOther(base + "signin")
}

func (v *visit) signIn() error { return v.renderSignIn(http.StatusOK) }

func (v *visit) renderSignIn(status int) error {
	return v.render(status, "signin", &signInPage{shell: v.shell("signin", "Sign in"), Provider: v.Login != nil})
}

// beginLogin goes to the identity provider.
func (v *visit) beginLogin() error {
	if v.Login == nil {
		return v.nothingHere()
	}
	return v.Login.Begin(v.w, v.r)
}

// finishLogin comes back from there.
func (v *visit) finishLogin() error {
	if v.Login == nil {
		return v.nothingHere()
	}
	principal, err := v.Login.Finish(v.w, v.r)
	if err != nil {
		v.Logger.InfoContext(v.ctx(), "a visitor could not be signed in", "error", err)
		return v.seeOther(base + "signin?said=sign_in_failed")
	}
	return v.welcome(principal)
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
	return v.welcome(principal)
}

// welcome begins a session.
func (v *visit) welcome(p *access.Principal) error {
	if err := v.Sessions.Begin(v.w, p); err != nil {
		return err
	}
	return v.seeOther(base)
}

// signOut ends the session.
func (v *visit) signOut() error {
	v.Sessions.End(v.w, v.r)
	return v.seeOther(base + "signin?said=signed_out")
}

// accountsPerPage is how many accounts a page lists.
const accountsPerPage = 100

// accountsPage lets choose an account whoever sees all of them.
type accountsPage struct {
	*shell
	Accounts []accountLink
	Next     string
}

// accountLink is one account.
type accountLink struct{ Account, URL string }

// chooseAccount lists the accounts.
func (v *visit) chooseAccount() error {
	ids, next, err := v.Office.Accounts(v.ctx(), v.principal, v.r.URL.Query().Get("cursor"), accountsPerPage)
	if err != nil {
		return err
	}
	page := &accountsPage{shell: v.shell("accounts", "Accounts")}
	for _, id := range ids {
		page.Accounts = append(page.Accounts, accountLink{id, base + "?" + url.Values{"account": {id}}.Encode()})
	}
	if next != "" {
		page.Next = base + "?" + url.Values{"cursor": {next}}.Encode()
	}
	return v.render(http.StatusOK, "accounts", page)
}
