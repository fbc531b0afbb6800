// Package stripe takes money through Stripe.
//
// It owns how a purchase becomes a payment intent, how Stripe's answers, stored answers and missing answers are read,
// and what its webhooks mean. It does not own when a payment is tried again (the purchaser repeats), nor what a result
// does to the log.
//
// Invariants:
//   - An attempt is one payment intent: the first that an idempotency key of the attempt, in their order, has a stored
//     answer of. Only that one is ever confirmed, and Stripe charges an intent once, whichever request confirms it. So
//     nothing is charged twice even where a key was spent on a stored 500 (see intent.go).
//   - An intent that is declined is cancelled before that is said.
//   - What is there is found by listing, never by Stripe's search, which lags behind (customers excepted, where a second
//     one does no harm).
//   - No amount passes through a floating point number, and none is rounded on its way to Stripe.
//   - The secret key and the webhook secrets are in no error.
//
// The files: config.go; gateway.go (the client, and what marks objects as ours), pay.go (an attempt), intent.go (its
// payment intent and its keys), find.go and cancel.go, decline.go (reasons), money.go (smallest units), errors.go;
// customer.go, session.go, price.go and subscription.go (while the customer is there); signature.go, webhook.go, since.go
// (what Stripe tells), and payment.go, order.go, card.go and returned.go (what it means).
package stripe
