// Package feed follows the ledger for a program that acts on it: it hands each event of a partition to a lane, in
// order, and remembers in a consumer group how far the lane has come.
//
// It owns: which partitions this process follows, fetching and decoding, dropping what a worker published again after a
// crash, pauses after failures, and the offsets kept in the group. It does not own what is done about an event: that is
// the lane's, and so is knowing what it has done before, because events come again.
//
// Invariants:
//
//   - A lane gets the events of its partition in order, each once, from the offset that the group has, or from the
//     earliest where the group has none.
//   - Nothing is skipped: an offset out of range, a record that is no ledger event, an event of another partition stop
//     the partition, loudly, and the others go on.
//   - An offset is committed only after the lane said that nothing before it is needed again.
//   - A partition is given up only after its lane was closed and the last offset committed, so the next owner begins
//     where this one has ended. (A member that the broker can't hear for a session timeout is taken for dead, and its
//     successor begins beside it.)
//
// Not obvious:
//
//   - Offsets are committed at the level of the protocol, not by kafka-go's group: its request asks the broker to forget
//     the offset after 24 hours, even in a group that lives, and then a partition that was idle for a day would begin
//     again with its first event.
//   - kafka-go's group stops its heartbeats when an assignment ends, while lanes may still have to finish something. They
//     are sent from here until the lanes are closed, or else the broker would give the partitions away meanwhile.
//   - Brokers forget the offsets of a group that was not seen for offsets.retention.minutes (7 days unless set). Then
//     the whole ledger that is still there comes again.
//
// Where to find what:
//
//	follower.go    Follower: New, Run, Ready, and the partitions of one assignment
//	lane.go        what a consumer implements: Handler and Lane; Event, StopError
//	config.go      Config and its bounds
//	group.go       membership in the consumer group, and heartbeats while lanes are closed
//	partition.go   one partition: open, follow, close, and what is done about failures
//	opening.go     one lane: fetch, decode, take, and how far it has come
//	backoff.go     pauses
//	committing.go  committing offsets at intervals, and measuring the lag
//	offsets.go     the requests to the group's coordinator
//	metrics.go     metrics
package feed
