package office

import (
	"context"
	"errors"
	"time"

	"drawdown"
	"drawdown/api/access"
)

// IssueKey makes an API key and returns it with its secret, which is shown this once. It takes no idempotency key: the answer
// can't be given again, since the secret is kept nowhere. After a lost answer revoke the key that nobody has.
func (o *Office) IssueKey(ctx context.Context, p *access.Principal, wanted access.NewKey) (key access.Key, token string, err error) {
	if err := mayAny(p, access.ManageKeys); err != nil {
		return access.Key{}, "", err
	}
	asked := map[string]any{"name": wanted.Name, "role": wanted.Role, "scopes": wanted.Scopes}
	if !wanted.ExpiresAt.IsZero() {
		asked["expires_at"] = wanted.ExpiresAt.UTC()
	}
	account := wanted.Account
	if !drawdown.ValidAccount([]byte(account)) {
		account = "" // what it is not is told by the key store
	}
	if err := o.audit(ctx, p, account, "key.issue", "", detail(asked)); err != nil {
		return access.Key{}, "", err
	}
	if key, token, err = o.deps.Keys.Issue(ctx, p, wanted); err != nil {
		return access.Key{}, "", refusalOfKey(ctx, err)
	}
	return key, token, nil
}

// RotateKey gives a key a new secret, which is shown this once. The one before stays valid for the overlap.
func (o *Office) RotateKey(ctx context.Context, p *access.Principal, id string, overlap time.Duration) (key access.Key, token string, err error) {
	if err := mayAny(p, access.ManageKeys); err != nil {
		return access.Key{}, "", err
	}
	if err := o.audit(ctx, p, "", "key.rotate", "", detail(map[string]any{"key": id, "overlap": overlap.String()})); err != nil {
		return access.Key{}, "", err
	}
	if key, token, err = o.deps.Keys.Rotate(ctx, p, id, overlap); err != nil {
		return access.Key{}, "", refusalOfKey(ctx, err)
	}
	return key, token, nil
}

// RevokeKey ends a key at once and for good. To revoke it again does nothing.
func (o *Office) RevokeKey(ctx context.Context, p *access.Principal, id string) (access.Key, error) {
	if err := mayAny(p, access.ManageKeys); err != nil {
		return access.Key{}, err
	}
	if err := o.audit(ctx, p, "", "key.revoke", "", detail(map[string]any{"key": id})); err != nil {
		return access.Key{}, err
	}
	key, err := o.deps.Keys.Revoke(ctx, p, id)
	if err != nil {
		return access.Key{}, refusalOfKey(ctx, err)
	}
	return key, nil
}

// Keys lists the keys that a principal sees, without secrets, the newest first.
func (o *Office) Keys(_ context.Context, p *access.Principal) ([]access.Key, error) {
	if err := mayAny(p, access.ManageKeys); err != nil {
		return nil, err
	}
	return o.deps.Keys.Keys(p), nil
}

// PageLink makes a sign-in link to the billing page of an account. Whoever has it is the account's customer, so it goes to
// nobody else.
func (o *Office) PageLink(ctx context.Context, p *access.Principal, account string) (url string, expires time.Time, err error) {
	if err := may(p, account, access.Administer); err != nil {
		return "", time.Time{}, err
	}
	if _, err := o.exists(ctx, account); err != nil {
		return "", time.Time{}, err
	}
	if err := o.audit(ctx, p, account, "page_link.made", "", nil); err != nil {
		return "", time.Time{}, err
	}
	url, expires, err = o.deps.Links.Make(account)
	if err != nil {
		return "", time.Time{}, unavailable(ctx, "sign-in links", err)
	}
	return url, expires, nil
}

// refusalOfKey turns an error of the key store into a refusal.
func refusalOfKey(ctx context.Context, err error) error {
	var invalid *access.InvalidKeyError
	switch {
	case errors.As(err, &invalid):
		return &Error{Kind: Invalid, Reason: "malformed", Detail: sentence(invalid.Err)}
	case errors.Is(err, access.ErrBeyondIssuer):
		return &Error{Kind: Forbidden, Reason: "forbidden", Detail: "The key may do more than your own credential. Nobody gets a secret for that."}
	case errors.Is(err, access.ErrNoSuchKey):
		return &Error{Kind: NotFound, Reason: "no_such_key", Detail: "There is no such key."}
	case errors.Is(err, access.ErrKeyEnded):
		return &Error{Kind: Conflict, Reason: "key_ended", Detail: "The key is revoked or has expired. Issue another one."}
	case errors.Is(err, access.ErrKeyChanged):
		return &Error{Kind: Conflict, Reason: "key_changed", Detail: "Somebody else changed the key at the same moment. Look at it again."}
	case errors.Is(err, access.ErrTooManyKeys):
		return &Error{Kind: Conflict, Reason: "too_many_keys", Detail: "There are as many keys as there can be. Ask whoever runs the service."}
	default:
		return unavailable(ctx, "keys", err)
	}
}
