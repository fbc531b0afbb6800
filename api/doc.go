// Package api is the HTTP API: what package office offers, as resources below /v1, described by an OpenAPI 3.1 document.
//
// It owns: the routes and the forms of bodies and answers, what every refusal looks like (RFC 9457), rate limits, and what
// happens around a request. It does not own: who may see and do what, and what is done (package office); credentials
// (package access); the listener and its TLS (whoever runs the handler).
//
// Invariants:
//   - Nothing is answered that the OpenAPI document does not describe; the document is made from the handlers' types.
//   - A handler runs only for a principal, and, where the path names an account, only for one that sees it. Of other accounts
//     nobody learns anything.
//   - Credits, money and totals are strings from the office to the client; nothing here computes with them.
//   - What broke inside is told to the log, never to the client.
//
// Files, in the order in which a request passes them:
//
//	api.go        New; the server
//	chain.go      around every request: id, headers, log, metrics, panics (exchange.go: what is known of it)
//	guard.go      around every route: credential, rate limit (limit.go), account, scope, body
//	routes.go     the table of routes
//	bind.go       from a row of the table to a handler and its part of the document (document.go)
//	accounts.go   and balance, ledger, usage, purchases, connections, holds, start, contacts, keys: the handlers, by subject
//	gate.go       the gate, which goes around huma
//	events.go     ingestion of CloudEvents
//	export.go     files, streamed
//	write.go      what all writes have: idempotency, waiting, positions
//	form.go       credits, money and times as strings
//	problem.go    refusals (reasons.go: each reason and its status)
package api
