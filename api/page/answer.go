package page

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"

	"drawdown"
	"drawdown/api/office"
)

// shell is what every page has around its content. Pages embed it.
type shell struct {
	visit   *visit
	Title   string
	Place   string // which tab is the current one
	LiveURL string // what refreshes by itself is there; "" for nothing
	Said    *banner
	Banners []banner
	facts   *facts
}

// shell begins a page. What a form said is told on the page that follows it.
func (v *visit) shell(place, title string) *shell {
	return &shell{visit: v, Place: place, Title: title, Said: said(v.r.URL.Query().Get("said"))}
}

// of shows an account on the page: banners, and what refreshes by itself.
func (s *shell) of(f *facts, view string, parameters ...string) *shell {
	s.facts, s.Banners = f, s.visit.banners(f)
	s.LiveURL = s.visit.url("live", append([]string{"view", view}, parameters...)...)
	return s
}

// Name is who sells the credits.
func (s *shell) Name() string { return s.visit.config.Name }

// Account is the account that is shown, "" for none.
func (s *shell) Account() string { return s.visit.account }

// SignedIn reports whether somebody is.
func (s *shell) SignedIn() bool { return s.visit.principal != nil }

// ChoosesAccounts reports whether the visitor sees all accounts.
func (s *shell) ChoosesAccounts() bool {
	return s.visit.principal != nil && s.visit.principal.Account == ""
}

// URL is the address of a place, see [visit.url].
func (s *shell) URL(place string, parameters ...string) string {
	return s.visit.url(place, parameters...)
}

// Asset is the address of an embedded file.
func (s *shell) Asset(name string) string { return s.visit.assets[name].URL }

// RefreshMilliseconds is how often the script asks for what has changed.
func (s *shell) RefreshMilliseconds() int64 { return s.visit.config.RefreshEvery.Milliseconds() }

// Key makes the key of a form.
func (s *shell) Key() string { return newKey() }

// SalesURL, InvoiceURL and SupportURL are the configured links, "" for none.
func (s *shell) SalesURL() string { return s.visit.config.SalesURL }

// InvoiceURL is where an invoice is requested.
func (s *shell) InvoiceURL() string { return s.visit.config.InvoiceURL }

// SupportURL is where help is.
func (s *shell) SupportURL() string { return s.visit.config.SupportURL }

// tab is one entry of the navigation.
type tab struct {
	Label, URL string
	Current    bool
}

// Tabs are the navigation.
func (s *shell) Tabs() []tab {
	tabs := []tab{{Label: "Overview"}, {Label: "Usage"}, {Label: "Purchases"}, {Label: "Settings"}}
	for i, place := range []string{"", "usage", "purchases", "settings"} {
		tabs[i].URL, tabs[i].Current = s.visit.url(place), s.Place == place
	}
	return tabs
}

// render answers with a page. It is rendered whole before anything is sent, so that a fault is not half a page.
func (v *visit) render(status int, page string, data any) error {
	var body bytes.Buffer
	if err := v.pages[page].ExecuteTemplate(&body, "layout", data); err != nil {
		return fmt.Errorf("render %s: %w", page, err)
	}
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.w.WriteHeader(status)
	_, err := body.WriteTo(v.w)
	if err != nil {
		v.Logger.DebugContext(v.ctx(), "the visitor went away", "error", err)
	}
	return nil
}

// trouble is the page that says why there is no other.
type trouble struct {
	*shell
	Text string
}

// settle answers what could not be answered otherwise.
func (v *visit) settle(err error) {
	if err == nil {
		return
	}
	status, title, text := explain(err)
	if status >= http.StatusInternalServerError {
		v.Logger.ErrorContext(v.ctx(), "a page of the billing page failed", "path", v.r.URL.Path, "account", v.account, "error", err)
	}
	page := &trouble{v.shell("trouble", title), text}
	page.Said = nil
	if err := v.render(status, "trouble", page); err != nil {
		v.Logger.ErrorContext(v.ctx(), "the page that says so failed as well", "error", err)
		http.Error(v.w, title, status)
	}
}

// errUnreadable is a fault of a request that no form of the page makes.
var errUnreadable = &office.Error{Kind: office.Invalid, Reason: "unreadable_form", Detail: "The form could not be read."}

// explain says an error to a visitor.
func explain(err error) (status int, title, text string) {
	var refusal *office.Error
	if !errors.As(err, &refusal) {
		return http.StatusInternalServerError, "Something went wrong", "This page can’t be shown right now. Nothing of your account has changed because of it."
	}
	switch refusal.Kind {
	case office.NotFound:
		return http.StatusNotFound, "There is nothing here", "The address is not right, or what it named is not there any more."
	case office.Forbidden:
		return http.StatusForbidden, "That is not yours to do", refusal.Detail
	case office.Conflict:
		return http.StatusConflict, "That can’t be done now", refusal.Detail
	case office.Unavailable:
		return http.StatusServiceUnavailable, "We can’t show this right now", "A part of the service is not reachable. Your credits and your syncs are not affected. Please try again in a minute."
	default:
		return http.StatusUnprocessableEntity, "That can’t be done", refusal.Detail
	}
}

// nothingHere answers for every other address.
func (v *visit) nothingHere() error {
	return &office.Error{Kind: office.NotFound, Reason: "no_such_page", Detail: "There is no such page."}
}

// refusal says an error on the page whose form was refused. Errors that are nobody's to repair there are not said so.
func refusal(err error) (*banner, int, error) {
	var refused *office.Error
	if !errors.As(err, &refused) || refused.Reason == "no_such_account" {
		return nil, 0, err
	}
	status, title, text := explain(err)
	b := &banner{ID: "said", Tone: "bad", Title: title, Text: text}
	if len(refused.Missing) > 0 {
		b.Title, b.Text = "Not yet", "This is still needed:"
	}
	for _, missing := range refused.Missing {
		b.List = append(b.List, missingText(missing))
	}
	return b, status, nil
}

// do does something to the account and redirects to the place where it shows, or shows again the page of the form, and
// what was wrong with it.
func (v *visit) do(action office.Action, place, done string, again func(*banner, int) error) error {
	written, err := v.Office.Do(v.ctx(), v.principal, v.account, action, office.Write{Wait: v.config.WriteWait})
	if err != nil {
		problem, status, err := refusal(err)
		if err != nil {
			return err
		}
		return again(problem, status)
	}
	switch written.State {
	case office.Rejected:
		return again(rejection(written.Reason), http.StatusConflict)
	case office.Appended:
		done = "appended"
	case office.Applied:
	}
	return v.seeOther(v.url(place, "said", done))
}

// rejection says why the engine did not do what the office let through.
func rejection(reason drawdown.Reason) *banner {
	b := &banner{ID: "said", Tone: "bad", Title: "That can’t be done"}
	switch reason {
	case drawdown.EmailNotVerified:
		b.Text = missingText("email_verified")
	case drawdown.NoPaymentMethod:
		b.Text = missingText("payment_method")
	case drawdown.NoEligibleConnector:
		b.Text = missingText("eligible_connector")
	case drawdown.UnknownConnection:
		b.Text = "That connection is not there any more."
	default:
		b.Text = "It was refused because something changed meanwhile. Look at the page again, then repeat it."
	}
	return b
}

// missingText says a precondition of the Free Connector Program that is not met, and what helps.
func missingText(missing string) string {
	switch missing {
	case "email_verified":
		return "Your e-mail address is not verified yet."
	case "payment_method":
		return "No card is saved yet."
	case "eligible_connector":
		return "None of your connections uses an alpha or beta connector yet."
	default:
		return missing
	}
}
