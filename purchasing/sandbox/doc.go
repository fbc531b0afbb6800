// Package sandbox is a gateway that takes no money: for the demo, and for trying Drawdown out. Its customers go the same way
// as those of a real one, over pages where they pay and save cards.
//
// It owns payments and subscriptions in memory, the pages, and decides by the name of the payment method, so that each way
// a payment can go can be seen at will (see method.go). It does not own anything that lasts: a process that starts anew
// has forgotten every payment, would take a repeated one for new and finds none of the old. Nothing real may depend on it.
//
// Invariants:
//   - It passes the conformance suite of gateways: within one process it charges once, like a real one.
//   - The same calls give the same results; only how long they take is configured.
//   - Sessions and receipts are in their addresses, signed: who begins them and who serves their pages share a key alone.
//   - Of a purchase there is one event that it was paid, wherever and however often it is.
//
// The files: gateway.go (Pay, Find, Cancel), method.go (what the names do), till.go and order.go (what sessions do),
// session.go (their life), seal.go (their addresses), page.go (the checkout), check.go (what it refuses, and its cards),
// view.go and templates/ (how it looks), receipt.go, event.go (what the gateway tells), subscription.go, and config.go.
package sandbox
