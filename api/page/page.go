package page

import (
	"errors"
	"log/slog"
	"net/http"
)

// base is where the page is mounted.
const base = "/billing/"

// bodyBytesMax bounds a form: the longest has 20 addresses of 128 bytes.
const bodyBytesMax = 64 << 10

// site is the billing page of one server.
type site struct {
	config Config
	Deps
	assets assets
	pages  pages
}

// New returns the handler of everything below /billing/.
func New(config Config, deps Deps) (http.Handler, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	if deps.Office == nil || deps.Sessions == nil || deps.Links == nil {
		return nil, errors.New("page: it needs an office, sessions and links")
	}
	if deps.Logger == nil {
		deps.Logger = slog.New(slog.DiscardHandler)
	}
	s := &site{config: config, Deps: deps}
	var err error
	if s.assets, err = loadAssets(); err != nil {
		return nil, err
	}
	if s.pages, err = loadPages(); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	s.assets.handle(mux)
	s.routes(mux)
	return guarded(config.CheckoutOrigins, http.MaxBytesHandler(mux, bodyBytesMax)), nil
}

// routes are all addresses. What is private redirects visitors who are not signed in.
func (s *site) routes(mux *http.ServeMux) {
	open := func(pattern string, answer answer) { mux.Handle(pattern, s.open(answer)) }
	open("GET "+base+"signin", (*visit).signIn)
	open("GET "+base+"signin/begin", (*visit).beginLogin)
	open("GET "+base+"signin/finish", (*visit).finishLogin)
	open("GET "+base+"link", (*visit).link)
	open("POST "+base+"link", (*visit).openLink)
	open("POST "+base+"signout", (*visit).signOut)
	open(base, (*visit).nothingHere)

	private := func(pattern string, answer answer) { mux.Handle(pattern, s.private(answer)) }
	private("GET "+base+"{$}", (*visit).overview)
	private("GET "+base+"live", (*visit).live)
	private("GET "+base+"usage", (*visit).usage)
	private("GET "+base+"syncs", (*visit).syncs)
	private("GET "+base+"syncs/receipt", (*visit).receipt)
	private("GET "+base+"purchases", (*visit).purchases)
	private("POST "+base+"purchases", (*visit).order)
	private("GET "+base+"returned", (*visit).returned)
	private("GET "+base+"cancelled", (*visit).cancelled)
	private("POST "+base+"cards", (*visit).saveCard)
	private("POST "+base+"cards/removal", (*visit).removeCard)
	private("GET "+base+"auto-purchase", (*visit).confirmAutoPurchase)
	private("POST "+base+"auto-purchase", (*visit).setAutoPurchase)
	private("POST "+base+"program", (*visit).enrol)
	private("GET "+base+"settings", (*visit).settings)
	private("POST "+base+"settings/contacts", (*visit).setContacts)
	private("POST "+base+"settings/priority", (*visit).setPriority)
	private("POST "+base+"settings/gate", (*visit).setGate)
	private("POST "+base+"settings/acknowledgement", (*visit).acknowledge)
}
