// Package report answers what customers and operators ask about the past: usage, syncs, purchases, the ledger, what a sync
// would cost and when credits will run out. It reads ClickHouse only.
//
// It owns the queries and the forms of their answers. It does not own tables or how they are filled (package clickhouse), or
// balances, which come from Redis.
//
// # What AsOf means
//
// AsOf is an instant of the log's clock in the account's partition. The answer has all that records before that instant
// caused: every charge, or for the ledger and purchases every entry. It may have more, and what it has is always the
// beginning of the partition's rows up to some row, without gaps: the sink writes blocks of rows in order, each as a whole,
// and an answer is read from one moment of a table.
//
// It is the clock after the last batch of which a block with rows is in the table (for the ledger: the latest instant that
// any entry so far is stamped with). In a partition in which nothing is charged it is moved on by the marks that the sink
// writes (Config.NoteAfter, a minute), as long as records come at all. So an old AsOf says that nothing was logged since,
// or that the sink is behind, which its metrics tell. It is zero for an account that has neither a charge nor an entry,
// and while the blocks that are there were written by a version that did not note it.
//
// Charges and their rollups are separate writes, so of the last block, and only of that, the rollups may lack what charges
// have. Days before the clock of the block before it are complete in both; rollups are read for those days only, and
// charges for the rest (freshness.go). So no answer has a block by half.
//
// # Invariants
//
//   - Sums are exact: nano-credits as integers from the table to the answer.
//   - Every answer says how fresh it is; what comes later is never half in it.
//   - Every query names the account; a cursor belongs to one list of one account.
//   - Lists are sorted by where a row first stands in the log, which never changes: a page begins where the one before
//     ended, whatever was added meanwhile.
//   - No value of a question becomes part of a query's text.
//
// # File map
//
//	types.go      questions and answers        reports.go    running a query, its parameters
//	freshness.go  AsOf, final days             cursor.go     pages
//	window.go     windows and their points     usage.go      usage by dimension
//	syncs.go      syncs                        receipt.go    one sync in full
//	ledger.go     entries, their export        charges.go    the export of charges
//	purchases.go  purchases                    estimate.go   what a sync would cost
//	forecast.go   the rate of use              errors.go     what can't be answered
//	export.go     exports, page by page        rows.go       their rows: a JSON line, or cells
//	sql/*.sql     the queries
package report
