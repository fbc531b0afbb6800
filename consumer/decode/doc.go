// Package decode turns the bytes of one log record into a [drawdown.Record].
//
// It owns JSON as the contract restricts it (section 1), the envelope and the data of every record type (sections 2,
// 3, 6, 9 and 10), and the two reasons of rejection that follow from them: malformed and unknown_type. It does not own what
// a record means, nor any check that needs an account or the catalogue.
//
// Invariants: usage events are decoded without allocation; nothing is guessed (what is not exactly the contract's
// form is malformed); whatever the bytes, decoding ends and never panics.
//
// File map:
//
//	decode.go   the envelope, and the order of its checks
//	scan.go     JSON: grammar, UTF-8, escapes, nesting
//	usage.go    the data of sync.usage: the hot path
//	member.go   reading members of an object, with their forms
//	data.go     the data of operations
//	plan.go     the data of plan.published
//	contacts.go, holds.go  the data of refunds, contacts and webhooks; of holds and the gate
package decode
