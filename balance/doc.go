// Package balance is the account: what a record of the log does to it, and its packed state.
//
// It owns the state machine of a partition (contract, sections 4 to 7, 9 and 10): advance, duplicates, burn-down, purchases,
// periods, status and notices; the plans; the packed form of all that, and the interface of the stores that keep it.
// It does not own rates and connectors (package rating), Kafka, Redis or any output's form.
//
// Invariants:
//   - The state after a record is a function of the records up to it. There is no clock but the log's, no randomness,
//     no I/O, and no batch: where batches are cut changes nothing.
//   - balance = what remains of all grants − overdraft = granted − used − expired − voided, after every record.
//   - Overdraft and something remaining stand side by side only where a refund put them: a grant repays overdraft first.
//   - held = what is left of all open holds. A hold is opened only where balance − held does not fall below 0 by it.
//   - What a commit writes does not grow with what is merely remembered: memories are append-only segments or packed
//     fields that are written once.
//
// File map:
//
//	partition.go   the records of a partition, in order       broadcast.go   plans, rates, connectors
//	record.go      an account's record: the order of checks   operations.go  operations on accounts
//	usage.go       usage: rate, burn, remember                purchase.go    purchases and auto-purchase
//	advance.go     what time alone does                       leaving.go     leaving the Free Connector Program
//	settle.go      what follows from a change                 period.go      periods and plan changes
//	account.go     the account                                grant.go       grants: add, burn, expire, void
//	connection.go  a connection of an account                 attempt.go     which sequence numbers were seen
//	frozen.go      finished attempts, packed                  identity.go    which ids were seen
//	pack.go        the packed encoding                        packaccount.go, packconnection.go, packhold.go  of what
//	restore.go     from the store                             take.go        to the store
//	store.go       what a store must do                       report.go      balances for people
//	contacts.go    who is told, who pays                      refund.go      money that went back
//	book.go        what was bought, what is gone              ladder.go      another attempt to charge
//	hold.go        holds and their queue                      breaker.go     jobs that cost too much
//	gate.go        may a sync start                           overview.go    all that an account's page shows
package balance
