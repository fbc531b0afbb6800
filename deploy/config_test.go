package deploy

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"drawdown/internal/app"
)

// exampleConfig is drawdown.yaml as a process of compose.yaml reads it, with that process's environment.
func exampleConfig(t *testing.T, process string) app.Config {
	t.Helper()
	var environment []string
	for name, value := range compose(t).Services[process].Environment {
		environment = append(environment, name+"="+os.Expand(value, unset))
	}
	config, err := app.Load("drawdown.yaml", environment)
	if err != nil {
		t.Fatalf("%s: %v", process, err)
	}
	return config
}

// unset is what compose puts in place of a variable of .env: its default, or a secret where there is none.
func unset(variable string) string {
	if _, otherwise, has := strings.Cut(variable, ":-"); has {
		return otherwise
	}
	return "secret"
}

// TestProcessesTakeTheirConfiguration: every option and variable exists and has an allowed value.
func TestProcessesTakeTheirConfiguration(t *testing.T) {
	for _, process := range []string{"topics", "worker", "sink", "purchaser", "notifier", "api", "cli", "repair"} {
		config := exampleConfig(t, process)
		if !slices.Equal(config.Kafka.Brokers, []string{"kafka:9092"}) || !slices.Equal(config.Redis.Addrs, []string{"redis:6379"}) {
			t.Errorf("%s looks for Kafka at %q and Redis at %q", process, config.Kafka.Brokers, config.Redis.Addrs)
		}
	}
	if config := exampleConfig(t, "worker"); config.Redis.Username != "drawdown" || config.Redis.Password != "secret" {
		t.Errorf("the worker is Redis' user %q", config.Redis.Username)
	}
	if config := exampleConfig(t, "repair"); config.Redis.Username != "operator" || config.Redis.Password != "secret" {
		t.Errorf("repair is Redis' user %q", config.Redis.Username)
	}
	for _, process := range []string{"purchaser", "notifier"} {
		if config := exampleConfig(t, process); config.Redis.Username != "reader" || config.Redis.Password != "secret" {
			t.Errorf("%s is Redis' user %q", process, config.Redis.Username)
		}
	}
	if config := exampleConfig(t, "api"); config.Redis.Username != "api" || config.Redis.Password != "secret" ||
		config.ClickHouse.DSN != "clickhouse://drawdown_reader:secret@clickhouse:9000/drawdown" {
		t.Errorf("the API is Redis' user %q and looks for ClickHouse at %s", config.Redis.Username, config.ClickHouse.DSN)
	}
	if dsn := exampleConfig(t, "sink").ClickHouse.DSN; dsn != "clickhouse://drawdown:secret@clickhouse:9000/drawdown" {
		t.Errorf("the sink looks for ClickHouse at %s", dsn)
	}
}

// TestProcessesHaveNoOthersSecrets: whoever takes over one process gets no more than that process needs.
func TestProcessesHaveNoOthersSecrets(t *testing.T) {
	services := compose(t).Services
	for process, want := range map[string]struct {
		redis, clickhouse bool
		files             []string
	}{
		"topics": {}, "sink": {clickhouse: true},
		"worker":    {redis: true, files: []string{"signing-keys"}},
		"purchaser": {redis: true, files: []string{"signing-keys", "stripe-secret-key", "stripe-webhook-secrets"}},
		"notifier":  {redis: true, files: []string{"signing-keys", "smtp-password", "webhook-master-key"}},
		"api":       {redis: true, clickhouse: true, files: []string{"session-keys", "signing-keys", "stripe-secret-key", "webhook-master-key"}},
		"cli":       {redis: true, clickhouse: true, files: []string{"session-keys", "signing-keys", "stripe-secret-key", "webhook-master-key"}},
		"repair":    {redis: true, files: []string{"signing-keys"}},
	} {
		s := services[process]
		_, redis := s.Environment["DRAWDOWN_REDIS_PASSWORD"]
		_, clickhouse := s.Environment["DRAWDOWN_CLICKHOUSE_DSN"]
		if redis != want.redis || clickhouse != want.clickhouse || !slices.Equal(slices.Sorted(slices.Values(s.Secrets)), want.files) {
			t.Errorf("%s has secrets of Redis: %v, of ClickHouse: %v, and %q; it needs %v", process, redis, clickhouse, s.Secrets, want)
		}
	}
}

// TestSecretsAreWhereTheyAreLookedFor: compose.yaml puts each secret into a file, whose name the configuration has.
func TestSecretsAreWhereTheyAreLookedFor(t *testing.T) {
	purchaser, notifier, mail := exampleConfig(t, "purchaser"), exampleConfig(t, "notifier"), switchedOn(t)
	for _, test := range []struct{ process, path string }{
		{"worker", exampleConfig(t, "worker").SigningKeysFile},
		{"purchaser", purchaser.SigningKeysFile},
		{"purchaser", purchaser.Stripe.SecretKeyFile},
		{"purchaser", purchaser.Stripe.WebhookSecretsFile},
		{"notifier", notifier.SigningKeysFile},
		{"notifier", notifier.Webhooks.MasterKeyFile},
		{"notifier", mail.Email.PasswordFile},
		{"api", exampleConfig(t, "api").SigningKeysFile},
		{"api", exampleConfig(t, "api").API.Access.SessionKeysFile},
		{"api", exampleConfig(t, "api").Stripe.SecretKeyFile},
		{"api", exampleConfig(t, "api").Webhooks.MasterKeyFile},
		{"cli", exampleConfig(t, "cli").Stripe.SecretKeyFile},
		{"cli", exampleConfig(t, "cli").Webhooks.MasterKeyFile},
		{"cli", exampleConfig(t, "cli").API.Access.SessionKeysFile},
	} {
		secret, mounted := strings.CutPrefix(test.path, "/run/secrets/")
		if file := compose(t); !mounted || !slices.Contains(file.Services[test.process].Secrets, secret) || file.Secrets[secret].File != "./secrets/"+secret {
			t.Errorf("%s looks for a secret in %q, where compose.yaml puts none", test.process, test.path)
		}
	}
}

// TestComposeTakesNoMoney: what is started to look at it must charge nobody.
func TestComposeTakesNoMoney(t *testing.T) {
	for _, process := range []string{"purchaser", "api", "cli"} {
		if gateway := exampleConfig(t, process).Purchasing.Gateway; gateway != app.SandboxGateway {
			t.Errorf("the gateway of %s is %q", process, gateway)
		}
	}
}

// TestStripeCanBeChosen: with Stripe's keys in their files, only the processes that use them read them.
func TestStripeCanBeChosen(t *testing.T) {
	dir := t.TempDir()
	for name, secret := range map[string]string{"stripe-secret-key": "sk_test_1\n", "stripe-webhook-secrets": "whsec_1\nwhsec_2\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(secret), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, process := range []string{"topics", "worker", "sink", "notifier", "purchaser", "api", "cli", "repair"} {
		var environment []string
		for name, value := range compose(t).Services[process].Environment {
			value = os.Expand(value, func(variable string) string {
				if strings.HasPrefix(variable, "PURCHASING_GATEWAY") {
					return app.StripeGateway
				}
				return unset(variable)
			})
			environment = append(environment, name+"="+strings.ReplaceAll(value, "/run/secrets", dir))
		}
		if _, err := app.Load("drawdown.yaml", environment); err != nil {
			t.Errorf("%s: %v", process, err)
		}
	}
}

// switchedOff is a line of drawdown.yaml that only needs its # taken away.
var switchedOff = regexp.MustCompile(`(?m)^#( *[a-z_]+:.*)$`)

// switchedOn is drawdown.yaml with everything that is switched off in it, such as e-mail.
func switchedOn(t *testing.T) app.Config {
	t.Helper()
	text := read(t, "drawdown.yaml")
	if !switchedOff.MatchString(text) {
		t.Fatal("nothing is switched off")
	}
	path := filepath.Join(t.TempDir(), "drawdown.yaml")
	if err := os.WriteFile(path, []byte(switchedOff.ReplaceAllString(text, "$1")), 0o600); err != nil {
		t.Fatal(err)
	}
	config, err := app.Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// TestWhatIsSwitchedOffIsRight: whoever takes the # away gets a configuration that is allowed.
func TestWhatIsSwitchedOffIsRight(t *testing.T) {
	if on, off := switchedOn(t), exampleConfig(t, "notifier"); on.Email.Addr == "" || off.Email.Addr != "" {
		t.Errorf("mail servers are %q and %q", on.Email.Addr, off.Email.Addr)
	}
}

func TestExampleConfigHasNoSecrets(t *testing.T) {
	config, err := app.Load("drawdown.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	if config.Redis.Password != "" || config.Kafka.Password != "" || config.SigningKeys != "" || strings.Contains(config.ClickHouse.DSN, "@") ||
		config.Stripe.SecretKey != "" || len(config.Stripe.WebhookSecrets) > 0 || config.Email.Password != "" || config.Webhooks.MasterKey != "" ||
		config.API.Access.SessionKeys != "" || config.API.Access.OIDC.ClientSecret != "" {
		t.Error("a secret stands in a file that is none")
	}
}
