package purchasing_test

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"drawdown"
	"drawdown/purchasing"
	"drawdown/purchasing/purchasingtest"
)

// till is a gateway's other side that says what a test wants.
type till struct {
	purchasing.Till
	receive func(body string) ([]purchasing.Event, error)
	mu      sync.Mutex
	events  []purchasing.Event // what happened since
	asked   []time.Time
}

func (x *till) Receive(_ context.Context, _ http.Header, body []byte) ([]purchasing.Event, error) {
	return x.receive(string(body))
}

func (x *till) Since(_ context.Context, since time.Time) iter.Seq2[purchasing.Event, error] {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.asked = append(x.asked, since)
	return func(yield func(purchasing.Event, error) bool) {
		for _, e := range x.events {
			if !yield(e, nil) {
				return
			}
		}
	}
}

type intakeWorld struct {
	*purchasingtest.World
	intake   *purchasing.Intake
	registry *prometheus.Registry
}

func newIntake(t *testing.T, gateway *till) *intakeWorld {
	t.Helper()
	w := &intakeWorld{World: purchasingtest.NewWorld(time.Now), registry: prometheus.NewRegistry()}
	w.Plan("packs", nil)
	w.Rates()
	w.Open("acme", "packs", "pm_1")
	purchaser, err := purchasing.New(purchasing.Default(), purchasing.Deps{
		Gateway: &scripted{}, Log: w, Registerer: w.registry, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	if w.intake, err = purchasing.NewIntake(purchaser, gateway, w); err != nil {
		t.Fatal(err)
	}
	return w
}

// post posts a webhook and returns the status.
func (w *intakeWorld) post(body string) int {
	answer := httptest.NewRecorder()
	w.intake.ServeHTTP(answer, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body)))
	return answer.Code
}

// counted is the counter of webhooks by result.
func (w *intakeWorld) counted(t *testing.T, result string) float64 {
	t.Helper()
	families, err := w.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if family.GetName() == "drawdown_gateway_webhooks_total" && m.GetLabel()[0].GetValue() == result {
				return m.GetCounter().GetValue()
			}
		}
	}
	return 0
}

func order(event, purchase string) purchasing.Event {
	amount, _ := drawdown.ParseMoney([]byte("500.00"))
	tax, _ := drawdown.ParseMoney([]byte("40.00"))
	return purchasing.Event{ID: event, Account: "acme", What: &purchasing.OrderPaid{
		Purchase: purchase, Quantity: 200 * drawdown.Credit, Amount: amount, Currency: "USD", Tax: &tax, Receipt: "https://pay.example/r",
	}}
}

func TestARefusedWebhookIsCountedByItsReason(t *testing.T) {
	gateway := &till{receive: func(body string) ([]purchasing.Event, error) {
		return nil, &purchasing.RefusedError{Reason: purchasing.RefusalReason(body)}
	}}
	w := newIntake(t, gateway)
	for _, reason := range []purchasing.RefusalReason{purchasing.Unsigned, purchasing.Forged, purchasing.Stale, purchasing.Malformed} {
		if status := w.post(string(reason)); status != http.StatusBadRequest {
			t.Errorf("%s: status %d", reason, status)
		}
		if n := w.counted(t, string(reason)); n != 1 {
			t.Errorf("%s was counted %v times", reason, n)
		}
	}
	answer := httptest.NewRecorder()
	w.intake.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/", nil))
	if answer.Code != http.StatusMethodNotAllowed {
		t.Errorf("GET: status %d", answer.Code)
	}
	if status := w.post(strings.Repeat("x", 2<<20)); status != http.StatusBadRequest {
		t.Errorf("2 MiB: status %d", status)
	}
}

func TestAnOrderIsSettledOnceHoweverOftenItIsTold(t *testing.T) {
	gateway := &till{receive: func(body string) ([]purchasing.Event, error) { return []purchasing.Event{order(body, "order/1")}, nil }}
	w := newIntake(t, gateway)
	for _, event := range []string{"evt_1", "evt_1", "evt_2"} { // twice the same, and another event about the same order
		if status := w.post(event); status != http.StatusOK {
			t.Fatalf("%s: status %d", event, status)
		}
	}
	lines := w.Lines("purchase.settled")
	if len(lines) != 1 || !strings.Contains(lines[0], `"kind":"manual"`) || !strings.Contains(lines[0], `"tax":"40.00"`) {
		t.Fatalf("settled: %v", lines)
	}
	if b := w.Balance("acme"); b.Available != 210*drawdown.Credit {
		t.Fatalf("available: %v", b.Available)
	}
	if taken, repeated := w.counted(t, "taken"), w.counted(t, "repeated"); taken != 2 || repeated != 1 {
		t.Fatalf("%v taken and %v repeated", taken, repeated)
	}
}

func TestAWebhookThatCannotBeHandledComesAgain(t *testing.T) {
	gateway := &till{receive: func(body string) ([]purchasing.Event, error) {
		if body == "away" {
			return nil, errors.New("the gateway is away")
		}
		return []purchasing.Event{order(body, "order/1")}, nil
	}}
	w := newIntake(t, gateway)
	w.Lose(func(*purchasing.Operation) purchasingtest.Loss { return purchasingtest.LostWhole })
	if status := w.post("evt_1"); status != http.StatusServiceUnavailable {
		t.Fatalf("without the log: status %d", status)
	}
	if status := w.post("away"); status != http.StatusServiceUnavailable {
		t.Fatalf("without the gateway: status %d", status)
	}
	w.Lose(nil)
	if status := w.post("evt_1"); status != http.StatusOK || len(w.Lines("purchase.settled")) != 1 {
		t.Fatalf("again: status %d, settled %v", status, w.Lines("purchase.settled"))
	}
}

// TestADisputedCardIsNotChargedAgain: the dispute takes the credits back, so that the account has crossed its threshold; the
// card is removed before that, or the next auto-purchase would be disputed as well.
func TestADisputedCardIsNotChargedAgain(t *testing.T) {
	gateway := &till{receive: func(body string) ([]purchasing.Event, error) {
		if body == "dispute" {
			return []purchasing.Event{{ID: "evt_2", Account: "acme", What: &purchasing.MoneyReturned{
				ID: "dp_1", Purchase: "order/1", Quantity: 200 * drawdown.Credit, Reason: "fraudulent",
				Disputed: drawdown.PaymentMethod{Method: "pm_1", Customer: purchasingtest.Customer("acme")},
			}}}, nil
		}
		return []purchasing.Event{order("evt_1", "order/1")}, nil
	}}
	w := newIntake(t, gateway)
	w.post("order")
	w.Use("acme", 210)
	settled := len(w.Lines("purchase.requested"))
	w.post("dispute")
	if lines := w.Lines("grant.refunded"); len(lines) != 1 || !strings.Contains(lines[0], `"overdraft":"200"`) {
		t.Fatalf("refunded: %v", lines)
	}
	if requested := w.Lines("purchase.requested"); len(requested) != settled {
		t.Fatalf("requested after the dispute: %v", requested)
	}
	profile, err := w.Profile(t.Context(), "acme", purchasing.Whenever)
	if err != nil || profile.Primary.Method != "" {
		t.Fatalf("the card is still saved: %+v, %v", profile.Primary, err)
	}
}

// TestALostWebhookIsFoundBySweeping never posts the event.
func TestALostWebhookIsFoundBySweeping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gateway := &till{}
		w := newIntake(t, gateway)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		ended := make(chan error)
		go func() { ended <- w.intake.Sweep(ctx) }()
		synctest.Wait()
		gateway.mu.Lock()
		gateway.events = []purchasing.Event{order("evt_1", "order/1")}
		gateway.mu.Unlock()
		time.Sleep(purchasing.Default().SweepInterval)
		synctest.Wait()
		if lines := w.Lines("purchase.settled"); len(lines) != 1 {
			t.Fatalf("settled: %v", lines)
		}
		first, second := gateway.asked[0], gateway.asked[1]
		if window := second.Sub(first); window < purchasing.Default().SweepWindow-3*purchasing.Default().SweepInterval {
			t.Fatalf("asked from %v, then from %v", first, second)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
	})
}

func TestSavedCardsAreKnownByTheirRole(t *testing.T) {
	saved := func(id, method string, backup bool) purchasing.Event {
		return purchasing.Event{ID: id, Account: "acme", What: &purchasing.CardSaved{
			Payer: drawdown.PaymentMethod{Method: method, Customer: "cus_9"}, Backup: backup,
		}}
	}
	events := []purchasing.Event{saved("evt_1", "pm_2", false), saved("evt_2", "pm_2", true), saved("evt_3", "pm_2", false)}
	gateway := &till{receive: func(string) ([]purchasing.Event, error) { return events, nil }}
	w := newIntake(t, gateway)
	if status := w.post(""); status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	profile, err := w.Profile(t.Context(), "acme", purchasing.Whenever)
	want := drawdown.PaymentMethod{Method: "pm_2", Customer: "cus_9"}
	if err != nil || profile.Primary != want || profile.Backup != want {
		t.Fatalf("%+v, %v", profile, err)
	}
	if _, duplicates := w.Rejections(); duplicates != 1 {
		t.Fatalf("%d duplicates, want 1: the same card in the same role", duplicates)
	}
}

func TestOrdersKeepToThePlansTerms(t *testing.T) {
	terms := drawdown.PurchaseTerms{Unit: 1000, Min: 1000, Max: 5000, Default: 2000, Orders: true}
	plan := &drawdown.Plan{ID: "packs", Purchase: terms}
	for quantity, fault := range map[int64]string{
		1000: "", 5000: "", 999: "sells 1000 to 5000 credits at a time, not 999", 6000: "sells 1000 to 5000", 1500: "units of 1000, and 1500 is not a multiple",
	} {
		err := purchasing.CheckOrder(plan, quantity)
		if (fault == "") != (err == nil) || (err != nil && !strings.Contains(err.Error(), fault)) {
			t.Errorf("%d: %v, want %q", quantity, err, fault)
		}
	}
	plan.Purchase.Orders = false
	if err := purchasing.CheckOrder(plan, 1000); err == nil || !strings.Contains(err.Error(), "does not sell credits by hand") {
		t.Errorf("a plan without orders: %v", err)
	}
}

// TestMetricsFollowTheirNamingRules lints what is exposed.
func TestMetricsFollowTheirNamingRules(t *testing.T) {
	w := newIntake(t, &till{receive: func(string) ([]purchasing.Event, error) { return nil, nil }})
	w.post("")
	problems, err := testutil.GatherAndLint(w.registry)
	if err != nil || len(problems) > 0 {
		t.Fatalf("%v, %v", problems, err)
	}
	names := []string{}
	families, _ := w.registry.Gather()
	for _, family := range families {
		names = append(names, family.GetName())
	}
	if !slices.Contains(names, "drawdown_purchases_open") || !slices.Contains(names, "drawdown_payment_lag_seconds") {
		t.Fatalf("metrics: %v", names)
	}
}
