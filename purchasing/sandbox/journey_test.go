package sandbox_test

import (
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"drawdown"
	"drawdown/purchasing"
	"drawdown/purchasing/purchasingtest"
	"drawdown/purchasing/sandbox"
)

// TestACustomersJourney: the real engine, a purchaser whose gateway serves the pages, and a desk in another process. A
// customer buys credits, saves a card that is refused when credits run out, and then one that pays.
func TestACustomersJourney(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := purchasingtest.NewWorld(time.Now)
		w.Plan("packs", nil)
		w.Rates()
		w.Open("acme", "packs", "")
		desk := purchasing.NewDesk(sandbox.New(shopConfig()), w, purchasing.ReturnURLs{Success: successURL, Cancel: cancelURL})

		var intake *purchasing.Intake
		config := shopConfig()
		config.Told = func(e purchasing.Event) {
			if err := intake.Take(t.Context(), &e); err != nil {
				t.Error(err)
			}
		}
		gateway := sandbox.New(config)
		s := &shop{t: t, pages: gateway.Pages()}
		purchaser, err := purchasing.New(purchasing.Default(), purchasing.Deps{
			Gateway: gateway, Log: w, Registerer: prometheus.NewRegistry(), Logger: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		if intake, err = purchasing.NewIntake(purchaser, gateway, w); err != nil {
			t.Fatal(err)
		}
		process := w.Start(t, purchaser)
		defer process.Kill()

		purchase, order, err := desk.Order(t.Context(), "acme", 0, "k")
		if err != nil {
			t.Fatal(err)
		}
		if _, to := s.pay(path(t, order.URL), "300", sandbox.OK); to != successURL {
			t.Fatalf("sent to %s", to)
		}
		settled := w.Lines("purchase.settled")
		if len(settled) != 1 || !strings.Contains(settled[0], purchase) || !strings.Contains(settled[0], "/sandbox/receipts/") || w.Balance("acme").Available != 310*drawdown.Credit {
			t.Fatalf("available %v, settled %v", w.Balance("acme").Available, settled)
		}

		save := func(card string) {
			session, err := desk.SaveCard(t.Context(), "acme", false)
			if err != nil {
				t.Fatal(err)
			}
			if _, to := s.post(path(t, session.URL), "card", card); to != successURL {
				t.Fatalf("%s: sent to %s", card, to)
			}
		}
		save(sandbox.OK)
		save(sandbox.Declined)
		w.Use("acme", 310)
		time.Sleep(time.Minute) // virtual
		if failed := w.Lines("purchase.failed"); len(failed) != 1 || !strings.Contains(failed[0], "card_declined") {
			t.Fatalf("failed: %v", failed)
		}
		save(sandbox.OK) // as before the one that was declined
		time.Sleep(time.Minute)
		if settled := w.Lines("purchase.settled"); len(settled) != 2 || w.Balance("acme").Available != 10*drawdown.Credit {
			t.Fatalf("available %v, settled %v", w.Balance("acme").Available, settled)
		}
	})
}
