// Package producer lets sync workers report usage to Drawdown, and gives other programs an append
// to the log that waits for acknowledgement.
//
// It owns how a usage event is written (CloudEvents 1.0, the contract's sections 2 and 3), its id,
// its partition, batching, backpressure and retries. It does not own what an event costs, who may
// write operations, or signatures.
//
// Invariants:
//   - Nothing that breaks the contract is sent; the error names the member and the rule.
//   - What Report accepted is acknowledged by all in-sync replicas or handed back, never dropped.
//   - An event has one id and one seq for ever. Retries may write it more than once (Kafka's answer
//     can be lost, and this client is not idempotent); readers count each seq once, so that
//     repeats, and events out of order, are harmless.
//   - Memory is bounded: Config.BufferEvents events are held at most, and then Report waits.
//
// Files: usage.go an event and its rules · attempt.go numbering · producer.go buffer and lifecycle
// · sender.go delivery · log.go appending · retry.go how often · config.go, security.go settings ·
// errors.go what can go wrong.
package producer
