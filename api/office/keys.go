package office

import (
	"context"
	"errors"
	"time"

	"drawdown"
	"drawdown/api/access"
)

// IssueKey makes an API key and returns it with its secret, which is shown this once.
func (o *Office) IssueKey(ctx context.Context, p *access.Principal, wanted access.NewKey) (key access.Key, token string, err error) {
	return o.IssueKeyOnce(ctx, p, wanted, "")
}

// IssueKeyOnce is IssueKey under an idempotency key, "" for none. A repetition makes no second key, and does not get the
// answer again either, since the secret is kept nowhere: it is refused as already_done, with the key's id. So it stays for
// ever, since the id follows from the idempotency key.
func (o *Office) IssueKeyOnce(ctx context.Context, p *access.Principal, wanted access.NewKey, once string) (key access.Key, token string, err error) {
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
	claim, err := o.claim(ctx, p, once, "key.issue", wanted.Account, asked)
	if err != nil {
		return access.Key{}, "", err
	}
	defer o.giveBack(ctx, claim) // that the key is there says all
	if once != "" {
		wanted.ID = access.KeyIDOf(claim.operation)
		if _, err := o.deps.Keys.Key(p, wanted.ID); err == nil {
			return access.Key{}, "", alreadyDone(wanted.ID, "issued")
		}
	}
	if err := o.audit(ctx, p, account, "key.issue", "", detail(asked)); err != nil {
		return access.Key{}, "", err
	}
	key, token, err = o.deps.Keys.Issue(ctx, p, wanted)
	if errors.Is(err, access.ErrKeyExists) {
		return access.Key{}, "", alreadyDone(wanted.ID, "issued")
	}
	if err != nil {
		return access.Key{}, "", refusalOfKey(ctx, err)
	}
	return key, token, nil
}

// alreadyDone refuses the repetition of a request whose answer had a secret.
func alreadyDone(key, how string) *Error {
	return &Error{
		Kind: Conflict, Reason: "already_done", Key: key,
		Detail: "The key " + key + " was " + how + " by this request before. Its secret was shown then and is kept nowhere: if it is lost, rotate the key under another idempotency key.",
	}
}

// RotateKey gives a key a new secret, which is shown this once. The one before stays valid for the overlap.
func (o *Office) RotateKey(ctx context.Context, p *access.Principal, id string, overlap time.Duration) (key access.Key, token string, err error) {
	return o.RotateKeyOnce(ctx, p, id, overlap, "")
}

// rotation is what is remembered of a rotation: which secret the key had before, counted from 1. A key that has had another
// since was rotated, whatever became of the answer.
type rotation struct {
	Generation int `json:"generation"`
}

// RotateKeyOnce is RotateKey under an idempotency key, "" for none. A repetition within a day is refused as already_done: a
// second rotation would end the secret that is in use.
func (o *Office) RotateKeyOnce(ctx context.Context, p *access.Principal, id string, overlap time.Duration, once string) (key access.Key, token string, err error) {
	if err := mayAny(p, access.ManageKeys); err != nil {
		return access.Key{}, "", err
	}
	asked := map[string]any{"key": id, "overlap": overlap.String()}
	claim, err := o.claim(ctx, p, once, "key.rotate", "", asked)
	if err != nil {
		return access.Key{}, "", err
	}
	if key, err = o.deps.Keys.Key(p, id); err != nil {
		o.giveBack(ctx, claim)
		return access.Key{}, "", refusalOfKey(ctx, err)
	}
	before := rotation{key.Generation}
	done := claim.answered(&before) && key.Generation > before.Generation
	if err := o.begun(ctx, claim, before); err != nil {
		return access.Key{}, "", err
	}
	defer o.remember(ctx, claim, before)
	if done {
		return access.Key{}, "", alreadyDone(id, "rotated")
	}
	if err := o.audit(ctx, p, "", "key.rotate", "", detail(asked)); err != nil {
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
// nobody else. A repetition makes another link: both end within minutes, and neither changes anything.
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
