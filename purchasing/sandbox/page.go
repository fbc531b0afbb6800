package sandbox

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
)

// Where the pages are, below [Config.BaseURL].
const (
	sessionsPath = "sessions/"
	receiptsPath = "receipts/"
)

// formMax bounds what is read of a form, which has a few short fields.
const formMax = 16 << 10

// Pages serves the sandbox's checkout and its receipts below /sandbox/. Which gateway began a session does not matter where
// the key is the same. What a visitor does is told by [Config.Told], before they are sent back.
//
// A session's address is its only secret: who has it may pay, and an address of one's own is worth nothing to another. So a
// form that another site sends is refused, but no cookie is needed.
func (g *Gateway) Pages() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /sandbox/"+sessionsPath+"{session}", g.sessionPage)
	mux.HandleFunc("POST /sandbox/"+sessionsPath+"{session}", g.sessionForm)
	mux.HandleFunc("GET /sandbox/"+receiptsPath+"{receipt}", g.receiptPage)
	mux.HandleFunc("/sandbox/", func(w http.ResponseWriter, _ *http.Request) {
		g.refuse(w, http.StatusNotFound, "There is nothing here", "A checkout begins where credits are bought.", "")
	})
	return http.NewCrossOriginProtection().Handler(mux)
}

// sessionOf reads the request's session. Where there is none it answers, and returns nil.
func (g *Gateway) sessionOf(w http.ResponseWriter, r *http.Request) *session {
	s, err := g.readSession(r.PathValue("session"))
	var stale *staleError
	switch {
	case errors.As(err, &stale):
		g.refuse(w, http.StatusGone, "This page is no longer valid", "It was open for more than an hour. Go back and begin again.",
			stale.session.CancelURL)
		return nil
	case err != nil:
		g.refuse(w, http.StatusNotFound, "This page does not exist", "The address is not complete, or it was changed.", "")
		return nil
	}
	return s
}

// sessionPage shows what is bought and asks for a card, or says that it is done.
func (g *Gateway) sessionPage(w http.ResponseWriter, r *http.Request) {
	s := g.sessionOf(w, r)
	if s == nil {
		return
	}
	if done, receipt := g.doneWith(s); done {
		g.show(w, http.StatusOK, "done.html", "", doneViewOf(s, receipt))
		return
	}
	view := g.checkoutViewOf(s, r.URL.Query())
	name := "checkout.html"
	if view.Confirming {
		name = "confirm.html"
	}
	g.show(w, http.StatusOK, name, origin(s.SuccessURL), view)
}

// doneWith reports whether a session was completed here, or its order was in another session, with the order's receipt.
func (g *Gateway) doneWith(s *session) (done bool, receipt string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if s.Order != nil {
		if p := g.purchases[s.Order.Purchase]; p != nil && p.sold != nil {
			return true, p.sold.receipt
		}
	}
	return g.isDone[s.ID], ""
}

// sessionForm does what the visitor decided and sends them on: back to where they came from, or to the page, which says what
// is the matter. Sent again, a form leads to the same place.
func (g *Gateway) sessionForm(w http.ResponseWriter, r *http.Request) {
	s := g.sessionOf(w, r)
	if s == nil {
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, formMax)
	if err := r.ParseForm(); err != nil {
		g.refuse(w, http.StatusBadRequest, "The form can't be read", "Go back and try again.", s.CancelURL)
		return
	}
	if done, _ := g.doneWith(s); done {
		g.goOn(w, r, s)
		return
	}
	f := formOf(r.PostForm)
	if said := g.check(s, &f); said != "" {
		g.again(w, r, &f, said)
		return
	}
	if err := wait(r.Context(), g.bankDelay(s, f.card)); err != nil {
		return // the visitor has left; nothing was paid
	}
	if s.Card == nil && f.card == Timeout {
		g.again(w, r, &f, saidNoAnswer)
		return
	}
	err := g.finish(s, f.completion(s))
	switch {
	case err == nil, errors.Is(err, errDone):
		g.goOn(w, r, s)
	case errors.Is(err, ErrRefused):
		g.again(w, r, &f, refusal(f.card))
	default:
		g.again(w, r, &f, saidQuantity)
	}
}

// goOn sends the visitor back; where nobody said to where, to the page.
func (g *Gateway) goOn(w http.ResponseWriter, r *http.Request, s *session) {
	if origin(s.SuccessURL) == "" {
		redirect(w, "?")
		return
	}
	redirect(w, s.SuccessURL)
}

// again sends the visitor back to the page with what they had chosen.
func (g *Gateway) again(w http.ResponseWriter, r *http.Request, f *form, said string) {
	query := url.Values{"said": {said}}
	if f.card != "" {
		query.Set("card", f.card)
	}
	if f.quantity != "" {
		query.Set("quantity", f.quantity)
	}
	redirect(w, "?"+query.Encode())
}

// redirect answers a form with the page that follows it, so that reloading does not send the form again. A relative
// address is left to the browser, which alone knows under which address this server is reached.
func redirect(w http.ResponseWriter, to string) {
	w.Header().Set("Location", to)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusSeeOther)
}

// form is what the visitor sent.
type form struct {
	card      string
	quantity  string // as it was typed
	shown     string // the quantity that the page showed the total of
	confirmed string // "", "yes" or "no": what the visitor told the bank
}

func formOf(sent url.Values) form {
	return form{card: sent.Get("card"), quantity: sent.Get("quantity"), shown: sent.Get("shown"), confirmed: sent.Get("confirmed")}
}

// completion is what the visitor decided, for a form that was checked. A card that is saved has a name of its own, as
// cards have: the same card saved again, after another one, is not what was there before.
func (f *form) completion(s *session) Completion {
	c := Completion{Method: f.card, Confirmed: f.confirmed == "yes"}
	if s.Card != nil {
		c.Method += "-" + s.ID[len(s.ID)-8:]
	}
	c.Quantity, _ = strconv.ParseInt(f.quantity, 10, 64) // checked
	return c
}
