package access

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDefaultConfig(t *testing.T) {
	config := Default()
	if err := config.Validate(); err != nil || config.OIDC.Enabled() {
		t.Errorf("%v", err)
	}
	config.OIDC = testOIDC()
	if err := config.Validate(); err != nil {
		t.Errorf("with a provider: %v", err)
	}
}

func TestConfigsThatCannotBe(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		faults []string
	}{
		"no topic":           {func(c *Config) { c.KeysTopic = "" }, []string{"keys_topic"}},
		"no topic's name":    {func(c *Config) { c.KeysTopic, c.AuditTopic = "a b", ".." }, []string{"keys_topic", "audit_topic"}},
		"one topic":          {func(c *Config) { c.AuditTopic = c.KeysTopic }, []string{"audit_topic"}},
		"two session keys":   {func(c *Config) { c.SessionKeys, c.SessionKeysFile = "a", "b" }, []string{"session_keys_file"}},
		"alg none":           {func(c *Config) { c.OIDC.Algorithms = []string{"RS256", "none"} }, []string{"oidc.algorithms"}},
		"alg HS256":          {func(c *Config) { c.OIDC.Algorithms = []string{"HS256"} }, []string{"oidc.algorithms"}},
		"no alg":             {func(c *Config) { c.OIDC.Algorithms = nil }, []string{"oidc.algorithms"}},
		"no issuer":          {func(c *Config) { c.OIDC.Issuer = "" }, []string{"oidc.issuer"}},
		"plain HTTP":         {func(c *Config) { c.OIDC.Issuer = "http://idp.example.com" }, []string{"oidc.issuer"}},
		"a password in it":   {func(c *Config) { c.OIDC.Issuer = "https://u:p@idp.example.com" }, []string{"oidc.issuer"}},
		"no audience":        {func(c *Config) { c.OIDC.Audience, c.OIDC.ClientID, c.OIDC.ClientSecret = "", "", "" }, []string{"oidc.audience"}},
		"no client":          {func(c *Config) { c.OIDC.ClientID = "" }, []string{"oidc.client_id"}},
		"two client secrets": {func(c *Config) { c.OIDC.ClientSecretFile = "x" }, []string{"oidc.client_secret_file"}},
		"no openid":          {func(c *Config) { c.OIDC.Scopes = []string{"email"} }, []string{"oidc.scopes"}},
		"all at once": {func(c *Config) { *c = Config{OIDC: OIDC{ClientSecret: testSecret}} },
			[]string{"keys_topic", "audit_topic", "oidc.algorithms", "oidc.role_claim", "oidc.account_claim", "oidc.client_id"}},
	} {
		config := Default()
		config.OIDC = testOIDC()
		c.change(&config)
		err := config.Validate()
		if err == nil || strings.Contains(err.Error(), testSecret) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, fault := range c.faults {
			if !strings.Contains("\n"+err.Error(), "\n"+fault+": ") {
				t.Errorf("%s: %v, expected %s", name, err, fault)
			}
		}
	}
}

func TestSecretsAreNotPrinted(t *testing.T) {
	config := Default()
	config.OIDC, config.SessionKeys = testOIDC(), "session-key-that-nobody-sees"
	var logged strings.Builder
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "config", config, "pointer", &config, "oidc", config.OIDC)
	text := must(json.Marshal(config))
	for name, printed := range map[string]string{
		"log": logged.String(), "JSON": string(text), "%v": fmt.Sprintf("%v %v", config, &config), "%+v": fmt.Sprintf("%+v %+v", config, config.OIDC),
		"%#v": fmt.Sprintf("%#v %#v", config, &config.OIDC),
	} {
		if strings.Contains(printed, "nobody") || !strings.Contains(printed, testIssuer) {
			t.Errorf("%s: %s", name, printed)
		}
	}
}

func TestClientSecretFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte("from a file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if secret, err := (&OIDC{ClientSecretFile: path}).secret(); err != nil || secret != "from a file" {
		t.Errorf("%q, %v", secret, err)
	}
}
