// Package purchasing buys credits: it turns each purchase that the ledger requests into one payment at a gateway, and
// appends what became of it to the log.
//
// It owns the order of payments of an account, their repetition, and the way from a gateway's events (a paid order, a
// saved card, a refund, a changed subscription) to operations in the log. It does not own balances, nor when something
// is bought: the engine decides that. It keeps nothing: what it must know stands in the log or at the gateway.
//
// Invariants:
//   - A purchase id is charged at most once, and a charge that was made is settled, however late it is known.
//   - Every repetition of a payment has the same key and the same parameters.
//   - Whatever a purchase's own outcome, nothing else of the account is charged before it is certain.
//   - No card number comes near: only the gateway's names of customers and methods.
package purchasing
