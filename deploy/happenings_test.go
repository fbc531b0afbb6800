package deploy

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"drawdown"
	"drawdown/balance/ledgerevent"
	"drawdown/consumer/feed"
	"drawdown/purchasing"
)

// happen makes a purchaser meet what it counts, so that the labels of its metrics are known: some series exist only from
// then on.
func happen(t *testing.T, r prometheus.Registerer) {
	t.Helper()
	gateway := &toldGateway{}
	p, err := purchasing.New(purchasing.Default(), purchasing.Deps{Gateway: gateway, Log: nothing{}, Registerer: r, Logger: silent})
	must(t, err)
	follow(t, r, "purchaser", p)
	pay(t, p, gateway)
	intake, err := purchasing.NewIntake(p, gateway, nothing{})
	must(t, err)
	for _, e := range allEvents("told") {
		must(t, intake.Take(t.Context(), &e))
	}
	for _, posted := range []string{"events", "events", "none", "error", "unsigned", "forged", "stale", "malformed"} {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(posted))
		intake.ServeHTTP(httptest.NewRecorder(), request)
	}
	ctx, cancel := context.WithCancel(t.Context())
	gateway.asked = cancel
	must(t, intake.Sweep(ctx))
}

// pay asks for a payment that gets no answer.
func pay(t *testing.T, p *purchasing.Purchaser, gateway *toldGateway) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	gateway.asked = cancel
	lane, err := p.Open(t.Context(), 0)
	must(t, err)
	must(t, lane.Take(t.Context(), &feed.Event{Appended: time.Now(), Event: ledgerevent.Event{
		Type: "purchase.requested", Head: drawdown.Head{Account: "acme", At: drawdown.TimeOf(time.Now())},
		Line: []byte(`{"purchase":"acme:1","quantity":"100","amount":"1.00","currency":"USD","customer":"cus_1","payment_method":"pm_1"}`),
	}}))
	must(t, lane.CaughtUp(t.Context()))
	must(t, p.Run(ctx))
	lane.Close()
}

// toldGateway answers no payment, and tells all that a gateway can tell.
type toldGateway struct {
	purchasing.Gateway
	purchasing.Till
	asked func() // it was asked for a payment, or for what happened
}

// Pay implements purchasing.Gateway.
func (g *toldGateway) Pay(context.Context, *purchasing.Payment) (purchasing.Result, error) {
	g.asked()
	return purchasing.Result{}, errors.New("away")
}

// Receive implements purchasing.Till.
func (g *toldGateway) Receive(_ context.Context, _ http.Header, body []byte) ([]purchasing.Event, error) {
	switch posted := string(body); posted {
	case "events":
		return allEvents("webhook"), nil
	case "none":
		return nil, nil
	case "error":
		return nil, errors.New("away")
	default:
		return nil, &purchasing.RefusedError{Reason: purchasing.RefusalReason(posted)}
	}
}

// Since implements purchasing.Till.
func (g *toldGateway) Since(context.Context, time.Time) iter.Seq2[purchasing.Event, error] {
	return func(yield func(purchasing.Event, error) bool) {
		defer g.asked()
		for _, e := range allEvents("sweep") {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// Subscription implements purchasing.Till.
func (g *toldGateway) Subscription(context.Context, string) (purchasing.Subscription, error) {
	return purchasing.Subscription{Account: "acme", State: purchasing.SubscriptionIncomplete}, nil
}

// allEvents has one event of each kind.
func allEvents(prefix string) (events []purchasing.Event) {
	for _, what := range []purchasing.Happening{
		&purchasing.PaymentPaid{}, &purchasing.OrderPaid{}, &purchasing.OrderFailed{}, &purchasing.CardSaved{},
		&purchasing.MoneyReturned{}, &purchasing.SubscriptionChanged{}, &purchasing.Noticed{},
	} {
		events = append(events, purchasing.Event{ID: prefix + string(rune('0'+len(events))), Account: "acme", What: what})
	}
	return events
}

// nothing is a log that keeps nothing and a directory that knows nobody.
type nothing struct{}

// Append implements purchasing.Log.
func (nothing) Append(context.Context, *purchasing.Operation) (drawdown.Offset, error) { return 0, nil }

// Profile implements purchasing.Directory.
func (nothing) Profile(context.Context, string, drawdown.Offset) (drawdown.Profile, error) {
	return drawdown.Profile{}, nil
}

// Plans implements purchasing.Directory.
func (nothing) Plans(context.Context) (map[string]*drawdown.Plan, error) { return nil, nil }
