// Package drawdown is the vocabulary of the metering pipeline: credits, money and time, the records of the log, the
// entries that they cause, the reasons of rejection and the limits.
//
// It owns the words and their exact forms (parsing and printing). It does not own what a record does: rating is in
// package rating, accounts are in package balance.
//
// Invariants: no floating point; no wall clock; every type prints itself in the one canonical form of the contract.
//
// File map:
//
//	credits.go    nano-credits          total.go      sums without bound
//	money.go      amounts and prices    instant.go    milliseconds, calendar
//	record.go     records of the log    operation.go  their data
//	plan.go       plans                 catalogue.go  rate cards and connector entries
//	reason.go     reasons of rejection  entry.go      what records cause
//	line.go       entries as lines      balanceline.go  balances as lines
//	profile.go    who pays, is told     priority.go   which connections come first
package drawdown
