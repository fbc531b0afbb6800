// Package ledgerevent is the wire form of ledger entries and notices: one CloudEvents 1.0 JSON object each, on the
// topic drawdown.ledger, with the account as key.
//
// It owns the envelope. It does not own the entry within it, which is the contract's line (section 8) to the byte, nor
// when entries are published.
//
// Invariants: an entry has the same bytes each time it is published, so a reader drops what it has by
// (partition, offset, n), which the event's id repeats; within a partition these only grow, but for what a worker
// publishes again after a crash.
package ledgerevent
