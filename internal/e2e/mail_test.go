//go:build integration

package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"os"
	"path/filepath"
	"strings"

	"drawdown/internal/servers"
	"drawdown/internal/servers/python"
)

// mailServer is the mail server of notify/email's tests, in a process of its own: STARTTLS, and a login.
type mailServer struct {
	in      *installation
	addr    string
	kept    string // the file of what it accepted
	caFile  string
	read    int64
	letters []letter
}

// letter is a message that the mail server has accepted.
type letter struct {
	To, Subject, Text string
	Notice            string // the notice's id
	Encrypted         bool
	Mechanism         string // of the login
}

const mailUser = "drawdown"

// openMail starts a mail server that lives as long as the test.
func (in *installation) openMail(password string) *mailServer {
	in.t.Helper()
	venv, err := python.Find()
	in.must(err)
	addr, err := servers.FreeAddr()
	in.must(err)
	host, port, err := net.SplitHostPort(addr)
	in.must(err)
	dir := filepath.Join(in.dir, "mail")
	in.must(os.Mkdir(dir, 0o700))
	m := &mailServer{in: in, addr: addr, kept: filepath.Join(dir, "messages"), caFile: filepath.Join(dir, "server.pem")}
	makeCertificate(in, m.caFile, filepath.Join(dir, "server.key"))
	settings, err := json.Marshal(map[string]any{
		"mode": "starttls", "host": host, "port": json.Number(port), "certificate": m.caFile, "key": filepath.Join(dir, "server.key"),
		"username": mailUser, "password": password, "mechanisms": []string{"PLAIN"}, "size_max": 1 << 20, "utf8": false, "messages": m.kept,
	})
	in.must(err)
	file := filepath.Join(dir, "settings.json")
	in.must(os.WriteFile(file, settings, 0o600))
	program, err := filepath.Abs("../../notify/email/testdata/smtpd.py")
	in.must(err)
	server, err := servers.Run(in.t.Context(), servers.Spec{
		Name: "smtpd", Addr: addr, Dir: dir, StartTimeout: patience,
		Command: func(string) (servers.Command, error) {
			return servers.Command{Path: venv.Python, Args: []string{program, file}}, nil
		},
		Ready: func(ctx context.Context) error {
			conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
			if err != nil {
				return err
			}
			return conn.Close()
		},
	})
	in.must(err)
	in.t.Cleanup(func() {
		if err := server.Kill(); err != nil {
			in.t.Error(err)
		}
	})
	return m
}

// all returns what the server has accepted so far.
func (m *mailServer) all() []letter {
	m.in.t.Helper()
	file, err := os.Open(m.kept)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	m.in.must(err)
	defer file.Close()
	_, err = file.Seek(m.read, io.SeekStart)
	m.in.must(err)
	for lines := bufio.NewReader(file); ; {
		text, err := lines.ReadBytes('\n')
		if err != nil { // what is being written is read the next time
			return m.letters
		}
		m.read += int64(len(text))
		m.letters = append(m.letters, m.open(text))
	}
}

// open reads one message.
func (m *mailServer) open(text []byte) letter {
	m.in.t.Helper()
	var accepted struct {
		To        []string
		Content   []byte
		Encrypted bool
		Mechanism string
	}
	m.in.must(json.Unmarshal(text, &accepted))
	m.in.accuse("a mail", accepted.Content)
	message, err := mail.ReadMessage(bytes.NewReader(accepted.Content))
	m.in.must(err)
	subject, err := new(mime.WordDecoder).DecodeHeader(message.Header.Get("Subject"))
	m.in.must(err)
	notice, _, _ := strings.Cut(strings.Trim(message.Header.Get("Message-Id"), "<>"), ".")
	return letter{
		To: strings.Join(accepted.To, " "), Subject: subject, Text: plainText(m.in, message), Notice: notice,
		Encrypted: accepted.Encrypted, Mechanism: accepted.Mechanism,
	}
}

// plainText is a message's part for those who read without HTML.
func plainText(in *installation, message *mail.Message) string {
	in.t.Helper()
	_, parameters, err := mime.ParseMediaType(message.Header.Get("Content-Type"))
	in.must(err)
	parts := multipart.NewReader(message.Body, parameters["boundary"])
	for {
		part, err := parts.NextRawPart()
		in.must(err)
		if strings.HasPrefix(part.Header.Get("Content-Type"), "text/plain") {
			text, err := io.ReadAll(quotedprintable.NewReader(part))
			in.must(err)
			return string(text)
		}
	}
}

// to returns the messages to an account whose subject has a text; all of them for "".
func (m *mailServer) to(account, subject string) (found []letter) {
	m.in.t.Helper()
	for _, one := range m.all() {
		if one.To == account+"@example.com" && strings.Contains(one.Subject, subject) {
			found = append(found, one)
		}
	}
	return found
}

// await waits until so many messages with a text in their subject have come to an account, and returns them.
func (m *mailServer) await(account, subject string, count int) (found []letter) {
	m.in.t.Helper()
	m.in.await(fmt.Sprintf("%d mails %q to %s", count, subject, account), func(context.Context) (bool, any) {
		found = m.to(account, subject)
		return len(found) >= count, m.subjects(account)
	})
	for _, one := range found {
		if !one.Encrypted || one.Mechanism != "PLAIN" {
			m.in.t.Errorf("a mail came encrypted %v, login %q", one.Encrypted, one.Mechanism)
		}
	}
	return found
}

func (m *mailServer) subjects(account string) (all []string) {
	for _, one := range m.to(account, "") {
		all = append(all, one.Subject)
	}
	return all
}
