package demo

import (
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"drawdown"
	"drawdown/notify"
	"drawdown/notify/email"
	"drawdown/notify/webhook"
)

// TestTheReceiverBelievesOnlyItsSecret sends as the notifier does, with the endpoint's secret and with another version's.
func TestTheReceiverBelievesOnlyItsSecret(t *testing.T) {
	r, err := listenWebhooks()
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	config := webhook.Default()
	config.MasterKey, config.AllowHTTP, config.AllowedNetworks = newKey(), true, []string{"127.0.0.1/32"}
	sender, err := webhook.New(&config, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	defer sender.Close()
	secrets, err := webhook.NewSecrets(&config)
	if err != nil {
		t.Fatal(err)
	}
	notice := *email.Samples()[0]
	notice.Account = webhookAccount
	told := make(chan string, 10)
	err = r.serve(secrets.Secret(webhookAccount, endpointName, 1), func(kind notify.Kind, id string) { told <- string(kind) + " " + id })
	if err != nil {
		t.Fatal(err)
	}
	send := func(version int64) notify.Verdict {
		return sender.Send(t.Context(), &notify.Delivery{
			Notice: &notice, Channel: notify.Webhook, Target: endpointName, Attempt: 1,
			Profile: &drawdown.Profile{Account: webhookAccount, Webhooks: []drawdown.Webhook{{Endpoint: endpointName, URL: r.url(), SecretVersion: version}}},
		}).Verdict
	}
	if verdict := send(1); verdict != notify.Delivered {
		t.Errorf("verdict %d", verdict)
	}
	if got, want := <-told, string(notice.Kind)+" "+notice.ID; got != want {
		t.Errorf("told %q, expected %q", got, want)
	}
	if verdict := send(2); verdict == notify.Delivered {
		t.Error("a request signed with another secret was taken")
	}
	response, err := http.Post(r.url(), "application/json", strings.NewReader(`{"type":"drawdown.low_balance","data":{"id":"1-2-3"}}`))
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusUnauthorized {
		t.Errorf("an unsigned request was answered %d", response.StatusCode)
	}
	if taken, forged := r.counts(); len(taken) != 1 || taken[notice.ID] != 1 || forged != 2 || len(told) > 0 {
		t.Errorf("taken %v, forged %d, told %d more", taken, forged, len(told))
	}
}
