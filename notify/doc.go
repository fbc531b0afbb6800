// Package notify tells customers what the ledger says: by e-mail and by webhook.
//
// It owns which entries become notices, to whom they go, when they are tried again, the disabling of dead endpoints, and
// the log of deliveries. It does not own what the entries mean, nor who wants to be told: contacts are operations in the
// log. The channels are packages of their own: notify/email, notify/webhook; so is the delivery log's keeping on Kafka,
// notify/outbox.
//
// Invariants:
//   - A notice has the id of its ledger entry, for ever, on every channel, and the same data to the byte.
//   - Each notice is sent at least once to everybody who wants it, or its delivery ends with a reason in the delivery log.
//     (Entries older than the horizon are nobody's news any more.)
//   - What the delivery log says is delivered is not sent again. Between the other side's acceptance and the record of it
//     lies a moment: a crash there sends again, with the same id.
//   - An entry of the ledger is given up only after its deliveries stand in the delivery log.
//   - What fails on our side (an account can't be read, the delivery log is away) is no try.
//   - An endpoint that hangs holds up neither other endpoints nor e-mail.
//
// Not obvious:
//   - The delivery log is read back from its last record, not from the present, so that what was pending before weeks of
//     standstill is found. The horizon is longer than any wait between two tries and than the age up to which an entry
//     becomes a notice, so what was told is known for as long as it could be told again.
//   - A broker may append a copy of a record late, after the answer was lost. So a delivery that has ended stays ended,
//     and of two records that are pending the one with more tries counts.
//   - Two members can have one partition for a moment, when one is taken for dead. Both then send; ids are the same.
//
// Where to find what:
//
//	notice.go       Notice, Kind, Delivery, Sender, Outcome: what channels see
//	notices.go      which ledger entries are news
//	targets.go      who gets them
//	notifier.go     Notifier: New, Run, Ready; what fails on our side
//	lane.go         one partition: Take, Done, Close
//	intake.go       entries become deliveries
//	delivery.go     a delivery that has not ended, and waiting for its time
//	try.go          one try, and what becomes of the delivery
//	endpoint.go     webhook endpoints: one try at a time, failing, disabling
//	schedule.go     when e-mails are tried again
//	signal.go       waking one who waits
//	record.go       DeliveryRecord: a record of the delivery log
//	writer.go       appending to the delivery log
//	opening.go      rebuilding a lane from the delivery log
//	finished.go     the deliveries that have ended
//	deliverylog.go  DeliveryLog: what became of notices, for people
//	ports.go        what a notifier calls: Directory, Outbox, Operations
//	config.go, metrics.go
package notify
