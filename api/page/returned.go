package page

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"

	"drawdown/api/office"
)

// begunCookie remembers what a visitor left for the checkout with. It says nothing that the visitor could not see, and what
// it says is believed only where the account itself says so.
const begunCookie = "drawdown_begun"

// begunSeconds is for how long that is remembered: longer than a checkout takes.
const begunSeconds = 24 * 60 * 60

// begun is what a visitor began at the gateway.
type begun struct {
	what string // order, card, backup
	// id is the order's purchase, or the fingerprint of the card that was saved before.
	id string
}

// begin remembers what the visitor leaves with.
func (v *visit) begin(b begun) {
	http.SetCookie(v.w, &http.Cookie{
		Name: begunCookie, Value: b.what + "." + hex.EncodeToString([]byte(b.id)), Path: base, MaxAge: begunSeconds,
		HttpOnly: true, Secure: v.config.SecureCookies, SameSite: http.SameSiteLaxMode,
	})
}

// begun is what the visitor left with, false where that is not known.
func (v *visit) begun() (begun, bool) {
	cookie, err := v.r.Cookie(begunCookie)
	if err != nil {
		return begun{}, false
	}
	what, text, _ := strings.Cut(cookie.Value, ".")
	id, err := hex.DecodeString(text)
	return begun{what, string(id)}, err == nil && (what == "order" || what == "card" || what == "backup")
}

// saveCard sends the visitor to where a card is saved.
func (v *visit) saveCard() error {
	f, err := v.facts()
	if err != nil {
		return err
	}
	backup := v.field("slot") == "backup"
	session, err := v.Office.SaveCard(v.ctx(), v.principal, v.account, backup, office.Write{})
	if err != nil {
		problem, status, err := refusal(err)
		if err != nil {
			return err
		}
		return v.settingsOf(problem, status)
	}
	b := begun{what: "card", id: cardMark(f, false)}
	if backup {
		b = begun{what: "backup", id: cardMark(f, true)}
	}
	v.begin(b)
	return v.seeOther(session.URL)
}

// cardMark tells one saved card from another without naming it, and a card that failed from one that did not.
func cardMark(f *facts, backup bool) string {
	method := f.Profile.Primary.Method
	if backup {
		method = f.Profile.Backup.Method
	}
	state := "fine"
	if f.paymentFailed() {
		state = "failed"
	}
	sum := sha256.Sum256([]byte(method + "\n" + state))
	return hex.EncodeToString(sum[:8])
}

// removeCard forgets a card.
func (v *visit) removeCard() error {
	return v.do(office.RemovePaymentMethod{Backup: v.field("slot") == "backup"}, "settings", "card_removed", v.settingsOf)
}

// returnedPage is where visitors come back to from the checkout. What they paid for may arrive a moment later.
type returnedPage struct {
	*shell
	Arrived   bool
	Card      bool // a card, not credits
	Failed    bool // the payment was refused
	Heading   string
	Text      string
	Quantity  string
	Available amount
}

func (v *visit) returned() error {
	f, err := v.facts()
	if err != nil {
		return err
	}
	if _, known := v.begun(); !known {
		return v.seeOther(v.url("purchases"))
	}
	page, err := v.returnedPage(f)
	if err != nil {
		return err
	}
	return v.render(http.StatusOK, "returned", page)
}

func (v *visit) returnedPage(f *facts) (*returnedPage, error) {
	b, _ := v.begun()
	page := &returnedPage{shell: v.shell("purchases", "Your payment").of(f, "returned"), Available: credits(f.Balance.Available)}
	if b.what != "order" {
		page.Title = "Your card"
		page.Card, page.Arrived = true, f.Profile.Primary.Method != "" && cardMark(f, false) != b.id
		if b.what == "backup" {
			page.Arrived = f.Profile.Backup.Method != "" && cardMark(f, true) != b.id
		}
		page.Heading, page.Text = "Waiting for your card", "We are waiting for the confirmation that your card is saved. That usually takes some seconds. If it is the card you had already, nothing changes here: it is used as before."
		if page.Arrived {
			page.Heading, page.Text = "Your card is saved", "It is used from now on."
		}
		return page, nil
	}
	arrived, purchase, err := v.settled(v.ctx(), f, b.id)
	if err != nil {
		return nil, err
	}
	page.Heading, page.Text = "Waiting for your payment", "Your credits appear here as soon as the payment is confirmed. That usually takes some seconds; you need not stay."
	switch {
	case arrived:
		page.Arrived, page.Heading, page.Text = true, "Your credits have arrived", "Thank you. The receipt is among your purchases."
		for i := range f.Balance.Grants {
			if g := &f.Balance.Grants[i]; g.Grant == b.id {
				page.Quantity = credits(g.Amount).Text()
			}
		}
	case purchase != nil && purchase.State == "failed":
		page.Failed, page.Heading, page.Text = true, "The payment did not go through", reasonText(purchase.Reason)
	}
	return page, nil
}

// cancelled is where visitors come back to who paid nothing.
func (v *visit) cancelled() error { return v.seeOther(v.url("purchases", "said", "cancelled")) }

// LiveMessage is what a screen reader hears when it changes.
func (p *returnedPage) LiveMessage() string {
	if p.Arrived && !p.Card {
		return p.Heading + ". Available credits: " + p.Available.Shown + "."
	}
	return p.Heading + "."
}
