package email

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"os"
	"time"

	"drawdown/notify"
)

// Sender sends notices by e-mail. It is safe for concurrent use.
type Sender struct {
	config  Config // without the password
	from    *mail.Address
	replyTo *mail.Address // nil: answers go to from
	tls     *tls.Config   // nil where nothing is encrypted
	pool    *pool
	// password reads the login's. It is a function, as whatever prints a Sender would print a string.
	password func() (string, error)
}

var _ notify.Sender = (*Sender)(nil)

// errNoUTF8 ends a delivery to an address in other letters than ASCII's at a server that can't do it.
var errNoUTF8 = errors.New("the mail server takes no address with letters beyond ASCII")

// New makes a sender. It checks the configuration and reads CAFile; it does not connect.
func New(c Config) (*Sender, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	from, err := mail.ParseAddress(c.From)
	if err != nil {
		return nil, fmt.Errorf("e-mail: from: %w", err)
	}
	sender := &Sender{config: c, from: from, pool: newPool(c.ConnectionsMax), password: c.password()}
	sender.config.Password = ""
	if c.ReplyTo != "" {
		sender.replyTo = &mail.Address{Address: c.ReplyTo}
	}
	if sender.tls, err = c.encryption(); err != nil {
		return nil, err
	}
	return sender, nil
}

// encryption is the TLS configuration, nil for none.
func (c Config) encryption() (*tls.Config, error) {
	if c.TLS == Unencrypted {
		return nil, nil
	}
	host, _, _ := net.SplitHostPort(c.Addr) // Validate has split it
	encryption := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if c.CAFile == "" {
		return encryption, nil
	}
	pem, err := os.ReadFile(c.CAFile)
	if err != nil {
		return nil, fmt.Errorf("e-mail: read the certificates to trust: %w", err)
	}
	encryption.RootCAs = x509.NewCertPool()
	if !encryption.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("e-mail: ca_file: %s holds no certificate in PEM", c.CAFile)
	}
	return encryption, nil
}

// Close ends the connections that are kept for the next message. A Send under way is not disturbed; its connection ends
// with it. Close twice is fine.
func (s *Sender) Close() error {
	s.pool.close()
	return nil
}

// Send hands one notice for one recipient to the mail server. It takes at most two times Timeout: one to wait for a
// free connection, one to use it.
func (s *Sender) Send(ctx context.Context, d *notify.Delivery) notify.Outcome {
	message, err := s.compose(d, time.Now())
	if err != nil {
		return notify.Outcome{Verdict: notify.Refused, Detail: cut(oneLine(err.Error()), detailRunesMax)}
	}
	accepted, failed := s.deliver(ctx, message)
	switch {
	case failed == nil:
		return notify.Outcome{Verdict: notify.Delivered, Detail: answer(250, accepted)}
	case errors.Is(failed, errNoUTF8):
		return notify.Outcome{Verdict: notify.Refused, Detail: errNoUTF8.Error()}
	default:
		return failed.outcome()
	}
}

// deliver transmits a message on a kept session or on a new one.
func (s *Sender) deliver(ctx context.Context, message *envelope) (accepted string, failed *failure) {
	waiting, cancel := context.WithTimeout(ctx, s.config.Timeout)
	failed = s.pool.acquire(waiting)
	cancel()
	if failed != nil {
		return "", failed.endedBy(ctx)
	}
	defer s.pool.release()

	ctx, cancel = context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	for kept := s.pool.take(); kept != nil; kept = s.pool.take() {
		if accepted, failed = s.use(ctx, kept, message); !stale(failed) || ctx.Err() != nil {
			return accepted, failed
		}
	}
	fresh, failed := s.connect(ctx)
	if failed != nil {
		return "", failed
	}
	return s.use(ctx, fresh, message)
}

// use transmits a message on a session, and keeps the session or ends it.
func (s *Sender) use(ctx context.Context, session *session, message *envelope) (accepted string, failed *failure) {
	accepted, failed = session.transmit(ctx, message)
	switch {
	case failed == nil && ctx.Err() == nil:
		s.pool.keep(session)
	case failed == nil || failed.code() != 0:
		session.quit()
	default:
		session.conn.Close()
	}
	return accepted, failed
}

// stale reports whether a kept session had been ended by the server: it said so, or nothing, before it knew of the
// message. Then another session may be used without anything being sent twice.
func stale(failed *failure) bool {
	return failed != nil && failed.step == stepSender && (failed.code() == 0 || failed.code() == 421)
}
