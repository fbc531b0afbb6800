// Package webhook tells notices to customers' HTTP endpoints, by the Standard Webhooks specification 1.0.0
// (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md).
//
// It owns one try: the payload, its signatures and the secrets that make them, the request and what its answer means;
// which addresses may be reached at all; and how long to wait between tries. It does not own which deliveries there
// are, their repetition, the delivery log, nor the disabling of endpoints: that is package notify. What receivers must
// know stands in docs/webhooks.md.
//
// Invariants:
//   - A notice has the same webhook-id and the same body at every try and for every endpoint.
//   - Secrets are derived, never kept: the log holds their version only. None is ever in an outcome, error or metric.
//   - Customers choose the URLs, so every address is judged after its name is resolved, when the socket is about to
//     connect. What the name meant before does not matter.
//   - An endpoint's answer is a status and a Retry-After. Its body is never kept: it would let a customer read what a
//     server answers that only we can reach.
//
// Files: config.go what can be configured · secret.go master keys, derived secrets, signatures · payload.go id and body
// · url.go and guard.go what may be reached · transport.go how it is reached · limiter.go how much at once · sender.go a
// try · outcome.go what its answer means · schedule.go when to try again · metrics.go.
//
// Signatures are made here and not by the specification's Go library, whose only release has less than the ten lines
// needed; tests verify them with that library.
package webhook
