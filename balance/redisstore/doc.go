// Package redisstore keeps the state of partitions in Redis.
//
// It owns: the layout of keys, the commit as one script, which errors of a server are worth a retry, and the read of
// many plain balances. It does not own: what is in an account's parts (package balance packs them), the connection
// (the caller makes the client, with its addresses, credentials and timeouts), backups.
//
// Invariants:
//   - A batch's changes become visible at once or not at all, whatever fails: see commit.lua.
//   - No credit is ever computed in Redis: decimal text goes in, is compared as text and comes out.
//   - All keys of a partition are in one hash slot, so a partition can live on any master of a cluster.
//
// # Layout of keys
//
// With the prefix "drawdown:" and partition 17. The text in braces is what a cluster takes the slot from.
//
//	drawdown:partitions              string  how many partitions the log has
//	drawdown:{p017}:meta             hash    epoch      number:token of the owner
//	                                         next       the first offset whose effects are not here
//	                                         clock      milliseconds since 1970, empty for none
//	                                         last       the last batch: from:to:digest
//	                                         accounts:active, accounts:grace …  counts by status
//	drawdown:{p017}:due              zset    every account, by its next due instant (milliseconds; +inf for never)
//	drawdown:{p017}:catalogue        list    accepted broadcasts, oldest first
//	drawdown:{p017}:a:ACCOUNT        hash    b          available credits in nano-credits, a decimal integer: the balance
//	                                                    less what is held for syncs
//	                                         v          version: 1 + the offset that last changed the account
//	                                         s          packed state
//	                                         f:NAME     packed parts, replaced as a whole
//	drawdown:{p017}:g:ACCOUNT/NAME   string  packed parts that are only appended to
//	drawdown:{p017}:i:CONNECTOR      set     accounts to wake when the connector's stage changes
//
// # Reading a balance from another program
//
// The partition of an account is Kafka's default one for its id: murmur2(id) modulo the value of drawdown:partitions.
// In a shell, for an account of partition 17:
//
//	HGET drawdown:{p017}:a:acme b
//
// answers "12500000000" for 12.5 credits; nothing where the account does not exist. b and v are the promise to other
// programs; every other value is this project's own and may change. Write nothing: the next commit of the partition
// would find another balance than its owner knows and stop.
//
// # What the server must grant and be set to
//
// maxmemory-policy must be noeviction: an evicted account is lost money. See [Store.Check]. hash-max-listpack-value
// should be 1024: an account's packed state is longer than the 64 bytes that Redis packs by default, and an account
// with 200 bytes of it takes 457 bytes instead of 633, keys and due set included (BenchmarkMemory). The user needs, on the prefix's keys: EVALSHA, SCRIPT|LOAD, HGET, HMGET,
// HGETALL, HSET, HDEL, HEXISTS, GET, SET, STRLEN, APPEND, DEL, SADD, SCARD, SMEMBERS, ZADD, ZCARD, ZRANGE, ZSCAN,
// LLEN, LRANGE, RPUSH, and INFO for Check.
//
// File map:
//
//	store.go    the store, positions, claims    keys.go     names of keys
//	commit.go   a commit and its outcome        encode.go   a commit as arguments of the script
//	commit.lua  the commit itself               claim.lua   the claim itself
//	read.go     loads, due, lists, balances     script.go   running a script by its digest
//	gate.go     what the gate needs             check.go    is the server fit to hold money
//	errors.go   what an error means             drop.go     forgetting a partition
package redisstore
