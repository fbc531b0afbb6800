// Package email tells notices by e-mail: one message to one recipient, in text and HTML, handed to an SMTP server.
//
// It owns the wording of every kind of notice, the form of the messages, the connections to the mail server, and what
// an answer of that server means for a delivery. It does not own to whom a notice goes, when it is tried again, or the
// delivery log: those are package notify's.
//
// Invariants:
//   - Every kind of notice has its templates; what a notice says follows from the notice and the configuration, so a
//     repeat says it again. The profile adds advice only.
//   - A notice has the same Message-ID for a recipient each time it is sent, so that a repeat can be recognised.
//   - Amounts are shown exactly as the ledger has them. Nothing here computes with floating point.
//   - What customers write (names of connections, ids, reasons) is text and never markup, a header or a command.
//   - A password crosses only encrypted connections, or none but the loopback; it is in no error, log line or outcome.
//   - Only the server's acceptance of the whole message counts as delivered. Where it is not known, the verdict is to
//     try again: a notice comes twice rather than never.
//
// Files, in the order of a message's way:
//
//	config.go     the configuration and its faults
//	contents.go   what a notice of each kind holds, and its form
//	values.go     amounts, money, instants and names as people read them
//	reason.go     why a payment was refused, in words
//	render.go     the templates (templates/) and Render
//	fill.go       lines of a text message
//	samples.go    one notice of each kind, for previews and tests
//	message.go    addresses, headers, Message-ID
//	sender.go     Sender: from a delivery to its outcome
//	pool.go       how many connections there are, and which are kept
//	session.go    one connection: greeting, encryption, a message
//	login.go      authentication
//	outcome.go    what a failure means for the delivery
package email
