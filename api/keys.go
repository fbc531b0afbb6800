package api

import (
	"context"
	"time"

	"drawdown/api/access"
)

type keysInput struct{}

// Keys are API keys.
type Keys struct {
	Keys []Key `json:"keys" doc:"The newest first, ended ones included."`
}

// Key is an API key without its secret.
type Key struct {
	Key           string   `json:"key" doc:"Its id, which its secret begins with."`
	Name          string   `json:"name"`
	State         string   `json:"state" enum:"active,expired,revoked"`
	Role          string   `json:"role" enum:"customer,operator,worker"`
	Account       string   `json:"account,omitempty" doc:"The only account that it sees; absent: all."`
	Scopes        []string `json:"scopes,omitempty" doc:"Absent: all of its role's."`
	CreatedAt     timeText `json:"created_at"`
	CreatedBy     string   `json:"created_by"`
	ExpiresAt     timeText `json:"expires_at,omitempty" doc:"Absent: never."`
	RevokedAt     timeText `json:"revoked_at,omitempty"`
	RevokedBy     string   `json:"revoked_by,omitempty"`
	RotatedAt     timeText `json:"rotated_at,omitempty" doc:"When its present secret was made."`
	PreviousUntil timeText `json:"previous_until,omitempty" doc:"Until when the secret before is valid."`
	LastUsedAt    timeText `json:"last_used_at,omitempty" doc:"To the hour."`
}

// IssuedKey is a key with its secret.
type IssuedKey struct {
	Key    Key    `json:"key"`
	Secret string `json:"secret" doc:"What goes after Bearer. It is shown this once and kept nowhere."`
}

type keysAnswer struct{ Body Keys }

func (s *server) keys(ctx context.Context, _ *keysInput) (*keysAnswer, error) {
	keys, err := s.office.Keys(ctx, principal(ctx))
	if err != nil {
		return nil, err
	}
	return &keysAnswer{Keys{list(keys, keyOf)}}, nil
}

func keyOf(k access.Key) Key {
	return Key{
		Key: k.ID, Name: k.Name, State: string(k.State(time.Now())), Role: string(k.Role), Account: k.Account,
		Scopes: list(k.Scopes, func(s access.Scope) string { return string(s) }), CreatedAt: moment(k.CreatedAt), CreatedBy: k.CreatedBy,
		ExpiresAt: moment(k.ExpiresAt), RevokedAt: moment(k.RevokedAt), RevokedBy: k.RevokedBy, RotatedAt: moment(k.RotatedAt),
		PreviousUntil: moment(k.PreviousUntil), LastUsedAt: moment(k.LastUsedAt),
	}
}

type issueKeyInput struct {
	OnceHeader
	Body struct {
		Name      string         `json:"name" minLength:"1" maxLength:"128" doc:"What people call it." example:"scheduler"`
		Role      string         `json:"role" enum:"customer,operator,worker"`
		Account   string         `json:"account,omitempty" minLength:"1" maxLength:"128" pattern:"^[A-Za-z0-9._:-]+$" doc:"The only account that it sees; a customer's key has one."`
		Scopes    []access.Scope `json:"scopes,omitempty" minItems:"1" maxItems:"16" doc:"Absent: all of its role's."`
		ExpiresAt timeText       `json:"expires_at,omitempty" doc:"Absent: never."`
	}
}

type issuedKeyAnswer struct{ Body IssuedKey }

func (s *server) issueKey(ctx context.Context, in *issueKeyInput) (*issuedKeyAnswer, error) {
	b := &in.Body
	expires, err := parseTime(ctx, "body.expires_at", b.ExpiresAt)
	if err != nil {
		return nil, err
	}
	key, secret, err := s.office.IssueKeyOnce(ctx, principal(ctx), access.NewKey{
		Name: b.Name, Role: access.Role(b.Role), Account: b.Account, Scopes: b.Scopes, ExpiresAt: expires,
	}, in.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	return &issuedKeyAnswer{IssuedKey{keyOf(key), secret}}, nil
}

// KeyPath is an API key.
type KeyPath struct {
	Key string `path:"key" minLength:"1" maxLength:"64" doc:"The key's id." example:"dk_7f3aq0x2m4vd"`
}

type rotateKeyInput struct {
	KeyPath
	OnceHeader
	Body struct {
		OverlapSeconds *int64 `json:"overlap_seconds,omitempty" minimum:"0" maximum:"604800" doc:"For how long the present secret stays valid; absent: a day."`
	}
}

func (s *server) rotateKey(ctx context.Context, in *rotateKeyInput) (*issuedKeyAnswer, error) {
	overlap := access.OverlapDefault
	if in.Body.OverlapSeconds != nil {
		overlap = time.Duration(*in.Body.OverlapSeconds) * time.Second
	}
	key, secret, err := s.office.RotateKeyOnce(ctx, principal(ctx), in.Key, overlap, in.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	return &issuedKeyAnswer{IssuedKey{keyOf(key), secret}}, nil
}

type revokeKeyInput struct {
	KeyPath
	HarmlessHeader
}

type keyAnswer struct{ Body Key }

func (s *server) revokeKey(ctx context.Context, in *revokeKeyInput) (*keyAnswer, error) {
	key, err := s.office.RevokeKey(ctx, principal(ctx), in.Key)
	if err != nil {
		return nil, err
	}
	return &keyAnswer{keyOf(key)}, nil
}

type auditInput struct {
	Account string   `query:"account" minLength:"1" maxLength:"128" pattern:"^[A-Za-z0-9._:-]+$" doc:"Only what was done to it."`
	Actor   string   `query:"actor" minLength:"1" maxLength:"512" doc:"Only what this principal did."`
	Action  string   `query:"action" minLength:"1" maxLength:"128" doc:"Only this: a type of operation, or what was done to keys and links." example:"credits.granted"`
	Since   timeText `query:"since" doc:"At or after it."`
	Until   timeText `query:"until" doc:"Before it."`
	Paging
}

// AuditPage is a page of the audit.
type AuditPage struct {
	Entries    []AuditEntry `json:"entries"`
	NextCursor string       `json:"next_cursor,omitempty"`
}

// AuditEntry says who did what, or asked for it.
type AuditEntry struct {
	ID         string   `json:"id"`
	Time       timeText `json:"time"`
	Actor      string   `json:"actor"`
	Role       string   `json:"role"`
	Account    string   `json:"account,omitempty"`
	Action     string   `json:"action"`
	Operation  string   `json:"operation,omitempty" doc:"The id of the record in the log."`
	RemoteAddr string   `json:"remote_addr,omitempty"`
	Detail     any      `json:"detail,omitempty" doc:"What was asked for, without secrets."`
}

type auditAnswer struct {
	Link string `header:"Link"`
	Body AuditPage
}

func (s *server) audit(ctx context.Context, in *auditInput) (*auditAnswer, error) {
	since, err := parseTime(ctx, "query.since", in.Since)
	if err != nil {
		return nil, err
	}
	until, err := parseTime(ctx, "query.until", in.Until)
	if err != nil {
		return nil, err
	}
	p := principal(ctx)
	if in.Account != "" && !p.Sees(in.Account) {
		return nil, problem(ctx, "no_such_account", "")
	}
	entries, err := s.office.Audit(ctx, p, access.AuditFilter{
		Account: in.Account, Actor: in.Actor, Action: in.Action, Since: since, Until: until, Before: in.Cursor, Limit: in.Limit,
	})
	if err != nil {
		return nil, err
	}
	body := AuditPage{Entries: list(entries, auditEntryOf)}
	if len(entries) == in.Limit {
		body.NextCursor = entries[len(entries)-1].ID
	}
	return &auditAnswer{nextLink(ctx, body.NextCursor), body}, nil
}

func auditEntryOf(e access.AuditEntry) AuditEntry {
	entry := AuditEntry{
		ID: e.ID, Time: moment(e.Time), Actor: e.Actor, Role: string(e.Role), Account: e.Account, Action: e.Action,
		Operation: e.Operation, RemoteAddr: e.RemoteAddr,
	}
	if e.Detail != nil {
		entry.Detail = e.Detail
	}
	return entry
}
