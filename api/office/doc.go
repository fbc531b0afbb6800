// Package office is what customers, operators and workers can see and do, checked against who they are. The HTTP API and the
// billing page are two ways of asking it.
//
// It owns: which scope each question and action needs, that nobody sees another's account, how an action becomes an
// operation in the log, and what its outcome was. It does not own: how balances, prices or reports are computed (it asks
// for them), HTTP, or credentials (package access).
//
// Invariants:
//   - The account that is acted on is one that the principal sees; of others it says that there is no such account.
//   - Everything that changes money or rights is an operation in the log, which names who asked for it.
//   - The same idempotency key of the same principal never has two effects.
package office
