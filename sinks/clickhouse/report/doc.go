// Package report answers what customers and operators ask about the past: usage, syncs, purchases, the ledger, what a sync
// would cost and when credits will run out. It reads ClickHouse only.
//
// It owns the queries and the forms of their answers. It does not own tables or how they are filled (package clickhouse), or
// balances, which come from Redis.
//
// Invariants:
//   - Sums are exact: nano-credits as integers from the table to the answer.
//   - Every answer says how fresh it is (AsOf); what comes later is never half in it.
package report
