// Package bench measures how fast a backlog of usage events is drained by the real worker and sink on real servers, and how
// fast the real purchaser buys and the real gate answers, beside the naive ways to do the same.
//
// It owns: the workload and what it must come to, the run from empty servers to verified figures, and how figures are
// shown. It does not own: the servers (internal/servers), and how a worker or a sink is put together (internal/app).
//
// A run:
//
//  1. starts Kafka, Redis with an append-only file and ClickHouse as processes on loopback   cluster.go
//  2. opens accounts, and lets a worker and a sink drain that                                 setup.go
//  3. appends the backlog of usage events                                                     workload.go, loader.go
//  4. measures the naive way on the first of these events                                     baseline.go
//  5. measures a worker and a sink on all of them                                             drain.go
//  6. compares every account and every connection with what was appended                      verify.go
//  7. shows the figures                                                                       result.go, show.go
//
// A run of purchases measures how accounts that run out get what they buy by themselves, with a worker and a purchaser on a
// gateway that counts and takes no money:
//
//  1. opens accounts that have a pack of credits each                                         buyers.go
//  2. lets all of them use it up at once, then at half the rate at which that was settled,
//     then some for the naive way to buy for                              purchases.go, naivepurchaser.go
//  3. watches the log and Redis until each has the next pack                                  purchasewatch.go, till.go
//  4. compares every purchase in the ledger and at the gateway with what was used up          purchaseverify.go
//  5. shows the figures                                                                       purchaseresult.go, show.go
//
// A run of the gate measures how long questions take over HTTP while usage changes the balances:
//
//  1. opens accounts that use up what they have, fall to their reserve or to what is held, and
//     issues API keys                                                                  gate.go, gateaccounts.go
//  2. asks at a steady rate, from one thread, with usage beside it                     gateload.go, gateloop.go,
//     and then, for comparison, an empty HTTP handler and the naive way                gatelane.go, gateempty.go, gateusage.go
//  3. compares every answer with the rule on a balance that the account had meanwhile         gaterule.go
//  4. shows the figures                                                                       gateresult.go, show.go
//
// Invariants:
//   - What is measured runs in a process of its own (child.go), so that its processor time and allocations are its own and
//     not those of the load or the watching.
//   - No figures without correctness: a credit or a purchase too many or too few, or an answer of the gate that is
//     not true, anywhere, is an error instead of a result.
//   - A run leaves no process behind, however it ends, and no data unless asked to keep them.
package bench
