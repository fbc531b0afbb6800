package access

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"slices"
	"strings"
)

// Config is what can be configured of access.
type Config struct {
	// KeysTopic has the records of API keys, AuditTopic the audit entries.
	KeysTopic  string
	AuditTopic string
	// SessionKeysFile has the keys of sessions and sign-in links, as [ParseSessionKeys] reads them. SessionKeys is the
	// same as text, for those who keep secrets in the environment. At most one of the two.
	SessionKeysFile string
	SessionKeys     string `json:"-"`
	OIDC            OIDC
}

// OIDC says which identity provider is trusted. Without an issuer there is none.
type OIDC struct {
	// Issuer is the provider's address, exactly as its tokens have it. Its keys are found by discovery.
	Issuer string
	// Audience must stand among a token's audiences; "" for the client's id.
	Audience string
	// ClientID and the secret are the billing page's own registration, for signing in there; without an id nobody
	// can. A public client has no secret.
	ClientID     string
	ClientSecret string `json:"-"`
	// ClientSecretFile holds the secret instead.
	ClientSecretFile string
	// Scopes are asked for when somebody signs in: openid, and what makes the provider add the claims below.
	Scopes []string
	// Algorithms are those that tokens may be signed with.
	Algorithms []string
	// RoleClaim and AccountClaim are the claims that have the role and the account: a member's name, or a path such as
	// realm_access.roles. A role is a text, or a list with exactly one of our roles in it.
	RoleClaim    string
	AccountClaim string
}

// algorithms are those with a public and a private key. With any other, who can check a token can make one.
var algorithms = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}

// Default has no identity provider.
func Default() Config {
	return Config{KeysTopic: "drawdown.access", AuditTopic: "drawdown.audit", OIDC: OIDC{
		Scopes: []string{"openid"}, Algorithms: []string{"RS256", "ES256"}, RoleClaim: "drawdown_role", AccountClaim: "drawdown_account",
	}}
}

// Validate reports every fault at once, without secrets. It reads no file.
func (c *Config) Validate() error {
	var faults []error
	for _, topic := range []struct{ key, name string }{{"keys_topic", c.KeysTopic}, {"audit_topic", c.AuditTopic}} {
		if !validTopic(topic.name) {
			faults = append(faults, fmt.Errorf("%s: is %.40q; allowed are 1 to 249 of A-Z a-z 0-9 . _ -", topic.key, topic.name))
		}
	}
	if c.KeysTopic == c.AuditTopic {
		faults = append(faults, errors.New("audit_topic: is keys_topic; allowed is another one"))
	}
	if c.SessionKeys != "" && c.SessionKeysFile != "" {
		faults = append(faults, errors.New("session_keys_file: is given beside session_keys; give one of the two"))
	}
	if err := c.OIDC.Validate(); err != nil {
		for _, fault := range strings.Split(err.Error(), "\n") {
			faults = append(faults, fmt.Errorf("oidc.%s", fault))
		}
	}
	return errors.Join(faults...)
}

// Enabled reports whether there is an identity provider.
func (o *OIDC) Enabled() bool { return o.Issuer != "" }

// audience is what a token of an API must be for.
func (o *OIDC) audience() string {
	if o.Audience != "" {
		return o.Audience
	}
	return o.ClientID
}

// Validate reports every fault at once, without the secret.
func (o *OIDC) Validate() error {
	var faults []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	fault(len(o.Algorithms) == 0, "algorithms: is empty; allowed are %s", strings.Join(algorithms, ", "))
	for _, name := range o.Algorithms {
		fault(!slices.Contains(algorithms, name), "algorithms: has %.20q; allowed are %s (none is no signature, and who can check an HS signature can make one)", name, strings.Join(algorithms, ", "))
	}
	fault(o.RoleClaim == "", "role_claim: is empty; allowed is the name of a claim")
	fault(o.AccountClaim == "", "account_claim: is empty; allowed is the name of a claim")
	fault(o.ClientSecret != "" && o.ClientSecretFile != "", "client_secret_file: is given beside client_secret; give one of the two")
	fault(o.ClientID == "" && o.ClientSecret+o.ClientSecretFile != "", "client_id: is missing beside a client secret")
	if !o.Enabled() {
		fault(o.Audience+o.ClientID != "", "issuer: is missing beside an audience or a client")
		return errors.Join(faults...)
	}
	fault(!secureURL(o.Issuer), "issuer: is %.200q; allowed is an https address (http on loopback only) without query", o.Issuer)
	fault(o.audience() == "", "audience: is missing, and so is client_id; allowed is what your provider writes into tokens for this API")
	fault(o.ClientID != "" && !slices.Contains(o.Scopes, "openid"), "scopes: lack openid")
	return errors.Join(faults...)
}

// secret is the client's secret; "" for a public client.
func (o *OIDC) secret() (string, error) {
	if o.ClientSecretFile == "" {
		return o.ClientSecret, nil
	}
	text, err := os.ReadFile(o.ClientSecretFile)
	if err != nil {
		return "", fmt.Errorf("oidc.client_secret_file: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// LogValue keeps the secret out of logs.
func (o OIDC) LogValue() slog.Value {
	return slog.GroupValue(slog.String("issuer", o.Issuer), slog.String("audience", o.Audience), slog.String("client_id", o.ClientID),
		slog.Any("algorithms", o.Algorithms), slog.String("role_claim", o.RoleClaim), slog.String("account_claim", o.AccountClaim))
}

// String keeps the secret out of what is printed.
func (o OIDC) String() string { return o.LogValue().String() }

// GoString keeps %#v from printing it.
func (o OIDC) GoString() string { return o.String() }

// LogValue keeps secrets out of logs.
func (c Config) LogValue() slog.Value {
	return slog.GroupValue(slog.String("keys_topic", c.KeysTopic), slog.String("audit_topic", c.AuditTopic),
		slog.String("session_keys_file", c.SessionKeysFile), slog.Any("oidc", c.OIDC))
}

// String keeps secrets out of what is printed.
func (c Config) String() string { return c.LogValue().String() }

// GoString keeps %#v from printing them.
func (c Config) GoString() string { return c.String() }

func secureURL(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return false
	}
	host := u.Hostname()
	return u.Scheme == "https" || u.Scheme == "http" && (host == "localhost" || host == "127.0.0.1" || host == "::1")
}

func validTopic(name string) bool {
	if name == "" || len(name) > 249 || name == "." || name == ".." {
		return false
	}
	return !strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '.' && r != '_' && r != '-'
	})
}
