package access

import "slices"

// Principal is who asks, as the credential says: an API key, a token of an identity provider, or a session of the page.
type Principal struct {
	// ID names it in audit entries: "key:dk_7f3a…", "oidc:ISSUER#SUBJECT", "link:…".
	ID   string
	Role Role
	// Account is the only account that it sees; "" for all (operators, and workers that serve all accounts).
	Account string
	// Scopes are what it may do, within what its role may; nil for all of that.
	Scopes []Scope
}

// Sees reports whether an account is the principal's to see at all. Of others it must not even learn that they exist.
func (p *Principal) Sees(account string) bool { return p.Account == "" || p.Account == account }

// May reports whether the principal may do something to the accounts that it sees.
func (p *Principal) May(s Scope) bool {
	return slices.Contains(roleScopes[p.Role], s) && (p.Scopes == nil || slices.Contains(p.Scopes, s))
}

// Role is what kind of user a principal is.
type Role string

// The roles.
const (
	// Customer has one account: sees it, buys for it, sets who is told.
	Customer Role = "customer"
	// Operator works for the seller: does everything with every account.
	Operator Role = "operator"
	// Worker is a program that runs syncs or schedules them: reports usage, asks the gate, places holds.
	Worker Role = "worker"
)

// Scope is one thing that a principal may do.
type Scope string

// The scopes. A route or an action asks for exactly one.
const (
	ReadAccount  Scope = "account:read"   // balance, ledger, usage, purchases, connections, contacts
	Buy          Scope = "purchase:write" // orders, cards, subscriptions, auto-purchase
	SetAccount   Scope = "settings:write" // contacts, webhooks, programme, priorities, the gate's settings, acknowledgements
	AskGate      Scope = "gate:read"      // the gate, estimates, holds as they stand
	PlaceHolds   Scope = "holds:write"
	ReportUsage  Scope = "usage:write"
	Administer   Scope = "admin:write"   // open accounts, change plans, grants, voids, refunds, page links
	ManageKeys   Scope = "keys:write"    // issue, list, rotate, revoke API keys
	ReadAudit    Scope = "audit:read"    // who did what
	ReadAccounts Scope = "accounts:read" // list all accounts
)

// roleScopes is what each role may do.
var roleScopes = map[Role][]Scope{
	Customer: {ReadAccount, Buy, SetAccount, AskGate, ReadAudit},
	Worker:   {AskGate, PlaceHolds, ReportUsage},
	Operator: {ReadAccount, Buy, SetAccount, AskGate, PlaceHolds, ReportUsage, Administer, ManageKeys, ReadAudit, ReadAccounts},
}

// RoleScopes returns what a role may do.
func RoleScopes(r Role) []Scope { return slices.Clone(roleScopes[r]) }
