// Package demo shows the whole of Drawdown at work on one machine in half a minute: real usage, credits falling,
// purchases, the billing page, and a reconciliation at the end that would find a single lost or doubled event.
//
// It owns: the story (who the customers are, how fast they use credits, and whose card is refused), the traffic, the
// owners who save cards and read their e-mail, the mail server and the customer's program that take what is told, the
// terminal view, and the reconciliation. It does not own the worker, the sink, the purchaser, the notifier and the API
// with its page, which it runs as package app puts them together, nor the gateway, which is purchasing/sandbox, nor what a
// record means: the expected balances come from the engine.
//
// Invariants:
//   - Everything that changes money is a signed record in the log. Nothing writes to Redis but the worker, nothing to
//     ClickHouse but the sink, and nothing of a payment to the log but the purchaser.
//   - Syncs start when the gate says so, asked over HTTP. Holds and acknowledgements go the same way.
//   - Who opens the demo's link is signed in with a session made here. Nothing in the packages that it shows is weakened
//     for that: the keys of its sessions are the demo's own, and end with it.
//   - The reconciliation reads the three stores afresh: the log from Kafka, from its first record; every account from
//     Redis; rows and rollups from ClickHouse. Beside them it has what the sync workers counted themselves, the gateway's
//     books, and the messages that arrived.
//   - Whatever it started is stopped when Run returns, and its data are removed.
//
// Files:
//
//	demo.go        Run, from the first step to the last      steps.go       a line for each step
//	door.go        the visitor's way in to the page          addresses.go   what the visitor can open and ask
//	client.go      asking the API over HTTP                  gatekeeper.go  the gate's answers, which admit syncs
//	schedulers.go  holds, and a sync that is stopped         reported.go    usage as the API reports it, compared
//	servers.go     Kafka, Redis, ClickHouse, configuration   pipeline.go    worker, sink, purchaser, notifier, API, metrics
//	story.go       the accounts and their connections        opening.go     what is done before the first sync
//	stream.go      the syncs, the end of them, the comparison
//	traffic.go     syncs made by a generator                 recording.go   a recorded connector through the tap
//	cardholders.go owners at the gateway                     purchases.go   purchases: counted, compared, printed
//	mailbox.go     the mail server                           receiver.go    the customer's receiver of webhooks
//	notices.go     what must be told, and what was           ledger.go      reading the ledger
//	observe.go     what the view shows                       happenings.go  ledger entries in words
//	view.go        a frame of the view                       screen.go      the terminal; plain.go: no terminal
//	catchup.go     waiting until nothing more happens        evidence.go    the three stores, read afresh
//	reconcile.go   comparing all of it                       report.go      the table at the end
//
// make-10k-plus.json is a plan with a payment ladder, which no example has.
package demo
