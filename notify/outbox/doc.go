// Package outbox keeps the delivery log of package notify on Kafka: the topic drawdown.deliveries, with the partitions of
// the ledger.
//
// It owns appending to a partition, reading one from an instant on, and the topic's settings. It does not own what the
// records mean, nor repeating what failed: an error is answered by the caller, who appends all again.
//
// Invariants: Append returns nil only when all in-sync replicas have every record; Read hands over all that stood in the
// partition when it was called, in order.
package outbox
