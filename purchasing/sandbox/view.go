package sandbox

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

//go:embed templates
var templateFiles embed.FS

// style stands in each page; the policy allows it by its hash, and no other.
var style = mustRead("templates/style.css")

var styleHash = func() string {
	sum := sha256.Sum256([]byte(style))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}()

func mustRead(name string) string {
	text, err := templateFiles.ReadFile(name)
	if err != nil {
		panic(err) // it is embedded
	}
	return string(text)
}

// pages are the templates by name, each with the layout around it.
var pages = func() map[string]*template.Template {
	all := map[string]*template.Template{}
	functions := template.FuncMap{"style": func() template.CSS { return template.CSS(style) }} //nolint:gosec // embedded
	for _, name := range []string{"checkout.html", "confirm.html", "done.html", "receipt.html", "refused.html"} {
		all[name] = template.Must(template.New("layout.html").Funcs(functions).ParseFS(templateFiles, "templates/layout.html", "templates/"+name))
	}
	return all
}()

// show writes a page. Forms of it may lead to this server and to formsTo ("" for nowhere else), which a browser also
// checks when the answer to a form is a redirect.
func (g *Gateway) show(w http.ResponseWriter, status int, name, formsTo string, view any) {
	var page bytes.Buffer
	if err := pages[name].Execute(&page, view); err != nil {
		http.Error(w, "the page can't be made", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src "+styleHash+"; form-action "+
		strings.TrimSpace("'self' "+formsTo)+"; frame-ancestors 'none'; base-uri 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin") // a session's address is for its visitor only
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Robots-Tag", "noindex")
	w.WriteHeader(status)
	_, _ = w.Write(page.Bytes()) // the visitor may have left
}

// refusedView is what the page says where it can do nothing.
type refusedView struct{ Title, Text, BackURL string }

func (g *Gateway) refuse(w http.ResponseWriter, status int, title, text, backURL string) {
	g.show(w, status, "refused.html", "", &refusedView{title, text, backURL})
}

// plainHost keeps what could end a directive of the policy out of it.
var plainHost = regexp.MustCompile(`^[A-Za-z0-9_.:\[\]-]+$`)

// origin is the scheme and host of an address, "" of what is none.
func origin(address string) string {
	u, err := url.Parse(address)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || !plainHost.MatchString(u.Host) {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// checkoutView is what the checkout shows.
type checkoutView struct {
	Title     string
	Account   string
	Problem   string
	Order     *orderView
	Plan      *subscriptionPart
	Card      *cardPart
	Cards     []choice
	Button    string
	CancelURL string
	// Confirming: the bank asks the visitor whether it is them. Chosen is the card that they took.
	Confirming bool
	Chosen     string
}

// orderView is an order with the total of a quantity.
type orderView struct {
	*orderPart
	Chosen                       int64
	Credits, Each, Subtotal, Tax string
	Adjustable                   bool
	Terms                        string
}

// choice is a test card on the page.
type choice struct {
	card
	Checked bool
}

// checkoutViewOf is a session as the page's address has it: what was chosen, and what is to be said. An address may have
// anything there; what is not known is left out.
func (g *Gateway) checkoutViewOf(s *session, query url.Values) *checkoutView {
	v := &checkoutView{Account: s.Account, CancelURL: s.CancelURL, Card: s.Card, Problem: sentences[query.Get("said")]}
	switch {
	case s.Card != nil:
		v.Title, v.Button = "Save a card", "Save card"
		if s.Card.Backup {
			v.Title = "Save a backup card"
		}
	case s.Order != nil:
		var fault string
		v.Order, fault = orderViewOf(s.Order, query.Get("quantity"))
		if fault != "" {
			v.Problem = fault
		}
		v.Title, v.Button = "Buy credits", "Pay "+v.Order.Subtotal
	default:
		v.Title, v.Plan, v.Button = "Subscribe", s.Subscription, "Subscribe"
		if s.Subscription.Costs != "" {
			v.Button = "Pay " + s.Subscription.Costs
		}
	}
	cards := g.cards(s.Card != nil)
	checked := max(0, slices.IndexFunc(cards, func(c card) bool { return c.Method == query.Get("card") }))
	for n, c := range cards {
		v.Cards = append(v.Cards, choice{card: c, Checked: n == checked})
	}
	v.Chosen = cards[checked].Method
	v.Confirming = query.Get("said") == saidConfirm && v.Chosen == Authentication && s.Card == nil
	return v
}

// orderViewOf is an order of a quantity that was typed; of what can't be ordered, the order as it was, and why.
func orderViewOf(o *orderPart, typed string) (view *orderView, fault string) {
	quantity := o.Quantity
	if typed != "" {
		wanted, err := strconv.ParseInt(typed, 10, 64)
		if err != nil || o.check(wanted) != nil {
			fault = "The quantity can't be ordered. " + terms(o)
		} else {
			quantity = wanted
		}
	}
	return &orderView{
		orderPart: o, Chosen: quantity, Credits: group(strconv.FormatInt(quantity, 10)), Each: o.priceText(),
		Subtotal: money(o.Currency, o.total(quantity)), Tax: o.Currency + " 0.00", Adjustable: o.Min < o.Max, Terms: terms(o),
	}, fault
}

// terms are how many credits can be ordered, in a sentence.
func terms(o *orderPart) string {
	text := fmt.Sprintf("From %s to %s credits", group(strconv.FormatInt(o.Min, 10)), group(strconv.FormatInt(o.Max, 10)))
	if o.Unit > 1 {
		text += ", in steps of " + group(strconv.FormatInt(o.Unit, 10))
	}
	return text + "."
}

// doneView is what the page says of a session that is done.
type doneView struct{ Title, Text, NextURL, ReceiptURL string }

func doneViewOf(s *session, receipt string) *doneView {
	v := &doneView{NextURL: s.SuccessURL}
	switch {
	case s.Card != nil:
		v.Title, v.Text = "The card is saved", "It will be charged when credits are bought automatically."
	case s.Order != nil:
		v.Title, v.Text = "The order is paid", "The credits arrive within seconds."
		if origin(receipt) != "" {
			v.ReceiptURL = receipt
		}
	default:
		v.Title, v.Text = "The subscription is paid", "The plan changes within seconds."
	}
	return v
}
