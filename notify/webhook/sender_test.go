package webhook

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"drawdown"
	"drawdown/notify"
)

func TestWhatAReceiverGets(t *testing.T) {
	r := receive(t, "127.0.0.1:0", status(http.StatusNoContent))
	sender := senderOf(t, local(), nil)
	if got := sender.Send(t.Context(), deliveryTo(r.URL+"/hook?token=t0ken")); got != (notify.Outcome{Verdict: notify.Delivered, Detail: "HTTP 204"}) {
		t.Fatalf("outcome %+v", got)
	}
	calls := r.seen()
	if len(calls) != 1 {
		t.Fatalf("%d requests", len(calls))
	}
	got := calls[0]
	if got.method != http.MethodPost || got.target != "/hook?token=t0ken" {
		t.Errorf("%s %s", got.method, got.target)
	}
	if want := `{"type":"drawdown.low_balance","timestamp":"2026-02-14T09:30:00Z","data":{"id":"3-1207-2","account":"acme","available":"12.5"}}`; got.body != want {
		t.Errorf("body %s", got.body)
	}
	for name, want := range map[string]string{"Content-Type": "application/json", "User-Agent": "drawdown-webhooks", "Webhook-Id": "msg_3-1207-2"} {
		if got.header.Get(name) != want {
			t.Errorf("%s: %q", name, got.header.Get(name))
		}
	}
	for name := range got.header {
		switch name {
		case "Content-Type", "Content-Length", "User-Agent", "Webhook-Id", "Webhook-Timestamp", "Webhook-Signature":
		default:
			t.Errorf("a receiver is also told %s: %q", name, got.header[name])
		}
	}
	verifier, err := standardwebhooks.NewWebhook(secretsOf(t, testMaster, "").Secret("acme", "main", 1))
	if err != nil {
		t.Fatal(err)
	}
	if err := verifier.Verify([]byte(got.body), got.header); err != nil {
		t.Error(err)
	}
}

// Every try has the id and the body of the first, and a timestamp and hence a signature of its own.
func TestRetriesRepeatIDAndBody(t *testing.T) {
	r := receive(t, "127.0.0.1:0", status(http.StatusInternalServerError))
	sender := senderOf(t, local(), nil)
	clock := time.Unix(1_780_000_000, 0)
	sender.now = func() time.Time { return clock }
	d := deliveryTo(r.URL)
	d.Profile.Webhooks[1].PreviousVersion, d.Profile.Webhooks[1].SecretVersion = 1, 2
	d.Profile.Webhooks[1].PreviousUntil = drawdown.TimeOf(clock.Add(24 * time.Hour))
	for d.Attempt = 1; d.Attempt <= MaxAttempts; d.Attempt++ {
		if got := sender.Send(t.Context(), d); got.Verdict != notify.Retry {
			t.Fatalf("attempt %d: %+v", d.Attempt, got)
		}
		wait, _ := Schedule(d.Notice.ID, d.Attempt)
		clock = clock.Add(wait)
	}
	calls := r.seen()
	if len(calls) != MaxAttempts {
		t.Fatalf("%d requests", len(calls))
	}
	began, signatures := time.Unix(1_780_000_000, 0), make(map[string]bool)
	for i, got := range calls {
		if got.body != calls[0].body || got.header.Get("webhook-id") != "msg_3-1207-2" {
			t.Errorf("attempt %d: id %s, body %s", i+1, got.header.Get("webhook-id"), got.body)
		}
		header := got.header.Get("webhook-signature")
		signatures[header] = true
		var at int64
		if _, err := fmt.Sscan(got.header.Get("webhook-timestamp"), &at); err != nil {
			t.Fatal(err)
		}
		// The secret that was rotated out signs as well for a day, and no longer.
		for version, valid := range map[int64]bool{2: true, 1: time.Unix(at, 0).Before(began.Add(24 * time.Hour))} {
			verifier, err := standardwebhooks.NewWebhook(secretsOf(t, testMaster, "").Secret("acme", "main", version))
			if err != nil {
				t.Fatal(err)
			}
			if err := verifier.VerifyIgnoringTimestamp([]byte(got.body), got.header); (err == nil) != valid {
				t.Errorf("attempt %d, secret version %d: %v", i+1, version, err)
			}
		}
	}
	if len(signatures) != MaxAttempts {
		t.Errorf("%d different signatures", len(signatures))
	}
}

func TestOutcomeOfStatus(t *testing.T) {
	now := time.Date(2026, 2, 14, 9, 30, 0, 0, time.UTC)
	for _, c := range []struct {
		status     int
		retryAfter string
		want       notify.Outcome
	}{
		{200, "", notify.Outcome{Verdict: notify.Delivered, Detail: "HTTP 200"}},
		{202, "60", notify.Outcome{Verdict: notify.Delivered, Detail: "HTTP 202"}},
		{299, "", notify.Outcome{Verdict: notify.Delivered, Detail: "HTTP 299"}},
		{300, "", notify.Outcome{Verdict: notify.Retry, Detail: "HTTP 300 (redirects are not followed)"}},
		{304, "", notify.Outcome{Verdict: notify.Retry, Detail: "HTTP 304 (redirects are not followed)"}},
		{400, "", notify.Outcome{Verdict: notify.Retry, Detail: "HTTP 400"}},
		{401, "", notify.Outcome{Verdict: notify.Retry, Detail: "HTTP 401"}},
		{404, "", notify.Outcome{Verdict: notify.Retry, Detail: "HTTP 404"}},
		{410, "", notify.Outcome{Verdict: notify.Gone, Detail: "HTTP 410"}},
		{429, "", notify.Outcome{Verdict: notify.Retry, Detail: "HTTP 429"}},
		{429, "120", notify.Outcome{Verdict: notify.Retry, Detail: "HTTP 429", RetryAfter: 2 * time.Minute}},
		{429, " 7 ", notify.Outcome{Verdict: notify.Retry, Detail: "HTTP 429", RetryAfter: 7 * time.Second}},
		{429, "86401", notify.Outcome{Verdict: notify.Retry, Detail: "HTTP 429", RetryAfter: 24 * time.Hour}},
		{429, "99999999999999999999", notify.Outcome{Verdict: notify.Retry, Detail: "HTTP 429", RetryAfter: 24 * time.Hour}},
		{429, "-5", notify.Outcome{Verdict: notify.Retry, Detail: "HTTP 429"}},
		{429, "1.5", notify.Outcome{Verdict: notify.Retry, Detail: "HTTP 429"}},
		{429, "soon", notify.Outcome{Verdict: notify.Retry, Detail: "HTTP 429"}},
		{503, "Sat, 14 Feb 2026 09:35:00 GMT", notify.Outcome{Verdict: notify.Retry, Detail: "HTTP 503", RetryAfter: 5 * time.Minute}},
		{503, "Fri, 13 Feb 2026 09:35:00 GMT", notify.Outcome{Verdict: notify.Retry, Detail: "HTTP 503"}},
		{503, "Sun, 14 Feb 2027 09:35:00 GMT", notify.Outcome{Verdict: notify.Retry, Detail: "HTTP 503", RetryAfter: 24 * time.Hour}},
		{500, "120", notify.Outcome{Verdict: notify.Retry, Detail: "HTTP 500"}},
		{502, "", notify.Outcome{Verdict: notify.Retry, Detail: "HTTP 502"}},
		{504, "", notify.Outcome{Verdict: notify.Retry, Detail: "HTTP 504"}},
	} {
		r := receive(t, "127.0.0.1:0", func(w http.ResponseWriter, _ *http.Request) {
			if c.retryAfter != "" {
				w.Header().Set("Retry-After", c.retryAfter)
			}
			w.WriteHeader(c.status)
		})
		sender := senderOf(t, local(), nil)
		sender.now = func() time.Time { return now }
		if got := sender.Send(t.Context(), deliveryTo(r.URL)); got != c.want {
			t.Errorf("%d, Retry-After %q: %+v", c.status, c.retryAfter, got)
		}
		sender.Close()
		r.Close()
	}
}

// What can't be sent ends with a reason, and nothing is requested.
func TestRefused(t *testing.T) {
	r := receive(t, "127.0.0.1:0", status(http.StatusOK))
	for name, c := range map[string]struct {
		change func(*notify.Delivery, *Config)
		want   string
	}{
		"an endpoint that was removed": {func(d *notify.Delivery, _ *Config) { d.Target = "gone" }, "the endpoint was removed"},
		"one that is disabled":         {func(d *notify.Delivery, _ *Config) { d.Profile.Webhooks[1].Disabled = "t0ken" }, "the endpoint is disabled"},
		"http":                         {func(_ *notify.Delivery, c *Config) { c.AllowHTTP = false }, "webhook URL: must begin with https://"},
		"a private address":            {func(_ *notify.Delivery, c *Config) { c.AllowedNetworks = nil }, "webhook URL: its address may not be reached"},
		"another port":                 {func(_ *notify.Delivery, c *Config) { c.AllowedPorts = []int{443} }, "webhook URL: its port may not be reached"},
		"a user name": {func(d *notify.Delivery, _ *Config) {
			d.Profile.Webhooks[1].URL = strings.Replace(d.Profile.Webhooks[1].URL, "://", "://t0ken@", 1)
		}, "webhook URL: must not hold a user name or password"},
		"an id that is none": {func(d *notify.Delivery, _ *Config) { d.Notice.ID = "3.1" }, "the notice can't be put into a payload"},
		"data that is none":  {func(d *notify.Delivery, _ *Config) { d.Notice.Data = []byte(`["t0ken"]`) }, "the notice can't be put into a payload"},
	} {
		config, d := local(), deliveryTo(r.URL+"/?t0ken")
		c.change(d, &config)
		sender := senderOf(t, config, nil)
		if got := sender.Send(t.Context(), d); got != (notify.Outcome{Verdict: notify.Refused, Detail: c.want}) {
			t.Errorf("%s: %+v", name, got)
		}
		if got := testutil.ToFloat64(sender.metrics.tries.WithLabelValues("refused")); got != 1 {
			t.Errorf("%s: %v counted", name, got)
		}
	}
	if calls := r.seen(); len(calls) != 0 {
		t.Errorf("%d requests were made", len(calls))
	}
}

func TestCallerGivesUp(t *testing.T) {
	reached := make(chan struct{}, 1)
	hold := make(chan struct{})
	r := receive(t, "127.0.0.1:0", func(_ http.ResponseWriter, request *http.Request) {
		reached <- struct{}{}
		select {
		case <-request.Context().Done():
		case <-hold:
		}
	})
	defer close(hold)
	sender := senderOf(t, local(), nil)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-reached; cancel() }()
	if got := sender.Send(ctx, deliveryTo(r.URL)); got != (notify.Outcome{Verdict: notify.Retry, Detail: "cancelled"}) {
		t.Errorf("%+v", got)
	}
	if got := testutil.ToFloat64(sender.metrics.underWay); got != 0 {
		t.Errorf("%v under way", got)
	}
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"no master key":   func(c *Config) { c.MasterKey = "" },
		"missing CA file": func(c *Config) { c.CAFile = "/nonexistent/ca.pem" },
		"bad network":     func(c *Config) { c.AllowedNetworks = []string{"x"} },
		"no time":         func(c *Config) { c.Timeout = 0 },
	} {
		config := local()
		change(&config)
		if _, err := New(&config, prometheus.NewRegistry()); err == nil || strings.Contains(err.Error(), testMaster) {
			t.Errorf("%s: %v", name, err)
		}
	}
	config, registry := local(), prometheus.NewRegistry()
	if _, err := New(&config, registry); err != nil {
		t.Error(err)
	}
	if _, err := New(&config, registry); err == nil {
		t.Error("the same metrics are registered twice")
	}
}
