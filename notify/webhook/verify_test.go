package webhook_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"drawdown"
	"drawdown/notify"
	"drawdown/notify/webhook"
)

// The code that receivers are shown accepts what is sent, with either secret of a rotation, and nothing else.
func TestDocumentedVerification(t *testing.T) {
	type request struct {
		header http.Header
		body   []byte
	}
	got := make(chan request, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- request{r.Header, body}
	}))
	defer server.Close()

	config := webhook.Default()
	config.MasterKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
	config.AllowHTTP, config.AllowedNetworks = true, []string{"127.0.0.0/8"}
	sender, err := webhook.New(&config, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	defer sender.Close()
	secrets, err := webhook.NewSecrets(&config)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	outcome := sender.Send(t.Context(), &notify.Delivery{
		Notice: &notify.Notice{ID: "0-1-0", Kind: notify.Exhausted, Account: "acme", At: now}, Channel: notify.Webhook, Target: "main", Attempt: 1,
		Profile: &drawdown.Profile{Account: "acme", Webhooks: []drawdown.Webhook{{
			Endpoint: "main", URL: server.URL, SecretVersion: 2, PreviousVersion: 1, PreviousUntil: drawdown.TimeOf(now.Add(time.Hour)),
		}}},
	})
	if outcome.Verdict != notify.Delivered {
		t.Fatalf("%+v", outcome)
	}
	sent := <-got
	for _, c := range []struct {
		name  string
		key   string
		body  []byte
		now   time.Time
		valid bool
	}{
		{"the current secret", secrets.Secret("acme", "main", 2), sent.body, now, true},
		{"the previous secret", secrets.Secret("acme", "main", 1), sent.body, now, true},
		{"another secret", secrets.Secret("acme", "main", 3), sent.body, now, false},
		{"another account's", secrets.Secret("globex", "main", 2), sent.body, now, false},
		{"another body", secrets.Secret("acme", "main", 2), append([]byte(" "), sent.body...), now, false},
		{"a recording", secrets.Secret("acme", "main", 2), sent.body, now.Add(6 * time.Minute), false},
	} {
		if err := verify(c.key, sent.header, c.body, c.now); (err == nil) != c.valid {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
