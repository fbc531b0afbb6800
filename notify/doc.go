// Package notify tells customers what the ledger says: by e-mail and by webhook.
//
// It owns which entries become notices, to whom they go, when they are tried again, and the log of deliveries. It does
// not own what the entries mean, nor who wants to be told: contacts are operations in the log. The channels are
// packages of their own: notify/email, notify/webhook.
//
// Invariants:
//   - A notice has the id of its ledger entry, for ever, on every channel.
//   - Each notice is sent at least once to everybody who wants it, or its delivery ends with a reason in the delivery log.
//   - What the delivery log says is delivered is not sent again.
package notify
