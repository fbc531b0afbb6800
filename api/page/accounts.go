package page

import (
	"net/http"
	"net/url"
)

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
