// Package demo shows the whole of Drawdown at work on one machine in half a minute: real usage, credits falling,
// purchases, and a reconciliation at the end that would find a single lost or doubled event.
//
// It owns: the story (who the customers are and how fast they use credits), the traffic, the sandbox that stands in for
// a payment gateway, the terminal view, and the reconciliation. It does not own the worker and the sink, which it runs
// as package app puts them together, nor what a record means: the expected balances come from the engine.
//
// Invariants:
//   - Everything that changes money is a signed record in the log, the sandbox's settlements included. Nothing writes
//     to Redis but the worker, and nothing to ClickHouse but the sink.
//   - The reconciliation reads the three stores afresh: the log from Kafka, from its first record; every account from
//     Redis; rows and rollups from ClickHouse. Beside them it has what the sync workers counted themselves.
//   - Whatever it started is stopped when Run returns, and its data are removed.
//
// Files:
//
//	demo.go       Run, from the first step to the last      steps.go      a line for each step
//	servers.go    Kafka, Redis, ClickHouse                  pipeline.go   worker, sink, metrics
//	story.go      the accounts and their connections        opening.go    what is written before the first sync
//	stream.go     the syncs, the end of them, the comparison
//	traffic.go    syncs made by a generator                 recording.go  a recorded connector through the tap
//	sandbox.go    settles purchases                         ledger.go     reading the ledger
//	observe.go    what the view shows                       happenings.go ledger entries in words
//	view.go       a frame of the view                       screen.go     the terminal; plain.go: no terminal
//	catchup.go    waiting for worker and sink               evidence.go   the three stores, read afresh
//	reconcile.go  comparing them                            report.go     the table at the end
package demo
