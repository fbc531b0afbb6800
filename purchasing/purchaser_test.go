package purchasing_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"drawdown"
	"drawdown/purchasing"
	"drawdown/purchasing/purchasingtest"
)

// scripted is a gateway that answers what a test says, and remembers what it was asked.
type scripted struct {
	mu     sync.Mutex
	calls  []string
	pay    answer
	find   answer
	cancel answer
}

type answer func(*purchasing.Payment) (purchasing.Result, error)

func (s *scripted) call(ctx context.Context, name string, p *purchasing.Payment, script *answer) (purchasing.Result, error) {
	s.mu.Lock()
	answer := *script
	s.calls = append(s.calls, fmt.Sprintf("%s %s/%d %s", name, p.Purchase, p.Attempt, p.Payer.Method))
	s.mu.Unlock()
	if answer == nil {
		<-ctx.Done() // as a gateway that does not answer
		return purchasing.Result{}, ctx.Err()
	}
	return answer(p)
}

func (s *scripted) Pay(ctx context.Context, p *purchasing.Payment) (purchasing.Result, error) {
	return s.call(ctx, "pay", p, &s.pay)
}

func (s *scripted) Find(ctx context.Context, p *purchasing.Payment) (purchasing.Result, error) {
	return s.call(ctx, "find", p, &s.find)
}

func (s *scripted) Cancel(ctx context.Context, p *purchasing.Payment) (purchasing.Result, error) {
	return s.call(ctx, "cancel", p, &s.cancel)
}

// script changes the answers while the purchaser runs.
func (s *scripted) script(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

func (s *scripted) asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

func paid(*purchasing.Payment) (purchasing.Result, error) {
	return purchasing.Result{State: purchasing.Paid, Attempt: 1, Receipt: "https://pay.example/receipt"}, nil
}

func declined(reason string) answer {
	return func(*purchasing.Payment) (purchasing.Result, error) {
		return purchasing.Result{State: purchasing.Declined, Reason: reason}, nil
	}
}

func state(s purchasing.State) answer {
	return func(*purchasing.Payment) (purchasing.Result, error) { return purchasing.Result{State: s}, nil }
}

func away(*purchasing.Payment) (purchasing.Result, error) {
	return purchasing.Result{}, errors.New("the gateway is away")
}

func newPurchaser(t testing.TB, config purchasing.Config, gateway purchasing.Gateway, log purchasing.Log) *purchasing.Purchaser {
	t.Helper()
	p, err := purchasing.New(config, purchasing.Deps{
		Gateway: gateway, Log: log, Registerer: prometheus.NewRegistry(), Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// inWorld runs a story in virtual time, on an account "acme" with a card and 10 credits.
func inWorld(t *testing.T, plan map[string]any, story func(t *testing.T, w *purchasingtest.World, gateway *scripted, start func() *purchasingtest.Process)) {
	synctest.Test(t, func(t *testing.T) {
		w := purchasingtest.NewWorld(time.Now)
		w.Plan("packs", plan)
		w.Rates()
		w.Open("acme", "packs", "pm_1")
		gateway := &scripted{}
		story(t, w, gateway, func() *purchasingtest.Process {
			return w.Start(t, newPurchaser(t, purchasing.Default(), gateway, w))
		})
	})
}

func ledgerIs(t *testing.T, w *purchasingtest.World, want ...string) {
	t.Helper()
	lines := w.Lines("purchase.requested", "purchase.settled", "purchase.failed", "purchase.declined", "purchase.retried")
	for i := 0; i < max(len(lines), len(want)); i++ {
		if i >= len(lines) || i >= len(want) || !strings.Contains(lines[i], want[i]) {
			t.Fatalf("the ledger has\n  %s\nwant\n  %s", strings.Join(lines, "\n  "), strings.Join(want, "\n  "))
		}
	}
}

func askedFor(t *testing.T, gateway *scripted, want ...string) {
	t.Helper()
	if asked := gateway.asked(); !slices.Equal(asked, want) {
		t.Fatalf("the gateway was asked\n  %s\nwant\n  %s", strings.Join(asked, "\n  "), strings.Join(want, "\n  "))
	}
}

func TestAPurchaseIsPaidAndSettled(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *purchasingtest.World, gateway *scripted, start func() *purchasingtest.Process) {
		gateway.pay = paid
		process := start()
		w.Use("acme", 10)
		synctest.Wait()
		ledgerIs(t, w, `"purchase.requested"`, `"purchase.settled"`)
		askedFor(t, gateway, "pay acme:1/1 pm_1")
		if b := w.Balance("acme"); b.Available != 10*drawdown.Credit || b.Status != drawdown.Active {
			t.Fatalf("balance: %+v", b)
		}
		if !process.Read() {
			t.Fatal("the purchaser would read the ledger again")
		}
		process.Kill()
	})
}

func TestADeclinedPurchasePausesAndANewCardResumes(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *purchasingtest.World, gateway *scripted, start func() *purchasingtest.Process) {
		gateway.pay = func(p *purchasing.Payment) (purchasing.Result, error) {
			if p.Payer.Method == "pm_1" {
				return declined("card_declined")(p)
			}
			return paid(p)
		}
		process := start()
		defer process.Kill()
		w.Use("acme", 10)
		synctest.Wait()
		if b := w.Balance("acme"); b.Status != drawdown.PaymentFailed {
			t.Fatalf("after the refusal: %v", b.Status)
		}
		w.SaveCard("acme", "pm_2", false)
		synctest.Wait()
		ledgerIs(t, w, `"purchase.requested"`, `"reason":"card_declined"`, `"purchase.requested"`, `"purchase.settled"`)
		askedFor(t, gateway, "pay acme:1/1 pm_1", "pay acme:2/1 pm_2")
		if b := w.Balance("acme"); b.Status != drawdown.Active {
			t.Fatalf("after the new card: %v", b.Status)
		}
	})
}

func TestTheLadderTriesTheBackupAndThenLater(t *testing.T) {
	ladder := map[string]any{"payment_ladder": []any{
		map[string]any{"after_minutes": 0, "method": "backup"}, map[string]any{"after_minutes": 60, "method": "primary"},
	}}
	inWorld(t, ladder, func(t *testing.T, w *purchasingtest.World, gateway *scripted, start func() *purchasingtest.Process) {
		w.SaveCard("acme", "pm_b", true)
		gateway.pay = declined("insufficient_funds")
		process := start()
		defer process.Kill()
		w.Use("acme", 10)
		synctest.Wait()
		askedFor(t, gateway, "pay acme:1/1 pm_1", "pay acme:1/2 pm_b")
		if b := w.Balance("acme"); b.Status != drawdown.Purchasing {
			t.Fatalf("while a retry is waited for: %v", b.Status)
		}
		time.Sleep(time.Hour)
		gateway.script(func() { gateway.pay = paid })
		w.Tick("acme")
		synctest.Wait()
		ledgerIs(t, w, `"purchase.requested"`, `"purchase.declined"`, `"purchase.retried"`, `"purchase.declined"`, `"purchase.retried"`, `"purchase.settled"`)
		askedFor(t, gateway, "pay acme:1/1 pm_1", "pay acme:1/2 pm_b", "pay acme:1/3 pm_1")
	})
}

func TestALostReplyIsAskedForAgain(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *purchasingtest.World, gateway *scripted, start func() *purchasingtest.Process) {
		gateway.pay = away
		process := start()
		defer process.Kill()
		w.Use("acme", 10)
		synctest.Wait()
		ledgerIs(t, w, `"purchase.requested"`)
		gateway.script(func() { gateway.pay = paid })
		time.Sleep(time.Minute)
		synctest.Wait()
		ledgerIs(t, w, `"purchase.requested"`, `"purchase.settled"`)
		askedFor(t, gateway, "pay acme:1/1 pm_1", "pay acme:1/1 pm_1")
	})
}

func TestAChargeIsSettledThoughTheLogWasAway(t *testing.T) {
	for name, loss := range map[string]purchasingtest.Loss{"record lost": purchasingtest.LostWhole, "reply lost": purchasingtest.LostReply} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, nil, func(t *testing.T, w *purchasingtest.World, gateway *scripted, start func() *purchasingtest.Process) {
				gateway.pay = paid
				lost := 3
				w.Lose(func(*purchasing.Operation) purchasingtest.Loss {
					if lost--; lost >= 0 {
						return loss
					}
					return purchasingtest.Kept
				})
				process := start()
				defer process.Kill()
				w.Use("acme", 10)
				time.Sleep(time.Hour)
				synctest.Wait()
				ledgerIs(t, w, `"purchase.requested"`, `"purchase.settled"`)
				askedFor(t, gateway, "pay acme:1/1 pm_1") // what is certain is not asked for again
			})
		})
	}
}

func TestACrashBetweenChargeAndReportSettles(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *purchasingtest.World, gateway *scripted, start func() *purchasingtest.Process) {
		gateway.pay = paid
		w.Lose(func(*purchasing.Operation) purchasingtest.Loss { return purchasingtest.LostWhole })
		process := start()
		w.Use("acme", 10)
		synctest.Wait()
		process.Commit()
		process.Kill()
		w.Lose(nil)
		process = start()
		defer process.Kill()
		synctest.Wait()
		ledgerIs(t, w, `"purchase.requested"`, `"purchase.settled"`)
		askedFor(t, gateway, "pay acme:1/1 pm_1", "pay acme:1/1 pm_1") // the same key: the gateway charges once
	})
}

func TestATimeoutIsCancelledBeforeAnythingElseIsCharged(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *purchasingtest.World, gateway *scripted, start func() *purchasingtest.Process) {
		gateway.pay = away
		process := start()
		defer process.Kill()
		w.Use("acme", 10)
		time.Sleep(24*time.Hour + time.Second)
		// Within its last hour the payment is cancelled for good instead of repeated; the gateway is away for that, too.
		gateway.script(func() { gateway.cancel = away })
		w.Tick("acme")
		time.Sleep(time.Hour)
		w.SaveCard("acme", "pm_2", false)
		time.Sleep(time.Hour)
		synctest.Wait()
		ledgerIs(t, w, `"purchase.requested"`, `"reason":"timeout"`, `"purchase.requested"`)
		for _, call := range gateway.asked() {
			if strings.Contains(call, "acme:2") {
				t.Fatalf("charged beside an uncertain purchase: %s", call)
			}
		}
		gateway.script(func() { gateway.pay, gateway.cancel = paid, state(purchasing.Cancelled) })
		time.Sleep(time.Hour)
		synctest.Wait()
		ledgerIs(t, w, `"purchase.requested"`, `"reason":"timeout"`, `"purchase.requested"`, `"purchase.settled"`)
	})
}

func TestATimeoutThatWasChargedAfterAllIsSettledLate(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *purchasingtest.World, gateway *scripted, start func() *purchasingtest.Process) {
		w.Use("acme", 10)
		time.Sleep(24*time.Hour + time.Second)
		w.Tick("acme")
		gateway.cancel = paid
		process := start()
		defer process.Kill()
		synctest.Wait()
		ledgerIs(t, w, `"purchase.requested"`, `"reason":"timeout"`, `"purchase.settled"`)
		askedFor(t, gateway, "cancel acme:1/1 pm_1")
		if b := w.Balance("acme"); b.Status != drawdown.Active || b.AutoPurchase.PaymentFailed {
			t.Fatalf("the late settlement ends the failure: %+v", b)
		}
	})
}

func TestAPendingPaymentIsWaitedFor(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *purchasingtest.World, gateway *scripted, start func() *purchasingtest.Process) {
		gateway.pay, gateway.find = state(purchasing.Pending), state(purchasing.Pending)
		process := start()
		defer process.Kill()
		w.Use("acme", 10)
		time.Sleep(time.Hour)
		gateway.script(func() { gateway.find = paid })
		time.Sleep(time.Hour)
		synctest.Wait()
		ledgerIs(t, w, `"purchase.requested"`, `"purchase.settled"`)
		if asked := gateway.asked(); strings.Count(strings.Join(asked, "\n"), "pay ") != 1 {
			t.Fatalf("a pending payment was paid again: %v", asked)
		}
	})
}

func TestWithoutACustomerNothingIsCharged(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *purchasingtest.World, gateway *scripted, start func() *purchasingtest.Process) {
		process := start()
		defer process.Kill()
		w.Do(drawdown.PaymentMethodSaved, "acme", map[string]any{"method": "pm_1", "kind": "card"})
		w.Use("acme", 10)
		synctest.Wait()
		ledgerIs(t, w, `"purchase.requested"`, `"reason":"no_payment_method"`)
		askedFor(t, gateway)
	})
}

// TestASettledLedgerIsNotPaidAgain starts on a ledger with a year of purchases: only what is open is asked for.
func TestASettledLedgerIsNotPaidAgain(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *purchasingtest.World, gateway *scripted, start func() *purchasingtest.Process) {
		gateway.pay = paid
		process := start()
		for range 12 {
			w.Use("acme", 10)
			synctest.Wait()
		}
		process.Kill() // without a commit: the next one reads from the beginning
		w.Use("acme", 10)
		before := len(gateway.asked())
		process = start()
		defer process.Kill()
		synctest.Wait()
		if asked := gateway.asked()[before:]; !slices.Equal(asked, []string{"pay acme:13/1 pm_1"}) {
			t.Fatalf("asked %v", asked)
		}
	})
}

// TestOneThatHangsHoldsUpNobody has twice as many accounts whose gateway call hangs as there are workers.
func TestOneThatHangsHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := purchasingtest.NewWorld(time.Now)
		w.Plan("packs", nil)
		w.Rates()
		config := purchasing.Default()
		config.ConcurrencyMax, config.RetryConcurrencyMax, config.AttemptTimeout = 4, 2, 10*time.Second
		gateway := &hanging{scripted: scripted{pay: paid}}
		process := w.Start(t, newPurchaser(t, config, gateway, w))
		defer process.Kill()
		for i := range 8 {
			account := fmt.Sprintf("slow-%d", i)
			w.Open(account, "packs", "pm_hangs")
			w.Use(account, 10)
		}
		time.Sleep(time.Minute) // each has hung once: from now on they hang only among the retries
		w.Open("quick", "packs", "pm_1")
		w.Use("quick", 10)
		synctest.Wait()
		if b := w.Balance("quick"); b.Status != drawdown.Active {
			t.Fatalf("held up: %v", b.Status)
		}
	})
}

type hanging struct{ scripted }

func (h *hanging) Pay(ctx context.Context, p *purchasing.Payment) (purchasing.Result, error) {
	if p.Payer.Method == "pm_hangs" {
		<-ctx.Done()
		return purchasing.Result{}, ctx.Err()
	}
	return h.scripted.Pay(ctx, p)
}

func TestConfigSaysEveryFault(t *testing.T) {
	config := purchasing.Config{}
	err := config.Validate()
	for _, option := range []string{"concurrency_max", "retry_concurrency_max", "attempt_timeout", "retry_min", "sweep_window", "sweep_interval"} {
		if err == nil || !strings.Contains(err.Error(), option+": is ") {
			t.Errorf("%s is not mentioned: %v", option, err)
		}
	}
	config = purchasing.Default()
	if err := config.Validate(); err != nil {
		t.Errorf("the default: %v", err)
	}
}
