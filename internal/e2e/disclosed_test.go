//go:build integration

package e2e

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"drawdown/internal/servers/redis"
	"drawdown/purchasing/stripe/fakestripe"
)

// TestSecretsAreNowhere has every party refuse the secret that it is shown, which is when programs say too much. What is
// looked through besides, of every test here, is in checkWords and checkTopics.
func TestSecretsAreNowhere(t *testing.T) {
	elsewhere := fakestripe.New(fakestripe.Options{SecretKey: "sk_test_of_another"}) // its refusals repeat the key
	t.Cleanup(elsewhere.Close)
	wrong := "wrong-" + randomText(16)
	s := openShop(t, needs{Partitions: 1, Redis: redis.Options{Password: randomText(16)}, Settings: settings{
		"stripe.api_base": elsewhere.URL(), "email.password": wrong, "log_level": "debug",
	}}, fakestripe.Delivery{})
	s.secret("the password that the mail server refuses", wrong)
	s.secret("the secret of a customer's endpoint", s.receiver.secrets.Secret("acme", mainEndpoint, 1))
	s.publishExamples()
	s.openUp()
	s.openBuyerOf("acme", "airbyte-cloud", func() { // who is told is decided when an entry is read
		s.receiver.tell("acme", mainEndpoint)
		s.receiver.tell("acme", goneEndpoint)
	})
	s.purchaser.awaitLog("Invalid API Key provided")
	s.purchaser.awaitUnready("Invalid API Key provided")
	s.receiver.await("acme", "resumed")
	s.await("the mail server refuses the login", s.delivered("refused the login"))
	body := []byte(`{"id":"evt_1"}`)
	s.post(body, fakestripe.Signature("whsec_another", s.stripe.Now(), body))
	for _, p := range []*process{s.worker, s.purchaser, s.notifier} {
		if p.scrape() == "" {
			t.Errorf("the %s shows no metrics", p.name)
		}
	}
	for _, what := range [][]string{{"show"}, {"check"}} {
		output, status := s.command(append([]string{"config", "--config", s.file}, what...)...)
		if status != 0 {
			t.Errorf("config %v: exit status %d", what, status)
		}
		s.accuse("config "+what[0], []byte(output))
	}
	s.close()

	// The search finds what is there.
	for what, secret := range s.secrets {
		if found := s.disclosed([]byte(`{"error":"` + secret + `"}`)); len(found) != 1 {
			t.Errorf("%s: the search finds %v", what, found)
		}
	}
	if said, err := os.ReadFile(s.purchaser.log); err != nil || !strings.Contains(string(said), "stripe.secret_key") {
		t.Errorf("the log does not show the configuration: %v", err)
	}
}

// TestFaultySecretsAreNotRepeated: a key with a typing error is nearly the key.
func TestFaultySecretsAreNotRepeated(t *testing.T) {
	s := openShop(t, needs{Partitions: 1, Unmade: true}, fakestripe.Delivery{})
	mistyped := "x" + randomText(16)
	s.secret("a mistyped secret", mistyped)
	for variable, name := range map[string]string{
		"DRAWDOWN_STRIPE_SECRET_KEY": "stripe.secret_key", "DRAWDOWN_STRIPE_WEBHOOK_SECRETS": "stripe.webhook_secrets",
		"DRAWDOWN_WEBHOOKS_MASTER_KEY": "webhooks.master_key", "DRAWDOWN_SIGNING_KEYS": "signing_keys",
		"DRAWDOWN_CLICKHOUSE_DSN": "clickhouse.dsn",
	} {
		command := exec.CommandContext(t.Context(), binary, "purchaser", "--config", s.file)
		command.Env = append(os.Environ(), variable+"="+mistyped)
		output, err := command.CombinedOutput()
		if err == nil || !strings.Contains(string(output), name) {
			t.Errorf("%s: %v\n%s", name, err, output)
		}
		s.accuse("what is said of a faulty "+name, output)
	}
}
