package email

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/textproto"
	"os"
	"strings"
	"testing"
	"time"

	"drawdown/notify"
)

func TestOutcomes(t *testing.T) {
	reply := func(code int, text string) error {
		return fmt.Errorf("wrapped: %w", &textproto.Error{Code: code, Msg: text})
	}
	const retry, refused = notify.Retry, notify.Refused
	for _, test := range []struct {
		step       step
		err        error
		verdict    notify.Verdict
		retryAfter time.Duration
		detail     string
	}{
		{stepConnect, errors.New("no route"), retry, 0, "connect: no route"},
		{stepConnect, reply(554, "go away"), retry, 0, "554 go away (in place of a greeting)"},
		{stepConnect, reply(421, "busy"), retry, 0, "421 busy (in place of a greeting)"},
		{stepGreeting, reply(550, "who are you"), retry, 0, "550 who are you (in place of a greeting)"},
		{stepEncrypt, reply(454, "not now"), retry, 0, "454 not now"},
		{stepLogin, reply(535, "you sent hunter2"), retry, 0, "the mail server refused the login with 535: check username and password"},
		{stepLogin, reply(454, "temporary"), retry, 0, "the mail server refused the login with 454: check username and password"},
		{stepLogin, io.EOF, retry, 0, "the login at the mail server failed: EOF"},
		{stepSender, reply(550, "no such sender"), retry, 0, "550 no such sender (the mail server does not take the sender: check from and the login)"},
		{stepSender, reply(552, "too large"), refused, 0, "552 too large"},
		{stepSender, reply(421, "closing"), retry, 0, "421 closing"},
		{stepRecipient, reply(550, "no such user"), refused, 0, "550 no such user"},
		{stepRecipient, reply(551, "moved"), refused, 0, "551 moved"},
		{stepRecipient, reply(552, "mailbox full"), refused, 0, "552 mailbox full"},
		{stepRecipient, reply(553, "bad name"), refused, 0, "553 bad name"},
		{stepRecipient, reply(554, "no"), refused, 0, "554 no"},
		{stepRecipient, reply(554, "Relay access denied"), retry, 0, "554 Relay access denied (the mail server does not know this sender: check the login)"},
		{stepRecipient, reply(550, "Unable to relay"), retry, 0, "550 Unable to relay (the mail server does not know this sender: check the login)"},
		{stepRecipient, reply(550, "Relaying denied"), retry, 0, "550 Relaying denied (the mail server does not know this sender: check the login)"},
		{stepRecipient, reply(550, "relay not permitted"), retry, 0, "550 relay not permitted (the mail server does not know this sender: check the login)"},
		{stepRecipient, reply(550, "relay1.example.org: <relay@example.org> unknown"), refused, 0, "550 relay1.example.org: <relay@example.org> unknown"},
		{stepRecipient, reply(530, "Authentication required"), retry, 0, "530 Authentication required (the mail server does not know this sender: check the login)"},
		{stepRecipient, reply(450, "greylisted"), retry, 5 * time.Minute, "450 greylisted"},
		{stepRecipient, reply(451, "greylisted"), retry, 5 * time.Minute, "451 greylisted"},
		{stepRecipient, reply(452, "full"), retry, 0, "452 full"},
		{stepContent, reply(451, "later"), retry, 5 * time.Minute, "451 later"},
		{stepContent, reply(554, "no valid recipients"), refused, 0, "554 no valid recipients"},
		{stepContent, io.ErrUnexpectedEOF, retry, 0, "send the message: unexpected EOF"},
		{stepAccept, reply(552, "too large"), refused, 0, "552 too large"},
		{stepAccept, reply(554, "spam"), refused, 0, "554 spam"},
		{stepAccept, reply(452, "disk full"), retry, 0, "452 disk full"},
		{stepAccept, io.EOF, retry, 0, "no answer to the message: EOF; it may have arrived (a repeat has the same Message-ID)"},
		{stepAccept, os.ErrDeadlineExceeded, retry, 0, "no answer to the message: no answer in time; it may have arrived (a repeat has the same Message-ID)"},
		{stepContent, context.Canceled, retry, 0, "send the message: it was interrupted"},
		{stepRecipient, reply(550, "two\nlines\r\n\x1b[31m"+strings.Repeat("x", 500)), refused, 0, "550 two lines [31m" + strings.Repeat("x", 185) + "…"},
	} {
		got := (&failure{test.step, test.err}).outcome()
		want := notify.Outcome{Verdict: test.verdict, Detail: test.detail, RetryAfter: test.retryAfter}
		if got != want {
			t.Errorf("%s, %v:\n%+v, want\n%+v", test.step, test.err, got, want)
		}
	}
}

func TestOnlyASessionThatEndedBeforeTheMessageIsStale(t *testing.T) {
	ended := &textproto.Error{Code: 421, Msg: "too many messages"}
	for _, test := range []struct {
		failed *failure
		want   bool
	}{
		{nil, false},
		{&failure{stepSender, io.EOF}, true},
		{&failure{stepSender, ended}, true},
		{&failure{stepSender, &textproto.Error{Code: 450, Msg: "slow down"}}, false},
		{&failure{stepRecipient, io.EOF}, false},
		{&failure{stepAccept, io.EOF}, false},
	} {
		if got := stale(test.failed); got != test.want {
			t.Errorf("%v: %t, want %t", test.failed, got, test.want)
		}
	}
}
