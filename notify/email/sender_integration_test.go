//go:build integration

package email

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"drawdown"
	"drawdown/internal/servers"
	"drawdown/notify"
)

func delivery(t *testing.T, target string) *notify.Delivery {
	t.Helper()
	return &notify.Delivery{
		Notice: sample(t, notify.PurchaseSettled), Channel: notify.Email, Target: target, Attempt: 1,
		Profile: &drawdown.Profile{Account: "acme"},
	}
}

// expect sends to a target and compares the verdict; the detail must have the words, and never the password.
func expect(t *testing.T, sender *Sender, target string, verdict notify.Verdict, words string) notify.Outcome {
	t.Helper()
	got := sender.Send(t.Context(), delivery(t, target))
	if got.Verdict != verdict || !strings.Contains(got.Detail, words) {
		t.Errorf("%s: verdict %d, %q; want %d with %q", target, got.Verdict, got.Detail, verdict, words)
	}
	if strings.Contains(got.Detail, testPassword) {
		t.Errorf("%s: the detail shows the password: %s", target, got.Detail)
	}
	return got
}

func TestEveryLoginInsideSTARTTLS(t *testing.T) {
	for _, mechanism := range []string{"PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256"} {
		t.Run(mechanism, func(t *testing.T) {
			server := startMailServer(t, func(s *settings) { s.Mechanisms = []string{mechanism} })
			expect(t, testSender(t, server.config()), "person@example.org", notify.Delivered, "250 2.0.0 queued")
			all := server.accepted(t)
			if len(all) != 1 {
				t.Fatalf("the server accepted %d messages", len(all))
			}
			got := all[0]
			if !got.Encrypted || got.Mechanism != mechanism && got.Mechanism != "" {
				t.Errorf("encrypted: %t, by %q", got.Encrypted, got.Mechanism)
			}
			if got.From != "billing@example.com" || len(got.To) != 1 || got.To[0] != "person@example.org" || got.Hello != "example.com" {
				t.Errorf("from %s to %q, greeted as %q", got.From, got.To, got.Hello)
			}
			text, markup := parts(t, got.message(t))
			if !strings.Contains(text, "Total paid: USD 1,263.60") || !strings.Contains(markup, "USD 1,263.60") {
				t.Errorf("the receipt is\n%s\n%s", text, markup)
			}
		})
		t.Run(mechanism+" with a wrong password", func(t *testing.T) {
			server := startMailServer(t, func(s *settings) { s.Mechanisms = []string{mechanism} })
			c := server.config()
			c.Password = "wrong " + testPassword
			expect(t, testSender(t, c), "person@example.org", notify.Retry, "refused the login with 535: check username and password")
			if all := server.accepted(t); len(all) != 0 {
				t.Errorf("the server accepted %d messages", len(all))
			}
		})
	}
}

func TestThePasswordFileIsReadAtEachLogin(t *testing.T) {
	server := startMailServer(t, nil)
	c := server.config()
	c.Password, c.PasswordFile = "", filepath.Join(t.TempDir(), "password")
	sender := testSender(t, c)
	expect(t, sender, "person@example.org", notify.Retry, "read the password")
	for _, step := range []struct {
		content string
		verdict notify.Verdict
	}{{"old", notify.Retry}, {testPassword + "\n", notify.Delivered}} {
		if err := os.WriteFile(c.PasswordFile, []byte(step.content), 0o600); err != nil {
			t.Fatal(err)
		}
		expect(t, sender, "person@example.org", step.verdict, "")
	}
}

func TestAnswersOfTheServer(t *testing.T) {
	server := startMailServer(t, nil)
	sender := testSender(t, server.config())
	expect(t, sender, "unknown@example.org", notify.Refused, "550 5.1.1 no such user here")
	expect(t, sender, "spam@example.org", notify.Refused, "554 5.7.1 message content rejected")
	expect(t, sender, "relay@example.org", notify.Retry, "check the login")
	if got := expect(t, sender, "full@example.org", notify.Retry, "452 4.2.2 mailbox full"); got.RetryAfter != 0 {
		t.Errorf("a full mailbox: try again after %s", got.RetryAfter)
	}
	expect(t, sender, "hangup@example.org", notify.Retry, "421 4.3.2 closing down")
	for _, target := range []string{"greylisted@example.org", "broken@example.org"} {
		if got := expect(t, sender, target, notify.Retry, "451 4."); got.RetryAfter != 5*time.Minute {
			t.Errorf("%s: try again after %s", target, got.RetryAfter)
		}
		expect(t, sender, target, notify.Delivered, "250 2.0.0 queued")
	}
	if all := server.accepted(t); len(all) != 2 {
		t.Errorf("the server accepted %d messages, want the two of the second try", len(all))
	}
	c := server.config()
	c.From = "stranger@example.com"
	expect(t, testSender(t, c), "person@example.org", notify.Retry, "does not take the sender")
}

func TestTheSizeLimit(t *testing.T) {
	server := startMailServer(t, func(s *settings) { s.SizeMax = 1000 })
	expect(t, testSender(t, server.config()), "person@example.org", notify.Refused, "552 Error: Too much mail data")
}

func TestALostConnectionIsTriedAgainWithTheSameMessageID(t *testing.T) {
	for _, test := range []struct {
		target, words string
		kept          int
	}{
		{"cut@example.org", "", 1},                                       // lost within the message: it never arrived
		{"late@example.org", "it may have arrived (a repeat has the", 2}, // lost before the answer: it had arrived
	} {
		server := startMailServer(t, nil)
		sender := testSender(t, server.config())
		expect(t, sender, test.target, notify.Retry, test.words)
		expect(t, sender, test.target, notify.Delivered, "")
		all := server.accepted(t)
		if len(all) != test.kept {
			t.Fatalf("%s: the server accepted %d messages, want %d", test.target, len(all), test.kept)
		}
		for _, one := range all {
			id, err := sender.messageID("3-1042-1", test.target)
			if got := one.message(t).Header.Get("Message-Id"); err != nil || got != "<"+id+">" {
				t.Errorf("%s: Message-ID %s, want %s (%v)", test.target, got, id, err)
			}
		}
	}
}

func TestASlowServer(t *testing.T) {
	server := startMailServer(t, nil)
	c := server.config()
	c.Timeout = time.Second
	c.ConnectionsMax = 1
	sender := testSender(t, c)
	begun := time.Now()
	expect(t, sender, "slow@example.org", notify.Retry, "name the recipient: no answer in time")
	if took := time.Since(begun); took < c.Timeout || took > c.Timeout+quitTimeout+5*time.Second {
		t.Errorf("it took %s with a timeout of %s", took, c.Timeout)
	}

	// While one send waits for the server, there is no connection for another.
	c.Timeout = time.Minute
	sender = testSender(t, c)
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan notify.Outcome)
	go func() { result <- sender.Send(ctx, delivery(t, "slow@example.org")) }()
	eventually(t, "the first send uses the connection", func() bool { return len(sender.pool.slots) == 1 })
	short, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	if got := sender.Send(short, delivery(t, "person@example.org")); got.Verdict != notify.Retry || !strings.Contains(got.Detail, "wait for a connection") {
		t.Errorf("with all connections busy: %+v", got)
	}
	cancel()
	if got := <-result; got.Verdict != notify.Retry || !strings.Contains(got.Detail, "interrupted") {
		t.Errorf("cut short: %+v", got)
	}
}

func TestEncryption(t *testing.T) {
	t.Run("implicit", func(t *testing.T) {
		server := startMailServer(t, func(s *settings) { s.Mode = "implicit" })
		c := server.config()
		c.TLS = Implicit
		expect(t, testSender(t, c), "person@example.org", notify.Delivered, "")
		if all := server.accepted(t); len(all) != 1 || !all[0].Encrypted {
			t.Errorf("accepted %+v", all)
		}
	})
	t.Run("none, on this machine", func(t *testing.T) {
		server := startMailServer(t, func(s *settings) { s.Mode = "none" })
		c := server.config()
		c.TLS, c.CAFile = Unencrypted, ""
		expect(t, testSender(t, c), "person@example.org", notify.Delivered, "")
	})
	t.Run("a server without STARTTLS gets nothing", func(t *testing.T) {
		server := startMailServer(t, func(s *settings) { s.Mode = "none" })
		expect(t, testSender(t, server.config()), "person@example.org", notify.Retry, "offers no STARTTLS")
		if all := server.accepted(t); len(all) != 0 {
			t.Errorf("accepted %+v", all)
		}
	})
	for _, mode := range []TLSMode{STARTTLS, Implicit} {
		t.Run("an unknown certificate with "+string(mode), func(t *testing.T) {
			server := startMailServer(t, func(s *settings) { s.Mode = string(mode) })
			c := server.config()
			c.TLS, c.CAFile = mode, filepath.Join(t.TempDir(), "other.pem")
			makeCertificate(t, c.CAFile, filepath.Join(t.TempDir(), "other.key"))
			expect(t, testSender(t, c), "person@example.org", notify.Retry, "certificate is not trusted")
			if all := server.accepted(t); len(all) != 0 {
				t.Errorf("accepted %+v", all)
			}
		})
	}
	t.Run("a server that offers no login", func(t *testing.T) {
		server := startMailServer(t, func(s *settings) { s.Mechanisms = []string{} })
		expect(t, testSender(t, server.config()), "person@example.org", notify.Retry, "no login")
		c := server.config()
		c.Username, c.Password = "", ""
		expect(t, testSender(t, c), "person@example.org", notify.Delivered, "")
	})
}

func TestConnectionsAreKeptAndBounded(t *testing.T) {
	server := startMailServer(t, nil)
	c := server.config()
	c.ConnectionsMax = 2
	sender := testSender(t, c)
	var sends sync.WaitGroup
	for n := range 20 {
		sends.Go(func() { expect(t, sender, fmt.Sprintf("person%d@example.org", n), notify.Delivered, "") })
	}
	sends.Wait()
	used := map[int]int{}
	for _, one := range server.accepted(t) {
		used[one.Connection]++
	}
	if len(used) > 2 {
		t.Errorf("20 messages came by %d connections: %v", len(used), used)
	}

	// The server ends the kept connections with itself: the next message opens another one.
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	expect(t, sender, "person@example.org", notify.Retry, "connection refused")
	expect(t, sender, "person@example.org", notify.Retry, "connect: connection refused")
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	expect(t, sender, "person@example.org", notify.Delivered, "")
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	expect(t, sender, "person@example.org", notify.Delivered, "") // by a new connection, although one was kept
	if all := server.accepted(t); len(all) != 22 {
		t.Errorf("the server accepted %d messages, want 22", len(all))
	}
}

func TestIdleConnectionsEnd(t *testing.T) {
	server := startMailServer(t, nil)
	sender := testSender(t, server.config())
	sender.pool.idleMax = time.Millisecond
	expect(t, sender, "person@example.org", notify.Delivered, "")
	eventually(t, "no connection is kept", func() bool {
		sender.pool.mu.Lock()
		defer sender.pool.mu.Unlock()
		return len(sender.pool.kept) == 0
	})
	expect(t, sender, "other@example.org", notify.Delivered, "")
	if all := server.accepted(t); len(all) != 2 || all[0].Connection == all[1].Connection {
		t.Errorf("accepted %+v", all)
	}
}

func TestAConnectionEndsAfterItsShare(t *testing.T) {
	server := startMailServer(t, nil)
	sender := testSender(t, server.config())
	for n := range messagesMax + 1 {
		expect(t, sender, fmt.Sprintf("person%d@example.org", n), notify.Delivered, "")
	}
	all := server.accepted(t)
	if len(all) != messagesMax+1 {
		t.Fatalf("accepted %d messages", len(all))
	}
	if all[0].Connection != all[messagesMax-1].Connection || all[0].Connection == all[messagesMax].Connection {
		t.Errorf("messages 1, %d, %d came by connections %d, %d, %d", messagesMax, messagesMax+1,
			all[0].Connection, all[messagesMax-1].Connection, all[messagesMax].Connection)
	}
}

func TestAddressesBeyondASCII(t *testing.T) {
	const target = "søren@bücher.example"
	plain := startMailServer(t, nil)
	expect(t, testSender(t, plain.config()), target, notify.Refused, "letters beyond ASCII")
	able := startMailServer(t, func(s *settings) { s.UTF8 = true })
	sender := testSender(t, able.config())
	expect(t, sender, target, notify.Delivered, "")
	expect(t, sender, "person@example.org", notify.Delivered, "")
	all := able.accepted(t)
	if len(all) != 2 || all[0].To[0] != target || !all[0].UTF8 || all[1].UTF8 {
		t.Errorf("accepted %+v", all)
	}
}

func TestEveryKindAndHostileNamesArriveWhole(t *testing.T) {
	server := startMailServer(t, nil)
	sender := testSender(t, server.config())
	notices := Samples()
	for _, name := range hostileNames {
		notices = append(notices, hostileNotices(name)...)
	}
	for _, n := range notices {
		d := delivery(t, "person@example.org")
		d.Notice = n
		if got := sender.Send(t.Context(), d); got.Verdict != notify.Delivered {
			t.Fatalf("%s of %q: %+v", n.Kind, n.Account, got)
		}
	}
	all := server.accepted(t)
	if len(all) != len(notices) {
		t.Fatalf("accepted %d messages, sent %d", len(all), len(notices))
	}
	for i, one := range all {
		if len(one.To) != 1 || one.To[0] != "person@example.org" {
			t.Errorf("%s: went to %q", notices[i].Kind, one.To)
		}
		_, text, markup, err := Render(notices[i], nil, sender.config)
		if err != nil {
			t.Fatal(err)
		}
		gotText, gotMarkup := parts(t, one.message(t))
		if lines(gotText) != lines(text) || lines(gotMarkup) != lines(markup) {
			t.Errorf("%s: arrived as\n%s\nwant\n%s", notices[i].Kind, gotText, text)
		}
	}
}

// eventually waits until something is so.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(10 * time.Second); !so(); <-ticker.C {
		if time.Now().After(deadline) {
			t.Fatalf("waited 10 s, and not yet: %s", what)
		}
	}
}

func lines(s string) string { return strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n")) }

func TestNobodyListens(t *testing.T) {
	addr, err := servers.FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	c := seller()
	c.Addr = addr
	expect(t, testSender(t, c), "person@example.org", notify.Retry, "connect: connection refused")
}
