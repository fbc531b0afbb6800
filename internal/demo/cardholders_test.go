package demo

import (
	"context"
	"strings"
	"testing"
	"time"

	"drawdown"
	"drawdown/notify"
	"drawdown/notify/email"
	"drawdown/purchasing"
	"drawdown/purchasing/sandbox"
)

// anybody is a directory in which every account is there.
type anybody struct{}

func (anybody) Profile(_ context.Context, account string, _ drawdown.Offset) (drawdown.Profile, error) {
	return drawdown.Profile{Account: account}, nil
}

func (anybody) Plans(context.Context) (map[string]*drawdown.Plan, error) { return nil, nil }

// TestAnOwnerWhoReadsOfAFailureReplacesTheCard: only one whose story it is, and only for that mail.
func TestAnOwnerWhoReadsOfAFailureReplacesTheCard(t *testing.T) {
	saved := make(chan *purchasing.CardSaved, 10)
	config := sandbox.Default()
	config.Told = func(e purchasing.Event) { saved <- e.What.(*purchasing.CardSaved) }
	var said []string
	tell := func(_ time.Time, account, text string, _ tone) { said = append(said, account+": "+text) }
	h := newCardholders(story(), 1000*time.Hour, tell)
	h.gateway = sandbox.New(config)
	h.desk = purchasing.NewDesk(h.gateway, anybody{}, purchasing.ReturnURLs{})
	h.fail = func(err error) { t.Error(err) }
	for _, m := range []mail{
		{to: "owner@birchwood.example", subject: paymentFailedSubject + ": please"},
		{to: "owner@fjord-travel.example", subject: "Receipt"},
		{to: "owner@fjord-travel.example", subject: paymentFailedSubject + ": please"},
	} {
		h.read(m)
	}
	if busy := h.busy.Load(); busy != 1 {
		t.Errorf("%d owners are about to act, expected 1", busy)
	}
	h.hurry() // nobody waits for 10 s
	h.acting.Wait()
	if card := <-saved; card.Payer.Method != "pm_ok-fjord-travel" || card.Backup || len(saved) > 0 {
		t.Errorf("saved %+v and %d more", card, len(saved))
	}
	if h.busy.Load() != 0 || len(said) != 1 || !strings.HasPrefix(said[0], "fjord-travel: ") {
		t.Errorf("busy %d, said %q", h.busy.Load(), said)
	}
}

func TestAnOwnerGivesUpWhenTheDemoIsStopped(t *testing.T) {
	h := newCardholders(story(), time.Hour, func(time.Time, string, string, tone) { t.Error("something was told") })
	h.read(mail{to: "owner@fjord-travel.example", subject: paymentFailedSubject})
	h.stop()
	h.acting.Wait()
}

// TestTheMailOfAFailedPaymentIsRecognised: owners go by the subject, as people do.
func TestTheMailOfAFailedPaymentIsRecognised(t *testing.T) {
	config := email.Default()
	config.SellerName, config.BillingURL = "Seller", "https://seller.example/{account}"
	for _, notice := range email.Samples() {
		subject, _, _, err := email.Render(notice, nil, config)
		if err != nil {
			t.Fatal(err)
		}
		if begins := strings.HasPrefix(subject, paymentFailedSubject); begins != (notice.Kind == notify.PaymentFailed) {
			t.Errorf("%s: %q", notice.Kind, subject)
		}
	}
}
