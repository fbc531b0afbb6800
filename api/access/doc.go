// Package access knows who asks and what they may do.
//
// It owns: principals, roles and scopes; API keys; tokens of identity providers; sessions of the billing page; audit
// entries. It does not own what is done (package office) or how it is asked for (package api, package page).
//
// Invariants:
//   - The account that a principal sees comes from its credential, never from what it sends.
//   - A secret is shown once, when it is made; only its hash is kept.
package access
