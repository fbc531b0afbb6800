package demo

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"mime"
	"net"
	netmail "net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
)

// mail is an e-mail as it arrived.
type mail struct {
	to      string
	subject string
	notice  string // the notice's id, from the Message-ID
	at      time.Time
}

// mailBytesMax is far above what a notice takes: some 10 KB.
const mailBytesMax = 1 << 20

// mailbox is a mail server that keeps what everybody is sent. Safe for concurrent use.
type mailbox struct {
	listener net.Listener
	server   *smtp.Server
	serving  sync.WaitGroup
	folder   string     // where mails are kept as files; "" for nowhere
	read     func(mail) // called before a mail counts as arrived

	mu    sync.Mutex
	mails []mail
}

// listenMail takes a port, so that the address is known. Mails wait until serve.
func listenMail() (*mailbox, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the mail server: %w", err)
	}
	m := &mailbox{listener: listener}
	m.server = smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &mailSession{box: m}, nil }))
	m.server.Domain = "localhost"
	m.server.MaxMessageBytes = mailBytesMax
	m.server.ErrorLog = log.New(io.Discard, "", 0) // a connection that ends early would be drawn into the view
	return m, nil
}

func (m *mailbox) addr() string { return m.listener.Addr().String() }

// serve takes mails until close. Those in a folder are files that mail programs open.
func (m *mailbox) serve(folder string, read func(mail)) {
	m.folder, m.read = folder, read
	m.serving.Go(func() { _ = m.server.Serve(m.listener) })
}

func (m *mailbox) close() {
	_ = m.listener.Close() // the server knows it only if it has served
	_ = m.server.Close()
	m.serving.Wait()
}

// arrived are the mails so far, in the order of their arrival.
func (m *mailbox) arrived() []mail {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.mails)
}

// take reads, keeps and counts a mail. An error makes the sender try again.
func (m *mailbox) take(to string, content []byte) error {
	one, err := parseMail(to, content)
	if err != nil {
		return err
	}
	m.read(one)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.folder != "" {
		name := fmt.Sprintf("%03d-%s.eml", len(m.mails)+1, strings.TrimPrefix(filepath.Base(to), "owner@"))
		if err := os.WriteFile(filepath.Join(m.folder, name), content, 0o600); err != nil {
			return fmt.Errorf("keep a mail: %w", err)
		}
	}
	m.mails = append(m.mails, one)
	return nil
}

// parseMail reads what the demo wants to know of a mail. A Message-ID is <notice's id>.<hash of the recipient>@<domain>.
func parseMail(to string, content []byte) (mail, error) {
	message, err := netmail.ReadMessage(bytes.NewReader(content))
	if err != nil {
		return mail{}, fmt.Errorf("read a mail: %w", err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(message.Header.Get("Subject"))
	if err != nil {
		return mail{}, fmt.Errorf("read a mail's subject: %w", err)
	}
	notice, _, found := strings.Cut(strings.TrimPrefix(message.Header.Get("Message-Id"), "<"), ".")
	if !found {
		return mail{}, fmt.Errorf("a mail to %s has no Message-ID of a notice", to)
	}
	return mail{to: to, subject: subject, notice: notice, at: time.Now()}, nil
}

// mailSession is one connection. It implements [smtp.Session].
type mailSession struct {
	box *mailbox
	to  []string
}

// Mail implements [smtp.Session].
func (s *mailSession) Mail(string, *smtp.MailOptions) error { return nil }

// Rcpt implements [smtp.Session].
func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = append(s.to, to)
	return nil
}

// Data implements [smtp.Session].
func (s *mailSession) Data(r io.Reader) error {
	content, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	for _, to := range s.to {
		if err := s.box.take(to, content); err != nil {
			return err
		}
	}
	return nil
}

// Reset implements [smtp.Session].
func (s *mailSession) Reset() { s.to = nil }

// Logout implements [smtp.Session].
func (s *mailSession) Logout() error { return nil }
