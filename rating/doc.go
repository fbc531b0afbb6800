// Package rating turns usage into credits: rate cards, the catalogue of connectors, and the price of an event.
//
// It owns which rate is in force at an instant, which kind and stage a connector has at an instant, the checks of the
// broadcasts that change either (contract, section 3), and the arithmetic of a charge (section 7). It does not own
// accounts, balances or plans, and knows no clock: every instant is an argument.
//
// Invariants: no floating point, no rounding but the one floor of a charge, whose remainder the caller keeps; what
// held at an instant in the past never changes, since nothing can be published backdated.
package rating
