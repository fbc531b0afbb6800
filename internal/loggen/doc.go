// Package loggen writes random logs to find out where two implementations of the contract disagree.
//
// It owns: what a log looks like that reaches every record type, reason, notice and status, and their edges.
// It does not own: what a log means. It asks internal/reference where the edges are (due instants, amounts at which
// settling decides otherwise, open purchases) and never judges an output.
//
// Invariants:
//   - the same seed, number of records and options give the same bytes;
//   - most records are sound, so that the state gets deep; Options.Weirdness is the share that is broken on purpose;
//   - the clock moves in steps that keep a log small: at most a few years a jump, unless the seed chose the far end
//     of the calendar.
//
// The files:
//
//	generate.go    options and the loop
//	clock.go       steps of the clock, and a record's own time
//	render.go      records as JSON text, in unusual but valid spelling too
//	broken.go      records that are broken on purpose
//	accounts.go    account operations
//	money.go       grants and purchases
//	refunds.go     refunds of purchases
//	ladder.go      payment ladders, payment methods, refused charges and what follows them
//	contacts.go    contacts and webhook endpoints
//	holds.go       holds, placed, waiting and released
//	gate.go        priorities, the reserve and the breaker, and jobs that run away
//	usage.go       usage events: quantities, sequence numbers, ids
//	broadcasts.go  rate cards and connectors
//	plans.go       plans
package loggen
