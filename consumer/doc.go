// Package consumer runs the pipeline on the log: it owns partitions, reads them, lets the state machine apply their
// records, publishes what the records cause and commits the result.
//
// It owns group membership, the order of publish and commit, retries, fencing, ticks for accounts that are due, the
// clock guard, rejected records and redrive, and the worker's metrics. It does not own what a record means: it calls
// the state machine through the interface machine, and never looks into an account.
//
// The life of a batch, in this order, every step safe to repeat:
//
//  1. fetch     records from the store's position on              fetching.go
//  2. decode    and reject what is bad by itself                  decoding.go
//  3. load      accounts that are not in memory                   loading.go
//  4. apply     each record in order                              applying.go, outputs.go
//  5. publish   charges, ledger entries, rejects; acks=all        publishing.go, producing.go
//  6. commit    states and position, one atomic step              committing.go
//  7. tell      Kafka the offset, for lag displays only           group.go
//
// Invariants:
//   - A batch is committed only after everything it caused is acknowledged by Kafka.
//   - Batches of a partition are published and committed in order, at most one in flight in each stage.
//   - What is read from the store is used only after the ownership was verified again: a replaced owner must not publish
//     what its successor's states make of old records.
//   - Only the goroutine that applies touches the state machine.
//   - What fails at record k of the log changes nothing of what records before k did: they are published and
//     committed, then the partition stops.
//   - Memory that an abandoned produce request may still read is never reused.
//   - Nothing happens for a single event but decoding and applying: channels, metrics and retries are per batch.
//
// File map, beside the stages above:
//
//	worker.go     the worker: members, lifecycle, readiness    partition.go  one partition, from claim to release
//	starting.go   checks before a partition is touched         ownership.go  is the claim still ours
//	ticks.go      time for idle accounts                       tally.go      what is in a batch
//	config.go     configuration and its bounds                 errors.go     errors, and what to do about each
//	retrying.go   backoff                                      metrics.go    metrics; lag.go: those read at a scrape
//	topics.go     creating and checking topics                 rejects.go    reading rejects; redrive.go: putting back
package consumer
