// Package page is the billing page: what customers see of their credits and what used them, and where they buy more. It is
// rendered on the server, works without JavaScript, and has no asset of anybody else's.
//
// It owns: HTML, style and script of the page, its forms, how amounts and times are shown, and the headers that keep a
// browser from being used against its visitor. It does not own: what may be seen and done (package office, asked through the
// interface [Office]), who a visitor is (package access), or any number: it shows what it is told and computes prices of
// orders only, exactly.
//
// Invariants:
//   - The account that is shown is the session's; only a session that sees all accounts chooses one by address.
//   - A form answers with a redirect (to the page, or to the checkout), or with the page itself and what is wrong.
//   - Nothing that a customer or a worker named reaches the page but as escaped text on one line.
//   - No floating point: amounts are integers on the server and BigInt in the script.
//
// Files: page.go (routes), config.go, ports.go (what it needs), security.go (headers, other origins), visit.go (one request),
// answer.go (rendering, refusals), facts.go (an account as it is shown), amounts.go and price.go (numbers), banners.go
// (what needs attention), live.go (what refreshes by itself), one file for each page: overview.go, usage.go with chart.go and
// ticks.go, syncs.go, purchases.go, returned.go, autopurchase.go, settings.go, signin.go, accounts.go; assets.go,
// assets/ and templates/ (embedded).
package page
