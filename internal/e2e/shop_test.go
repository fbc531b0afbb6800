//go:build integration

package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"drawdown"
	"drawdown/internal/app"
	"drawdown/internal/servers"
	"drawdown/notify"
	"drawdown/notify/webhook"
	"drawdown/purchasing"
	"drawdown/purchasing/stripe/fakestripe"
)

// shop is an installation that sells: with a Stripe that is ours, a mail server, and a customer's webhook.
type shop struct {
	*installation
	stripe    *fakestripe.Server
	mail      *mailServer
	receiver  *receiver
	ledger    *ledger
	desk      *purchasing.Desk
	directory *app.Directory
	webhooks  string // where the gateway posts
	signing   string // the secret that it signs with

	worker, purchaser, notifier *process // nil while they don't run
}

const billingURL = "https://app.example.com/billing/"

// openShop makes a shop whose processes are not started yet. The gateway's webhooks come as how says.
func openShop(t *testing.T, needs needs, how fakestripe.Delivery) *shop {
	t.Helper()
	s := &shop{}
	needs.Further = s.furnish
	s.installation = install(t, needs)
	s.stripe.Webhooks(s.webhooks, s.signing, how)
	secrets, err := webhook.NewSecrets(&s.config.Webhooks)
	s.must(err)
	s.receiver.secrets = secrets
	desk, closeDesk, err := s.config.Desk()
	s.must(err)
	t.Cleanup(closeDesk)
	s.desk, s.directory, s.ledger = desk, app.NewDirectory(s.store), s.openLedger()
	return s
}

// furnish starts what a shop has besides, and adds how it is reached.
func (s *shop) furnish(in *installation, all settings) {
	in.t.Helper()
	key, password := "sk_test_"+randomText(16), randomText(16)
	master := base64.StdEncoding.EncodeToString([]byte(randomText(32)))
	s.signing = "whsec_" + randomText(16)
	in.secret("the gateway's secret key", key)
	in.secret("the gateway's webhook secret", s.signing)
	in.secret("the mail server's password", password)
	in.secret("the webhooks' master key", master)
	s.stripe = fakestripe.New(fakestripe.Options{SecretKey: key})
	in.t.Cleanup(s.stripe.Close)
	s.mail, s.receiver = in.openMail(password), in.openReceiver()
	posts, err := servers.FreeAddr()
	in.must(err)
	s.webhooks = "http://" + posts + "/webhooks/stripe"
	for setting, value := range (settings{
		"purchasing.gateway": "stripe", "purchasing.webhooks_addr": posts, "purchasing.attempt_timeout": "5s",
		"purchasing.retry_min": "10ms", "purchasing.retry_max": "250ms", "purchasing.sweep_window": "1h",
		"purchasing.success_url": billingURL, "purchasing.cancel_url": billingURL,
		"stripe.secret_key": key, "stripe.webhook_secrets": []string{s.signing}, "stripe.api_base": s.stripe.URL(), "stripe.timeout": "3s",
		"notifier.retry_min": "10ms", "notifier.retry_max": "250ms", "notifier.drain_timeout": "3s",
		"email.addr": s.mail.addr, "email.ca_file": s.mail.caFile, "email.username": mailUser, "email.password": password,
		"email.from": "Example Sync <billing@example.com>", "email.seller_name": "Example Sync",
		"email.billing_url":   billingURL + "{account}",
		"webhooks.master_key": master, "webhooks.allow_http": true, "webhooks.allowed_networks": []string{"127.0.0.0/8"},
	}) {
		all[setting] = value
	}
}

// deliveries are what became of notices so far, by the delivery log.
func (s *shop) deliveries() []notify.DeliveryRecord {
	s.t.Helper()
	log, closeLog, err := s.config.OpenDeliveries()
	s.must(err)
	defer closeLog()
	all, err := log.List(s.t.Context(), notify.Filter{})
	s.must(err)
	return all
}

// randomText is so many random bytes, in hexadecimal.
func randomText(bytes int) string {
	text := make([]byte, bytes)
	_, _ = rand.Read(text) // never fails
	return hex.EncodeToString(text)
}

// openUp starts the worker, the purchaser and the notifier, and waits until they work.
func (s *shop) openUp() {
	s.t.Helper()
	s.worker, s.purchaser, s.notifier = s.start("worker"), s.start("purchaser"), s.start("notifier")
	for _, p := range []*process{s.worker, s.purchaser, s.notifier} {
		p.awaitReady()
	}
}

// close ends the processes in order, lets the log be worked off, and compares everything with what the log means.
func (s *shop) close() *meaning {
	s.t.Helper()
	for _, p := range []*process{s.notifier, s.purchaser, s.worker} {
		if p == nil {
			continue
		}
		if err := p.stop(); err != nil {
			s.t.Errorf("the %s ended with %v", p.name, err)
		}
	}
	m := s.settle()
	s.check(m)
	s.checkTopics()
	return m
}

// restart ends a process as a crash would and starts another in its place.
func (s *shop) restart(p **process) {
	s.t.Helper()
	(*p).kill()
	*p = s.start((*p).name)
	(*p).awaitReady()
}

// publishPlan publishes one of the plans that are shipped, with changes.
func (s *shop) publishPlan(name string, changes map[string]any) {
	s.t.Helper()
	var plan map[string]any
	s.example(name, &plan)
	for member, value := range changes {
		plan[member] = value
	}
	s.append(app.Operation{Type: drawdown.PlanPublished, Data: plan})
}

// openCustomer opens an account that may buy by itself, with a webhook endpoint.
func (s *shop) openCustomer(account, plan string) {
	s.t.Helper()
	s.append(app.Operation{Type: drawdown.AccountOpened, Account: account, Data: map[string]any{
		"plan": plan, "email": account + "@example.com", "email_verified": true,
	}})
	s.append(app.Operation{Type: drawdown.AutoPurchaseSet, Account: account, Data: map[string]any{"enabled": true}})
	s.receiver.tell(account, mainEndpoint)
}

// grant gives an account credits.
func (s *shop) grant(account string, credits int) {
	s.t.Helper()
	s.append(app.Operation{Type: drawdown.CreditsGranted, Account: account, Data: map[string]any{
		"amount": number(credits), "category": "promotional",
	}})
}

// saveCard has a customer save a card at the gateway, and waits until the log knows of it.
func (s *shop) saveCard(account, card string) {
	s.t.Helper()
	before := len(s.appended(account, "payment_method.saved"))
	s.awaitWorkedOff()
	session, err := s.desk.SaveCard(s.t.Context(), account, false)
	s.must(err)
	s.must(s.stripe.Complete(session.ID, fakestripe.Completion{Card: card}))
	s.must(s.stripe.Drain(s.t.Context()))
	saved := s.appended(account, "payment_method.saved")
	if len(saved) != before+1 {
		s.t.Fatalf("the card %s was saved, and the log has %+v", card, saved)
	}
	if last := saved[before].Data; last.Method != card || last.Customer != session.Customer || last.Customer == "" {
		s.t.Fatalf("the card %s of %s was saved as %+v", card, session.Customer, last)
	}
}

// use reports usage that costs whole credits.
func (s *shop) use(account string, credits int) {
	s.t.Helper()
	s.report(usage{account: account, operations: credits})
}

// told are the gateway's events of some types, as it posts them, the oldest first.
func (s *shop) told(types ...string) (bodies [][]byte) {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.stripe.URL()+"/v1/events?limit=100", nil)
	s.must(err)
	request.Header.Set("Authorization", "Bearer "+s.config.Stripe.SecretKey)
	response, err := http.DefaultClient.Do(request)
	s.must(err)
	defer response.Body.Close()
	var page struct {
		HasMore bool `json:"has_more"`
		Data    []json.RawMessage
	}
	s.must(json.NewDecoder(response.Body).Decode(&page))
	if page.HasMore {
		s.t.Fatal("there are more events than one page")
	}
	for _, body := range slices.Backward(page.Data) {
		var event struct{ Type string }
		s.must(json.Unmarshal(body, &event))
		if len(types) == 0 || slices.Contains(types, event.Type) {
			bodies = append(bodies, body)
		}
	}
	return bodies
}

// post posts a webhook with a signature and returns the status and what was answered.
func (s *shop) post(body []byte, signature string) (status int, answer string) {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.webhooks, bytes.NewReader(body))
	s.must(err)
	if signature != "" {
		request.Header.Set("Stripe-Signature", signature)
	}
	response, err := http.DefaultClient.Do(request)
	s.must(err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	s.must(err)
	s.scraped.Write(text)
	return response.StatusCode, string(bytes.TrimSpace(text))
}

// deliver posts what the gateway has told once more, signed now.
func (s *shop) deliver(bodies ...[]byte) {
	s.t.Helper()
	for _, body := range bodies {
		if status, answer := s.post(body, fakestripe.Signature(s.signing, time.Now(), body)); status != http.StatusOK {
			s.t.Fatalf("a webhook was answered %d: %s", status, answer)
		}
	}
}

// delivered is the condition that a try of a delivery ended with a text.
func (s *shop) delivered(detail string) func(context.Context) (bool, any) {
	return func(context.Context) (bool, any) {
		var found []string
		for _, one := range s.deliveries() {
			found = append(found, one.ID+": "+one.Detail)
		}
		return strings.Contains(strings.Join(found, "\n"), detail), found
	}
}
