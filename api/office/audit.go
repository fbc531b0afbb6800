package office

import (
	"context"
	"encoding/json"
	"maps"
	"strings"

	"drawdown/api/access"
)

type remoteAddrKey struct{}

// WithRemoteAddr says where a request came from, for its audit entries.
func WithRemoteAddr(ctx context.Context, addr string) context.Context {
	return context.WithValue(ctx, remoteAddrKey{}, addr)
}

// audit puts down what a principal asks for, before it is tried.
func (o *Office) audit(ctx context.Context, p *access.Principal, account, action, operation string, detail json.RawMessage) error {
	remote, _ := ctx.Value(remoteAddrKey{}).(string)
	if len(detail) > access.AuditDetailMax {
		detail = json.RawMessage(`"too long to be kept"`)
	}
	err := o.deps.Audit.Append(ctx, access.AuditEntry{
		Actor: p.ID, Role: p.Role, Account: account, Action: action, Operation: operation, RemoteAddr: remote, Detail: detail,
	})
	if err != nil {
		return unavailable(ctx, "the audit log", err)
	}
	return nil
}

// Audit lists who did what. Whoever is bound to an account sees that account's entries only.
func (o *Office) Audit(ctx context.Context, p *access.Principal, f access.AuditFilter) ([]access.AuditEntry, error) {
	if f.Account != "" {
		if err := may(p, f.Account, access.ReadAudit); err != nil {
			return nil, err
		}
	} else if err := mayAny(p, access.ReadAudit); err != nil {
		return nil, err
	}
	if p.Account != "" {
		f.Account = p.Account
	}
	if err := f.Validate(); err != nil {
		return nil, &Error{Kind: Invalid, Reason: "malformed", Detail: sentence(err, "access: audit filter: "), cause: err}
	}
	entries, err := o.deps.Audit.List(ctx, f)
	if err != nil {
		return nil, unavailable(ctx, "the audit log", err)
	}
	return entries, nil
}

// AuditDetail is an operation's data without what may hold a secret: paths and queries of webhook URLs often do.
func AuditDetail(data map[string]any) json.RawMessage {
	if url, ok := data["url"].(string); ok {
		data = maps.Clone(data)
		data["url"] = originOf(url)
	}
	return detail(data)
}

// detail writes what an audit entry tells; nil where there is nothing.
func detail(data map[string]any) json.RawMessage {
	if data == nil {
		return nil
	}
	text, err := json.Marshal(data)
	if err != nil {
		panic("office: encode an audit entry: " + err.Error()) // texts, numbers, and lists of texts
	}
	return text
}

// originOf is a URL's scheme and host.
func originOf(url string) string {
	scheme, rest, found := strings.Cut(url, "://")
	if !found {
		return ""
	}
	host, _, _ := strings.Cut(rest, "/")
	host, _, _ = strings.Cut(host, "?")
	return scheme + "://" + host
}

// sentence makes a sentence of an error whose first words are the package's own.
func sentence(err error, prefixes ...string) string {
	text := strings.ReplaceAll(err.Error(), "\n", "; ")
	for _, prefix := range prefixes {
		text = strings.TrimPrefix(text, prefix)
	}
	return text + "."
}

// upper makes a sentence's first letter a capital.
func upper(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
