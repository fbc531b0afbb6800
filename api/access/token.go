package access

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
)

// Bounds of tokens.
const (
	// tokenMax is the most bytes of a token that is looked at.
	tokenMax = 16 << 10
	// clockSkew is by how much the provider's clock may differ from ours.
	clockSkew = time.Minute
)

// Tokens checks JSON Web Tokens of the identity provider. It is safe for concurrent use; a nil one accepts none.
type Tokens struct {
	config     OIDC
	algorithms []jose.SignatureAlgorithm
	provider   *provider
}

// NewTokens returns a checker for an identity provider that is enabled. It does not connect: an address that is wrong
// shows at the first token.
func NewTokens(config OIDC) (*Tokens, error) {
	if !config.Enabled() {
		return nil, errors.New("access: there is no identity provider (oidc.issuer)")
	}
	if err := config.Validate(); err != nil {
		return nil, fmt.Errorf("access: oidc: %w", err)
	}
	t := &Tokens{config: config, provider: newProvider(config.Issuer)}
	for _, name := range config.Algorithms {
		t.algorithms = append(t.algorithms, jose.SignatureAlgorithm(name))
	}
	return t, nil
}

// Check returns the principal of a token. The error is an [UnauthenticatedError] or an [ErrUnavailable].
func (t *Tokens) Check(ctx context.Context, token string) (*Principal, error) {
	if t == nil {
		return nil, refuse(TokenCredential, "", "it has not the form of a key, and there is no identity provider")
	}
	if len(token) > tokenMax {
		return nil, refuse(TokenCredential, "", fmt.Sprintf("it has %d bytes", len(token)))
	}
	_, principal, err := t.check(ctx, t.config.audience(), token)
	return principal, t.refused(TokenCredential, err)
}

// check verifies a token for an audience and reads the principal. The library checks signature, issuer and audience;
// times are checkTimes': the library's own bounds are five minutes for one and none for the other.
func (t *Tokens) check(ctx context.Context, audience, token string) (*oidc.IDToken, *Principal, error) {
	keys := &providerKeys{tokens: t}
	verifier := oidc.NewVerifier(t.config.Issuer, keys, &oidc.Config{
		ClientID: audience, SupportedSigningAlgs: t.config.Algorithms, SkipExpiryCheck: true,
	})
	verified, err := verifier.Verify(ctx, token)
	switch {
	case keys.unavailable != nil:
		return nil, nil, keys.unavailable
	case err != nil:
		return nil, nil, err
	}
	var all map[string]json.RawMessage
	if err := verified.Claims(&all); err != nil {
		return nil, nil, fmt.Errorf("its claims can't be read: %w", err)
	}
	if err := checkTimes(all, time.Now()); err != nil {
		return nil, nil, err
	}
	principal, err := t.principal(verified, all)
	return verified, principal, err
}

// refused turns an error into one for callers.
func (t *Tokens) refused(credential CredentialKind, err error) error {
	if err == nil || errors.Is(err, ErrUnavailable) {
		return err
	}
	return refuse(credential, "", err.Error())
}

// providerKeys are the provider's keys as the library asks for them, for one token.
type providerKeys struct {
	tokens *Tokens
	// unavailable is why the keys could not be asked for. The library passes on only its text.
	unavailable error
}

// VerifySignature implements [oidc.KeySet].
func (k *providerKeys) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	parsed, err := jose.ParseSignedCompact(token, k.tokens.algorithms) // not the form in JSON, which can have several signatures
	if err != nil {
		return nil, err
	}
	claims, err := k.verify(ctx, parsed)
	if errors.Is(err, ErrUnavailable) {
		k.unavailable = err
	}
	return claims, err
}

func (k *providerKeys) verify(ctx context.Context, token *jose.JSONWebSignature) ([]byte, error) {
	found, err := k.tokens.provider.discover(ctx)
	if err != nil {
		return nil, err
	}
	return found.keys.verify(ctx, token)
}

// checkTimes looks at exp, which must be there, at nbf and at iat.
func checkTimes(claims map[string]json.RawMessage, now time.Time) error {
	expires, err := timeClaim(claims, "exp")
	switch {
	case err != nil:
		return err
	case expires.IsZero():
		return errors.New("it never expires")
	case !now.Before(expires.Add(clockSkew)):
		return fmt.Errorf("it expired at %s", expires.Format(time.RFC3339))
	}
	for _, name := range []string{"nbf", "iat"} {
		from, err := timeClaim(claims, name)
		if err != nil {
			return err
		}
		if now.Before(from.Add(-clockSkew)) {
			return fmt.Errorf("%s is %s, which is ahead", name, from.Format(time.RFC3339))
		}
	}
	return nil
}

// timeClaim reads seconds since 1970, whole or not; zero where there is none.
func timeClaim(claims map[string]json.RawMessage, name string) (time.Time, error) {
	text, there := claims[name]
	if !there || string(text) == "null" {
		return time.Time{}, nil
	}
	var number json.Number
	err := json.Unmarshal(text, &number)
	if err == nil && text[0] != '"' {
		var seconds float64
		if seconds, err = number.Float64(); err == nil && seconds > 0 && seconds < 1e11 {
			return time.UnixMilli(int64(seconds * 1000)).UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%s is no time: %.40s", name, text)
}

// principal reads role and account from the claims.
func (t *Tokens) principal(token *oidc.IDToken, claims map[string]json.RawMessage) (*Principal, error) {
	if !printable(token.Subject) || token.Subject == "" || len(token.Subject) > 255 {
		return nil, errors.New("its subject is missing, or is no printable text of at most 255 bytes")
	}
	if _, logout := claims["events"]; logout {
		return nil, errors.New("it is a logout token")
	}
	role, err := roleIn(claimAt(claims, t.config.RoleClaim))
	if err != nil {
		return nil, fmt.Errorf("claim %s: %w", t.config.RoleClaim, err)
	}
	account, err := accountIn(claimAt(claims, t.config.AccountClaim))
	if err != nil {
		return nil, fmt.Errorf("claim %s: %w", t.config.AccountClaim, err)
	}
	if err := validRights(role, account, nil); err != nil {
		return nil, err
	}
	return &Principal{ID: personID(token.Issuer, token.Subject), Role: role, Account: account}, nil
}

// roleIn reads a role: a text, or a list with exactly one of ours. Two of ours are refused rather than chosen from.
func roleIn(claim json.RawMessage) (Role, error) {
	var names []string
	if json.Unmarshal(claim, &names) != nil {
		var name string
		if err := json.Unmarshal(claim, &name); err != nil {
			return "", errors.New("is no text and no list of texts, or is missing")
		}
		names = []string{name}
	}
	var role Role
	for _, name := range names {
		if _, ours := roleScopes[Role(name)]; !ours || Role(name) == role {
			continue
		}
		if role != "" {
			return "", fmt.Errorf("has two roles, %s and %s", role, name)
		}
		role = Role(name)
	}
	if role == "" {
		return "", errors.New("has no role of ours")
	}
	return role, nil
}

// accountIn reads an account; "" where there is none.
func accountIn(claim json.RawMessage) (string, error) {
	if claim == nil || string(claim) == "null" {
		return "", nil
	}
	var account string
	if err := json.Unmarshal(claim, &account); err != nil || account == "" {
		return "", errors.New("is no text, or an empty one")
	}
	return account, nil
}

func printable(text string) bool {
	return !slices.ContainsFunc([]byte(text), func(c byte) bool { return c < ' ' || c > '~' })
}
