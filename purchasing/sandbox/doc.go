// Package sandbox is a gateway that takes no money: for the demo, and for trying Drawdown out.
//
// It owns payments, sessions and subscriptions in memory, and decides by the name of the payment method, so that each way
// a payment can go can be seen at will (see method.go). It does not own anything that lasts: a process that starts anew
// has forgotten every payment, would take a repeated one for new and finds none of the old. Nothing real may depend on it.
//
// Invariants:
//   - It passes the conformance suite of gateways: within one process it charges once, like a real one.
//   - The same calls give the same results; only how long they take is configured.
//
// The files: gateway.go (Pay, Find, Cancel), method.go (what the names do), till.go (sessions), event.go (what it tells),
// subscription.go, and config.go.
package sandbox
