// Package fakestripe is a scripted Stripe, for tests of everything that talks to it.
//
// It owns a Stripe account in memory behind real HTTP: customers, saved cards, payment intents, sessions, refunds,
// disputes, subscriptions, events and the delivery of webhooks, each with the behaviour that a client must survive:
// idempotency keys with their stored replies (a stored 500 as well), requests and replies that get lost, limits, and
// webhooks that come early, late, twice and out of order. It does not own the shapes of Stripe's API, which are tested
// against stripe-mock, and it checks parameters only where a test needs it.
//
// Invariants:
//   - A payment intent is charged at most once. Two intents of one purchase that are both charged are two charges,
//     whatever keys they came under: [Server.Charges] counts them.
//   - A key has one stored reply until it is forgotten, [KeyLife] after it was first used.
//   - The clock is the server's own, and moves on with [Server.Advance].
//
// The files: server.go (the way of a request), keys.go (idempotency), fault.go (what goes wrong, by a seed), card.go
// (how cards behave), intent.go (payment intents), charge.go (charges, refunds, disputes), checkout.go (sessions and
// saved cards), customer.go, subscription.go, event.go and webhook.go (what it tells by itself), form.go and reply.go
// (what is read and written).
package fakestripe
