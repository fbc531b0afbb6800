package office

import (
	"context"
	"time"

	"drawdown/api/access"
)

// IssueKey makes an API key and returns it with its secret, which is shown this once. An idempotency key keeps a repetition
// from making a second one, but can't show the secret again: rotate the key if it was lost.
func (o *Office) IssueKey(ctx context.Context, p *access.Principal, wanted access.NewKey, w Write) (access.Key, string, error) {
	if err := mayAny(p, access.ManageKeys); err != nil {
		return access.Key{}, "", err
	}
	asked := map[string]any{"name": wanted.Name, "role": wanted.Role, "scopes": wanted.Scopes}
	if !wanted.ExpiresAt.IsZero() {
		asked["expires_at"] = wanted.ExpiresAt.UTC()
	}
	return o.keySecret(ctx, p, w, "key.issue", wanted.Account, asked, func() (access.Key, string, error) {
		return o.deps.Keys.Issue(ctx, p, wanted)
	})
}

// RotateKey gives a key a new secret, which is shown this once. The one before stays valid for the overlap.
func (o *Office) RotateKey(ctx context.Context, p *access.Principal, id string, overlap time.Duration, w Write) (access.Key, string, error) {
	if err := mayAny(p, access.ManageKeys); err != nil {
		return access.Key{}, "", err
	}
	asked := map[string]any{"key": id, "overlap": overlap.String()}
	return o.keySecret(ctx, p, w, "key.rotate", "", asked, func() (access.Key, string, error) {
		return o.deps.Keys.Rotate(ctx, p, id, overlap)
	})
}

// keySecret does what gives a secret away, at most once for an idempotency key.
func (o *Office) keySecret(ctx context.Context, p *access.Principal, w Write, action, account string, asked map[string]any,
	make func() (access.Key, string, error),
) (access.Key, string, error) {
	claim, err := o.claim(ctx, p, w.Key, action, account, asked)
	if err != nil {
		return access.Key{}, "", err
	}
	var before keyMade
	if claim.answered(&before) {
		return access.Key{}, "", &Error{
			Kind: Conflict, Reason: "secret_shown",
			Detail: "This request made the key " + before.Key + " already; its secret was shown then and is kept nowhere. Rotate the key if the secret was lost.",
		}
	}
	key, secret, err := o.makeKey(ctx, p, claim, action, account, asked, make)
	if err != nil {
		o.giveBack(ctx, claim)
		return access.Key{}, "", err
	}
	o.remember(ctx, claim, keyMade{key.ID})
	return key, secret, nil
}

// keyMade is what is remembered of a key that was made: never the secret.
type keyMade struct {
	Key string `json:"key"`
}

func (o *Office) makeKey(ctx context.Context, p *access.Principal, claim *claimed, action, account string, asked map[string]any,
	make func() (access.Key, string, error),
) (access.Key, string, error) {
	if err := o.audit(ctx, p, validOr(account), action, claim.operation, detail(asked)); err != nil {
		return access.Key{}, "", err
	}
	key, secret, err := make()
	if err != nil {
		return access.Key{}, "", invalidKey(ctx, err)
	}
	return key, secret, nil
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
		return access.Key{}, invalidKey(ctx, err)
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
