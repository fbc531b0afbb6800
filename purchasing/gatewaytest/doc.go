// Package gatewaytest is the conformance suite of payment gateways.
//
// It owns what every purchasing.Gateway must do, whatever is behind it: charge once, say what became of a payment, and
// never charge what it said was declined or cancelled. It does not own what only one gateway has (signatures, sessions).
//
// Invariant: the suite judges by what was really charged, as the subject's own books say, not by what the gateway
// answers.
package gatewaytest
