// Package reference is a second, naive implementation of the contract, kept only to check the engine against.
//
// It owns: the oracle's reading of docs/contract.md, sections 1 to 10, for the records of a .jsonl file.
// It does not own: anything that runs in production. Nothing outside tests and the log generator may import it,
// and it imports nothing of the engine, so that a mistake in one is not a mistake in both.
//
// Invariants:
//   - every amount is a math/big value; no sum is kept where it can be added up again;
//   - due events are searched for from scratch before every step, with linear scans;
//   - after each record granted − used − expired − voided equals what remains of the grants less the overdraft.
//
// The files follow the contract:
//
//	json.go        section 1, JSON: a strict parser
//	numbers.go     section 1, credits, money, prices, integers
//	times.go       section 1, instants and the calendar
//	fields.go      members of a JSON object, checked one by one
//	decode.go      section 2, the envelope, and section 3, the data of each type
//	plan.go        section 6, plans
//	catalogue.go   section 3, broadcasts: plans, rate cards, connectors
//	engine.go      section 2, the order in which a record is handled
//	account.go     the state of one account and its burn-down
//	memory.go      section 4, duplicates
//	advance.go     section 5, what time alone does
//	usage.go       section 7, rating
//	operations.go  section 3, the effects of account operations
//	purchases.go   section 7, settled and failed purchases
//	ladder.go      section 9, the payment ladder
//	refunds.go     section 9, refunds
//	contacts.go    section 9, contacts and webhooks
//	holds.go       section 10, holds and their queue
//	breaker.go     section 10, runaway jobs
//	gate.go        section 10, priorities and the gate
//	settle.go      section 7, notices, auto-purchase, status
//	output.go      section 8, lines and balances
//	replay.go      a whole log at once
//	probe.go       what the log generator asks, to aim at edges
package reference
