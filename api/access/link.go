package access

import (
	"fmt"
	"time"

	"drawdown"
)

// LinkMax is how long a sign-in link can be valid. It is for somebody who is there and waits.
const LinkMax = 10 * time.Minute

// Links make and open sign-in links: a seller's own application, which knows its customer, asks for one and sends the
// customer there. A link signs in once. That is remembered by each instance for itself: behind several, a stolen link
// is good once at each of them, within its minutes.
type Links struct {
	sealer *sealer
	opened spent
}

// NewLinks returns the links that keys seal.
func NewLinks(keys *SessionKeys) *Links { return &Links{sealer: keys.sealer(sealLink)} }

// Link is a sign-in link. Its token is a secret.
type Link struct {
	// PrincipalID is how audit entries name who signs in with it.
	PrincipalID string
	Token       string
	ExpiresAt   time.Time
}

type linkContent struct {
	ID        string    `json:"i"`
	Account   string    `json:"a"`
	ExpiresAt time.Time `json:"e"`
}

// Make makes a link to an account, for a customer, that is valid for a time of at most [LinkMax].
func (l *Links) Make(account string, ttl time.Duration) (Link, error) {
	if !drawdown.ValidAccount([]byte(account)) {
		return Link{}, fmt.Errorf("access: make a sign-in link: %.40q is not the id of an account", account)
	}
	if ttl <= 0 || ttl > LinkMax {
		return Link{}, fmt.Errorf("access: make a sign-in link: valid for %v; allowed are at most %v", ttl, LinkMax)
	}
	content := linkContent{ID: randomDigits(22), Account: account, ExpiresAt: time.Now().Add(ttl).UTC()}
	token, err := l.sealer.seal(&content)
	if err != nil {
		return Link{}, fmt.Errorf("access: make a sign-in link: %w", err)
	}
	return Link{PrincipalID: content.principal(), Token: token, ExpiresAt: content.ExpiresAt}, nil
}

// Open returns the principal that a link signs in, once. The error is an [UnauthenticatedError].
func (l *Links) Open(token string) (*Principal, error) {
	var content linkContent
	if err := l.sealer.open(token, &content); err != nil {
		return nil, refuse(LinkCredential, "", err.Error())
	}
	now := time.Now()
	if !now.Before(content.ExpiresAt) {
		return nil, refuse(LinkCredential, content.principal(), "it has expired")
	}
	if !l.opened.add(content.ID, content.ExpiresAt, now) {
		return nil, refuse(LinkCredential, content.principal(), "it was opened before")
	}
	return &Principal{ID: content.principal(), Role: Customer, Account: content.Account}, nil
}

func (c *linkContent) principal() string { return "link:" + c.ID }
