// Package fetch reads records from Kafka at the level of the protocol, with the time at which the broker appended them.
//
// Owns: the Fetch request and answer, finding partition leaders, record batches (checksum, compression, append time),
// and telling errors that pass from errors at which somebody must act. Does not own: which partitions to read (the
// consumer group), where to begin (the position in Redis), what a record means.
//
// Why not the library's own reader: kafka-go hands out the producer's timestamp even on a topic with
// message.timestamp.type=LogAppendTime, so a producer could set the clock that expires credits. Its Reader also skips
// data silently when an offset is out of range, and checks no checksum. The append time stands only in the header of
// the record batch, which the library drops; so the batches are read here.
//
// Invariants:
//
//   - Nothing is skipped in silence. An offset out of range, a batch that fails its checksum, a batch without append
//     time: each is an error that stops the partition, never a reset.
//   - The checksum of a batch is verified before anything in it is believed, and no length in it is believed at all:
//     every read is bounded by the bytes at hand and decompression by a limit.
//   - Offsets handed out for a partition only grow, and begin at the one asked for.
//   - Memory behind a record is valid until Response.Release, and is never written to before.
//
// Records of transactions are handed out as they stand in the log, also those of a transaction that was aborted later
// (isolation level read_uncommitted): a producer of events must not use transactions to take events back. In turn, a
// transaction left open delays nobody.
//
// Importing this package replaces kafka-go's type of the Fetch answer for the whole process: kafka.Client.Fetch
// panics from then on. kafka.Reader and kafka.Conn have code of their own and are not affected. The replacement relies
// on how kafka-go v0.4.51 encodes tagged fields; a test pins the version.
//
// Where to find what:
//
//	client.go      Client: one request, one answer
//	ask.go         splitting a request by leader, asking each, taking their answers over
//	leaders.go     which broker leads a partition, asked afresh when an answer says so
//	offsets.go     the earliest and the latest offset of partitions
//	wire.go        the Fetch messages as kafka-go encodes and decodes them, and their buffers
//	set.go         Set: the records of one partition in an answer, batch by batch
//	batch.go       the header of a record batch v2 and its checks
//	record.go      Record: key, value, headers, in place
//	decompress.go  gzip, snappy, lz4 and zstd with a bound on the result
//	errors.go      typed errors; Retriable
package fetch
