package email

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/wneessen/go-mail/smtp"
)

// mechanisms in the order in which they are taken. Those that prove the password without sending it come first, but for
// CRAM-MD5: servers that keep passwords as hashes often offer it although they can't do it, and PLAIN is as safe
// inside an encrypted connection. With a server on this machine in the clear all are allowed (see Config.Validate).
var mechanisms = []struct {
	name string
	auth func(user, password, host string, clear bool) smtp.Auth
}{
	{"SCRAM-SHA-256", func(user, password, _ string, _ bool) smtp.Auth { return smtp.ScramSHA256Auth(user, password) }},
	{"SCRAM-SHA-1", func(user, password, _ string, _ bool) smtp.Auth { return smtp.ScramSHA1Auth(user, password) }},
	{"PLAIN", func(user, password, host string, clear bool) smtp.Auth {
		return smtp.PlainAuth("", user, password, host, clear)
	}},
	{"LOGIN", smtp.LoginAuth},
	{"CRAM-MD5", func(user, password, _ string, _ bool) smtp.Auth { return smtp.CRAMMD5Auth(user, password) }},
}

// login authenticates, if the configuration has a login.
func (s *Sender) login(client *smtp.Client, host string) error {
	if s.config.Username == "" {
		return nil
	}
	has, offered := client.Extension("AUTH")
	if !has {
		return errors.New("the server offers no login on this connection")
	}
	password, err := s.password()
	if err != nil {
		return err
	}
	for _, mechanism := range mechanisms {
		if slices.Contains(strings.Fields(strings.ToUpper(offered)), mechanism.name) {
			return client.Auth(mechanism.auth(s.config.Username, password, host, s.config.TLS == Unencrypted))
		}
	}
	return fmt.Errorf("the server offers no login that is known here, but %q", cut(oneLine(offered), detailRunesMax))
}

// password returns what reads the password: at each login anew, where a file holds it.
func (c Config) password() func() (string, error) {
	if c.PasswordFile == "" {
		return func() (string, error) { return c.Password, nil }
	}
	return func() (string, error) {
		text, err := os.ReadFile(c.PasswordFile)
		if err != nil {
			return "", fmt.Errorf("read the password: %w", err)
		}
		return strings.TrimSpace(string(text)), nil
	}
}
