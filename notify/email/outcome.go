package email

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"os"
	"regexp"
	"strings"
	"time"

	"drawdown/notify"
)

// step is how far a try came.
type step string

const (
	stepWait      step = "wait for a connection"
	stepConnect   step = "connect"
	stepGreeting  step = "greet the server"
	stepEncrypt   step = "encrypt the connection"
	stepLogin     step = "log in"
	stepSender    step = "name the sender"
	stepRecipient step = "name the recipient"
	stepContent   step = "send the message"
	stepAccept    step = "have the message accepted"
)

// failure is why a try ended before the message was accepted.
type failure struct {
	step step
	err  error // a *textproto.Error where the server answered
}

func (f *failure) Error() string { return string(f.step) + ": " + f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// code is the server's answer, 0 where there is none.
func (f *failure) code() int {
	if reply := f.reply(); reply != nil {
		return reply.Code
	}
	return 0
}

func (f *failure) reply() *textproto.Error {
	var reply *textproto.Error
	if errors.As(f.err, &reply) {
		return reply
	}
	return nil
}

// greylistPause is how long to wait where a server puts off senders that it does not know yet. Common settings accept a
// repeat after 5 minutes; the server itself does not say.
const greylistPause = 5 * time.Minute

// outcome decides what becomes of the delivery. What the server says of a recipient or of the content holds for this
// delivery; what it says of the connection, the login or the sender is a fault of ours, or its own, and passes.
func (f *failure) outcome() notify.Outcome {
	reply := f.reply()
	switch {
	case reply == nil:
		return notify.Outcome{Verdict: notify.Retry, Detail: f.detail()}
	case f.final(reply):
		return notify.Outcome{Verdict: notify.Refused, Detail: f.detail()}
	case reply.Code == 450 || reply.Code == 451:
		return notify.Outcome{Verdict: notify.Retry, Detail: f.detail(), RetryAfter: greylistPause}
	default:
		return notify.Outcome{Verdict: notify.Retry, Detail: f.detail()}
	}
}

// final reports whether another try would get the same answer.
func (f *failure) final(reply *textproto.Error) bool {
	if reply.Code < 500 {
		return false
	}
	switch f.step {
	case stepRecipient:
		return !oursToMend(reply)
	case stepContent, stepAccept:
		return true
	case stepSender:
		return reply.Code == 552 // the size was refused ahead of the message; else it is our address that is not taken
	case stepWait, stepConnect, stepGreeting, stepEncrypt, stepLogin:
		return false
	default:
		return false
	}
}

// oursToMend tells a server that does not know us from one that does not know the recipient. "Relay access denied" and
// its kin (554 5.7.1 of Postfix, 550 of Exim and Exchange) are all said of the recipient, yet mean that our login or
// address is missing in the server's settings: refusing would lose every notice until somebody looks.
func oursToMend(reply *textproto.Error) bool {
	switch reply.Code {
	case 530, 534, 535, 538: // authentication is required, or too weak (RFC 4954)
		return true
	default:
		return relayDenied.MatchString(reply.Msg)
	}
}

// relayDenied needs words around "relay", which may also be a part of an address or the name of a host.
var relayDenied = regexp.MustCompile(`(?i)\brelay(ing)?(\s+access)?\s+(is\s+)?(denied|not|prohibited|forbidden|disabled)\b|\bto\s+relay\b|\bno\s+relaying\b`)

// detail says what happened for the delivery log.
func (f *failure) detail() string {
	reply := f.reply()
	switch {
	case f.step == stepLogin && reply != nil:
		// The text is left out: a server may repeat what it was sent.
		return fmt.Sprintf("the mail server refused the login with %d: check username and password", reply.Code)
	case f.step == stepLogin:
		return "the login at the mail server failed: " + f.cause()
	case reply != nil:
		return answer(reply.Code, reply.Msg) + f.hint()
	case f.step == stepAccept:
		return "no answer to the message: " + f.cause() + "; it may have arrived (a repeat has the same Message-ID)"
	default:
		return string(f.step) + ": " + f.cause()
	}
}

// hint names the configuration that is at fault, where it is.
func (f *failure) hint() string {
	reply := f.reply()
	switch {
	case f.step == stepSender && reply.Code >= 500 && reply.Code != 552:
		return " (the mail server does not take the sender: check from and the login)"
	case f.step == stepRecipient && reply.Code >= 500 && oursToMend(reply):
		return " (the mail server does not know this sender: check the login)"
	case f.step == stepConnect || f.step == stepGreeting:
		return " (in place of a greeting)"
	default:
		return ""
	}
}

// cause is the error without a server's answer.
func (f *failure) cause() string {
	var certificate *tls.CertificateVerificationError
	var refused *net.OpError
	switch {
	case errors.As(f.err, &certificate):
		return "the server's certificate is not trusted: " + cut(oneLine(certificate.Err.Error()), detailRunesMax)
	case errors.Is(f.err, context.Canceled):
		return "it was interrupted"
	case errors.Is(f.err, os.ErrDeadlineExceeded), errors.Is(f.err, context.DeadlineExceeded):
		return "no answer in time"
	case errors.As(f.err, &refused):
		return cut(oneLine(refused.Err.Error()), detailRunesMax) // without the addresses
	default:
		return cut(oneLine(f.err.Error()), detailRunesMax)
	}
}

// detailRunesMax bounds what is kept of a server's words.
const detailRunesMax = 200

// answer is a server's reply as one short line.
func answer(code int, text string) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", code, cut(oneLine(text), detailRunesMax)))
}
