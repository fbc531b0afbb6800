// Package chargebatch is the wire form of charges: many of them in one protobuf record, by column, as charges.proto
// says.
//
// It owns charges.proto, the [Builder] that writes such records and the [Batch] that reads them. It does not own what
// a charge is (package drawdown), nor when and where records are published.
//
// Invariants: what a Builder wrote, Decode reads back entry for entry; Decode answers an error, and never panics, on
// anything that is not a valid batch; a batch of a newer schema is refused, never guessed at.
//
// The code is written by hand, because generated code allocates for each row, but any protobuf library reads the
// records: a test holds them to charges.proto.
//
// File map:
//
//	charges.proto   the published schema       builder.go     entries to a record
//	fields.go       its field numbers          dictionary.go  texts, each once a batch
//	batch.go        a record's columns, rows   decode.go      reading the fields
//	check.go        refusing what is not valid
package chargebatch
