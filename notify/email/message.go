package email

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/mail"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	gomail "github.com/wneessen/go-mail"

	"drawdown/notify"
)

// envelope is a message as it is handed to the server.
type envelope struct {
	from, to string // in angle brackets
	utf8     bool   // the recipient's address needs SMTPUTF8 (RFC 6531)
	content  []byte // headers and body
}

// Limits of addresses (RFC 5321, 4.5.3.1).
const (
	addressBytesMax = 254
	localBytesMax   = 64
)

// checkAddress refuses what is no plain address: a name beside it, comments, an address of no domain, spaces.
func checkAddress(address string) error {
	parsed, err := mail.ParseAddress(address)
	at := strings.LastIndexByte(address, '@')
	switch {
	case err != nil || parsed.Address != address || parsed.Name != "" || !utf8.ValidString(address):
		return errors.New("not an e-mail address")
	case len(address) > addressBytesMax || at > localBytesMax:
		return errors.New("not an e-mail address: it is too long")
	case unprintable(address) || strings.ContainsAny(address, " \"<>()[],;:\\"):
		return errors.New("not an e-mail address: it has characters that no address should have")
	case !strings.Contains(address[at+1:], "."), ascii(address) && !validDomain(address[at+1:]):
		return errors.New("not an e-mail address: its domain is none")
	}
	return nil
}

var domainForm = regexp.MustCompile(`^([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$`)

func validDomain(domain string) bool { return len(domain) <= 253 && domainForm.MatchString(domain) }

func ascii(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf })
}

var noticeIDForm = regexp.MustCompile(`^[A-Za-z0-9-]{1,100}$`)

// messageID is the same each time a notice goes to a recipient, and tells nobody else who that is.
func (s *Sender) messageID(notice, recipient string) (string, error) {
	if !noticeIDForm.MatchString(notice) {
		return "", fmt.Errorf("notice %q has no id of the form <partition>-<offset>-<n>", notice)
	}
	digest := sha256.Sum256([]byte(recipient))
	return notice + "." + hex.EncodeToString(digest[:8]) + "@" + s.config.domain(), nil
}

// compose writes the message of a delivery. An error means that no try can succeed.
func (s *Sender) compose(d *notify.Delivery, now time.Time) (*envelope, error) {
	if err := checkAddress(d.Target); err != nil {
		return nil, err
	}
	id, err := s.messageID(d.Notice.ID, d.Target)
	if err != nil {
		return nil, err
	}
	subject, text, html, err := Render(d.Notice, d.Profile, s.config)
	if err != nil {
		return nil, err
	}
	to := &mail.Address{Address: d.Target}
	message := gomail.NewMsg(gomail.WithNoDefaultUserAgent(), gomail.WithCharset(gomail.CharsetUTF8), gomail.WithEncoding(gomail.EncodingQP))
	message.FromMailAddress(s.from)
	message.ToMailAddress(to) // one recipient: nobody learns who else is told
	if s.replyTo != nil {
		message.ReplyToMailAddress(s.replyTo)
	}
	message.Subject(subject)
	message.SetMessageIDWithValue(id)
	message.SetDateWithValue(now.UTC())
	// Out-of-office answers and the like would go to a mailbox that nobody reads (RFC 3834; the second is Exchange's).
	message.SetGenHeader("Auto-Submitted", "auto-generated")
	message.SetGenHeader(gomail.HeaderXAutoResponseSuppress, "All")
	if contents[d.Notice.Kind].optional {
		message.SetListUnsubscribe("<" + s.config.link(d.Notice.Account) + ">")
	}
	message.SetBodyString(gomail.TypeTextPlain, text+"\n")
	message.AddAlternativeString(gomail.TypeTextHTML, html+"\n")
	var content bytes.Buffer
	if _, err := message.WriteTo(&content); err != nil {
		return nil, fmt.Errorf("write the message: %w", err)
	}
	return &envelope{from: bracket(s.from), to: bracket(to), utf8: !ascii(d.Target), content: content.Bytes()}, nil
}

func bracket(address *mail.Address) string { return "<" + address.Address + ">" }
