// Package access knows who asks and what they may do.
//
// It owns: principals, roles and scopes; API keys; tokens of identity providers and signing in there; sessions of the
// billing page and sign-in links; what an audit entry is. It does not own what is done (package office), how it is asked
// for (package api, package page), or where records of keys and audit entries are kept (package accesslog).
//
// Invariants:
//   - The account that a principal sees comes from its credential, never from what it sends.
//   - A secret is shown once, when it is made; only its hash is kept.
//   - Who can write to Kafka can make no key: records of keys are signed like operations, and a copy of an old record
//     changes nothing.
//   - Nobody gets a key that may do more than they may themselves.
//   - Checking a key, a session or a link asks no server.
//   - Why a credential was refused is told to logs, never to who presented it.
//   - Whatever is sealed is the standard library's AES-GCM, for one purpose, with keys that are derived for it. (Libraries
//     for cookies bring formats of their own, and no list of keys with a key for each purpose.)
//
// Where to look:
//
//	principal.go       principals, roles, scopes
//	authenticator.go   a bearer token: key or token?
//	key.go, secret.go  what a key is; its text
//	keyrecord.go       what is written about keys, signed
//	keyring.go         what the records mean, without clock or log
//	keystore.go        checking and listing keys
//	keychange.go       issuing, rotating, revoking
//	keyfollow.go       following the log, and writing when keys were used
//	token.go, claim.go tokens of the identity provider
//	provider.go        its discovery
//	keyset.go          its public keys
//	login.go           signing in there
//	session.go         sessions of the page
//	link.go            sign-in links
//	sessionkeys.go     what seals them
//	spent.go           what must not be used again
//	audit.go           audit entries
//	config.go          what can be configured
package access
