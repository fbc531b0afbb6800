// Package tap stands in the pipe between an Airbyte source and a destination, passes every byte
// through untouched, and reports what passed as usage events.
//
// It owns the pipe, the counting of records and bytes per stream, the numbers (seq) of an
// attempt's events, and the spool that keeps events until Kafka has them. It does not own how
// an event is written or appended (package producer), nor what it costs.
//
// # What is counted
//
// A record is a line that is one JSON object whose type is RECORD and whose record is an object.
// Its bytes are those of record.data as the line has it, without white space between tokens: for
// a connector that writes compact JSON, as they do, the length of that text; escapes count as
// written. The envelope (stream, emitted_at) is not counted, nor is a file that a record only
// refers to. Streams are named namespace.name, or name where there is no namespace; a name beyond
// 128 bytes keeps its beginning and gets a fingerprint.
//
// # When it is reported
//
// At a STATE message of a stream (all streams for GLOBAL and LEGACY), but not twice within
// Options.StateGap; every Options.Interval; and at the end. Each report is one event per stream
// with what was counted since the last.
//
// # Invariants
//
//   - The pipe waits for nothing but its two ends. It counts into memory bounded by the number of
//     streams; when disk and network are slow, events become fewer and larger.
//   - The result of Run is that of the pipe. A full disk or an absent Kafka is told on stderr.
//   - An event is numbered, stored (with fsync unless Options.NoSync), then sent, and leaves the
//     spool only when all in-sync replicas have it. Events of an attempt go out in order.
//   - No number is used twice for one attempt as long as the spool folder is kept: the state file
//     beside the spool outlives the events. Where folders do not live as long as an attempt (a
//     fresh container for each start), every start needs an attempt number of its own.
//
// # If the process is killed
//
// What was stored is sent by the next tap that uses the folder, or by Drain, under the same numbers;
// an event whose acknowledgement was not noted is sent twice and counted once. What had passed and
// was not yet stored (at most Options.Interval's worth, usually what came since the last STATE) is
// not reported: the tap passes first and counts then, so that nothing is ever charged that
// did not pass. A source that starts again from its last STATE moves, and reports, those records anew.
//
// Files: tap.go the pipe · scan.go, message.go finding messages in lines · meter.go counts and slices
// · report.go from slices to delivery · outbox.go numbers · spool.go, spoolline.go the disk ·
// sender.go delivery · drain.go what earlier runs left · options.go settings · notes.go stderr.
package tap
