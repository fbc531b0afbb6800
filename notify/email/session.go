package email

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"

	"github.com/wneessen/go-mail/smtp"
)

// session is one connection to the mail server, greeted, encrypted and logged in. It is used by one send at a time.
type session struct {
	conn   net.Conn // below any encryption: deadlines set here hold for all that is said
	client *smtp.Client
	sent   int         // messages accepted on it
	idle   *time.Timer // ends it when nobody needs it; nil while in use
}

// past is a deadline that has gone by: whatever waits on the connection ends at once.
var past = time.Unix(1, 0)

// connect opens a session. The deadline of ctx bounds all of it.
func (s *Sender) connect(ctx context.Context) (*session, *failure) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.config.Addr)
	if err != nil {
		return nil, (&failure{stepConnect, err}).endedBy(ctx)
	}
	defer bound(ctx, conn)()
	client, failed := s.greet(ctx, conn)
	if failed != nil {
		conn.Close()
		return nil, failed.endedBy(ctx)
	}
	return &session{conn: conn, client: client}, nil
}

// greet says hello, encrypts and logs in, in the order that the mode asks for.
func (s *Sender) greet(ctx context.Context, conn net.Conn) (*smtp.Client, *failure) {
	host, _, _ := net.SplitHostPort(s.config.Addr) // Validate has split it
	if s.config.TLS == Implicit {
		encrypted := tls.Client(conn, s.tls)
		if err := encrypted.HandshakeContext(ctx); err != nil {
			return nil, &failure{stepEncrypt, err}
		}
		conn = encrypted
	}
	client, err := smtp.NewClient(conn, host)
	if err != nil {
		return nil, &failure{stepConnect, err}
	}
	if err := client.Hello(s.config.domain()); err != nil {
		return nil, &failure{stepGreeting, err}
	}
	if s.config.TLS == STARTTLS {
		if offered, _ := client.Extension("STARTTLS"); !offered {
			return nil, &failure{stepEncrypt, errors.New("the server offers no STARTTLS, and nothing is sent in the clear")}
		}
		if err := client.StartTLS(s.tls); err != nil {
			return nil, &failure{stepEncrypt, err}
		}
	}
	if err := s.login(client, host); err != nil {
		return nil, &failure{stepLogin, err}
	}
	return client, nil
}

// transmit hands over one message. The answer is the server's own words of acceptance.
func (c *session) transmit(ctx context.Context, e *envelope) (answer string, failed *failure) {
	defer bound(ctx, c.conn)()
	defer func() { failed = failed.endedBy(ctx) }()
	// A message marked as SMTPUTF8 is refused by servers further on that can't do it, so only one that needs it is.
	c.client.SkipSMTPUTF8(!e.utf8)
	if offered, _ := c.client.Extension("SMTPUTF8"); e.utf8 && !offered {
		return "", &failure{stepRecipient, errNoUTF8}
	}
	if err := c.client.Mail(e.from); err != nil {
		return "", &failure{stepSender, err}
	}
	if err := c.client.Rcpt(e.to); err != nil {
		return "", &failure{stepRecipient, err}
	}
	body, err := c.client.Data()
	if err != nil {
		return "", &failure{stepContent, err}
	}
	if _, err := body.Write(e.content); err != nil {
		return "", &failure{stepContent, err}
	}
	// From the final dot on the server may have taken the message, whether or not its answer arrives.
	if err := body.Close(); err != nil {
		return "", &failure{stepAccept, err}
	}
	c.sent++
	if said, ok := body.(interface{ ServerResponse() string }); ok {
		return said.ServerResponse(), nil
	}
	return "", nil
}

// quitTimeout bounds the farewell, on which nothing depends.
const quitTimeout = 2 * time.Second

// quit ends the session in order, so that the server does not log a lost connection.
func (c *session) quit() {
	_ = c.conn.SetDeadline(time.Now().Add(quitTimeout))
	_ = c.client.Quit() // nothing depends on it
	c.conn.Close()
}

// bound makes everything on the connection end with ctx, until the function that it returns is called.
func bound(ctx context.Context, conn net.Conn) (release func()) {
	deadline, _ := ctx.Deadline() // every try has one
	_ = conn.SetDeadline(deadline)
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(past) })
	return func() { stop() }
}

// endedBy puts in place of a broken connection's error why it was broken, where that was ctx.
func (f *failure) endedBy(ctx context.Context) *failure {
	if f != nil && f.reply() == nil && ctx.Err() != nil {
		return &failure{f.step, ctx.Err()}
	}
	return f
}
