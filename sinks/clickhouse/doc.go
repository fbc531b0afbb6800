// Package clickhouse copies charges and ledger entries from Kafka into ClickHouse, each row once, and adds up what
// is there.
//
// It owns the tables (migrations/), the inserts, and sums over everything. It does not own questions about one account
// (package report), what is published (packages chargebatch and ledgerevent), the group protocol, or anything of
// balances, which go on whether it runs or not.
//
// # How a row is written once
//
// A lane writes one stream (charges or ledger) of one partition. It takes the rows that follow the last one that
// ClickHouse has, in order, cuts them into blocks, and for each block
//
//  1. writes an intent into sink_blocks: the block's number, range and place in Kafka. The token of this insert is the
//     number alone, so of several intents for one number the first wins;
//  2. reads the last intent back. Only the writer of the intent that won goes on;
//  3. inserts the rows as one insert into one table partition, with a token made from the intent.
//
// A lane that starts, or that had an error anywhere, knows nothing: it reads the last intent, counts what is there of
// its block in the table and in the rollups, and completes it, normally by building the same block from Kafka again and
// inserting it with the same token. Why this is enough:
//
//   - Block n+1 is proposed only after block n was seen complete. So only the last intent's block can be in doubt, and
//     the counts of rollups up to the one before are known to be right.
//   - The intent fixes the block. Whoever completes it inserts the same rows with the same token, and ClickHouse drops
//     what it has by that token: in the table, and in each rollup by itself
//     (deduplicate_blocks_in_dependent_materialized_views). So a crash between the table and a rollup is completed by
//     the same insert.
//   - Two lanes on one partition agree through step 1: one wins the number, and the other completes the winner's block.
//   - ClickHouse remembers the last 10,000 tokens of a table. A block that is older than half of that, or than half an
//     hour, is not inserted again on the strength of its token: the counts decide (repairOf in store.go), and where
//     they leave a doubt the partition stops.
//
// What is left: a process that is frozen between reading the intent back and sending the rows, wakes after more than
// 10,000 blocks were written by others, and still has its connection, could insert a block twice. The next start does
// not notice. At one block a second and partition that takes a freeze of an hour and a half with two partitions.
//
// # Invariants
//
//   - Rows of a partition are written in the order of (offset, n), without gaps. Charges that are missing from the topic
//     stop the partition (MissingError): each batch says which offsets it covers. Ledger entries don't join like that;
//     they rely on workers publishing in order, and on their topic not losing records unread (LostError).
//   - Records that were published before are dropped by (offset, n), whoever published them.
//   - Where to read on in Kafka is a hint: with a wrong one the lane begins at the earliest record and drops what it has.
//   - All rows of a block have one month: an insert is atomic within one table partition only.
//   - Each intent says up to which instant of the log its block completes the table, for reports to say how fresh they are.
//   - Memory is bounded: RowsInMemoryMax rows in unfinished blocks, and FetchBytesMax of the topic for each lane.
//
// # File map
//
//	sink.go      lifecycle, assignment of partitions     lane.go      one stream of one partition: the steps above
//	intake.go    records to rows, filters, gaps          block.go     rows by column
//	store.go     what the lane needs; repairOf           intent.go    what a block holds
//	database.go  ClickHouse itself                       columns.go   the columns that are sent
//	source.go    Kafka                                   shared.go    bounds over all lanes
//	config.go    configuration                           metrics.go   metrics
//	errors.go    what stops a partition                  reports.go   sums over everything
//	migrate.go   migrations/*.sql                        sql/*.sql    the queries
package clickhouse
