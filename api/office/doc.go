// Package office is what customers, operators and workers can see and do, checked against who they are. The HTTP API and the
// billing page are two ways of asking it.
//
// It owns: which scope each question and action needs, that nobody sees another's account, how an action becomes an
// operation in the log, and what its outcome was. It does not own: how balances, prices or reports are computed (it asks
// for them), HTTP, or credentials (package access).
//
// Invariants:
//   - The account that is acted on is one that the principal sees; of others it says that there is no such account, in the
//     words that it has for accounts that do not exist.
//   - Everything that changes money or rights is an operation in the log, which names who asked for it; what was asked for
//     stands in the audit log before. Usage is measured, not asked for: it is not audited.
//   - The same idempotency key of the same principal never has two effects.
//
// A write goes through these steps: account and scope (office.go) · what it says by itself (check.go) · the idempotency key
// (idempotency.go) · what the account is now (do.go) · the audit entry (audit.go) · the operation (operations.go) · what
// became of it, in words (do.go, refusals.go).
//
// Files besides: actions.go and answers.go what is asked and answered · ports.go what it works with · read.go accounts and
// the gate · holds.go holds, also waited for · start.go which syncs start first · reports.go the past · buy.go what begins
// at the gateway · ingest.go usage · keys.go API keys and sign-in links.
package office
