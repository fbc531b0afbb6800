//go:build integration

package email

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io/fs"
	"math/big"
	"net"
	"net/mail"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"drawdown/internal/servers"
	"drawdown/internal/servers/python"
)

const (
	testUser     = "drawdown"
	testPassword = "correct horse, battery staple"
)

// mailServer is testdata/smtpd.py in a process of its own.
type mailServer struct {
	*servers.Server
	messages string // the file of what it accepted
	caFile   string
}

// settings are what smtpd.py reads.
type settings struct {
	Mode        string   `json:"mode"`
	Host        string   `json:"host"`
	Port        int      `json:"port"`
	Certificate string   `json:"certificate"`
	Key         string   `json:"key"`
	Username    string   `json:"username"`
	Password    string   `json:"password"`
	Mechanisms  []string `json:"mechanisms"`
	SizeMax     int      `json:"size_max"`
	UTF8        bool     `json:"utf8"`
	Messages    string   `json:"messages"`
}

// startMailServer starts a server that lives as long as the test. By default it asks for STARTTLS and PLAIN.
func startMailServer(t *testing.T, change func(*settings)) *mailServer {
	t.Helper()
	venv, err := python.Find()
	if err != nil {
		t.Fatal(err)
	}
	addr, err := servers.FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	host, portText, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(portText)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	s := settings{
		Mode: "starttls", Host: host, Port: port, Certificate: filepath.Join(dir, "server.pem"), Key: filepath.Join(dir, "server.key"),
		Username: testUser, Password: testPassword, Mechanisms: []string{"PLAIN"}, SizeMax: 1 << 20,
		Messages: filepath.Join(dir, "messages"),
	}
	if change != nil {
		change(&s)
	}
	makeCertificate(t, s.Certificate, s.Key)
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	configuration := filepath.Join(dir, "settings.json")
	if err := os.WriteFile(configuration, text, 0o600); err != nil {
		t.Fatal(err)
	}
	program, err := filepath.Abs(filepath.Join("testdata", "smtpd.py"))
	if err != nil {
		t.Fatal(err)
	}
	server, err := servers.Run(t.Context(), servers.Spec{
		Name: "smtpd",
		Addr: addr,
		Dir:  dir,
		Command: func(string) (servers.Command, error) {
			return servers.Command{Path: venv.Python, Args: []string{program, configuration}}, nil
		},
		Ready: func(ctx context.Context) error {
			conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
			if err != nil {
				return err
			}
			return conn.Close()
		},
		StartTimeout: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the end of the mail server's log:\n%s", servers.LogTail(server.Log()))
		}
		if err := server.Kill(); err != nil {
			t.Error(err)
		}
	})
	return &mailServer{Server: server, messages: s.Messages, caFile: s.Certificate}
}

// config sends to the server as a customer's installation would.
func (m *mailServer) config() Config {
	c := seller()
	c.Addr = m.Addr()
	c.CAFile = m.caFile
	c.Username, c.Password = testUser, testPassword
	c.Timeout = 10 * time.Second
	return c
}

// accepted is a message that the server has taken.
type accepted struct {
	From       string
	To         []string
	Content    []byte
	Encrypted  bool
	Mechanism  string
	UTF8       bool
	Hello      string
	Connection int
}

func (m *mailServer) accepted(t *testing.T) []accepted {
	t.Helper()
	text, err := os.ReadFile(m.messages)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	var all []accepted
	decoder := json.NewDecoder(bytes.NewReader(text))
	for decoder.More() {
		var one accepted
		if err := decoder.Decode(&one); err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
	return all
}

func (a accepted) message(t *testing.T) *mail.Message {
	t.Helper()
	message, err := mail.ReadMessage(bytes.NewReader(a.Content))
	if err != nil {
		t.Fatal(err)
	}
	return message
}

// makeCertificate makes one for the loopback address that vouches for itself.
func makeCertificate(t *testing.T, certificateFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "mail.test"},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(time.Hour),
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for path, block := range map[string]*pem.Block{
		certificateFile: {Type: "CERTIFICATE", Bytes: certificate},
		keyFile:         {Type: "PRIVATE KEY", Bytes: private},
	} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
