package producer

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"
)

// Security is how to log in to Kafka. Files are read when a Log or Producer is made, so that a
// secret that is changed is read again by the next one.
type Security struct {
	// TLS turns encryption on; CAFile replaces the system's roots, CertFile and KeyFile are a
	// client certificate, ServerName replaces the name checked in the broker's certificate.
	TLS                       bool
	CAFile, CertFile, KeyFile string
	ServerName                string
	// Mechanism is "", "PLAIN", "SCRAM-SHA-256" or "SCRAM-SHA-512".
	Mechanism string
	Username  string
	// PasswordFile holds the password (white space around it is cut), or Password itself does:
	// one of the two.
	PasswordFile string
	Password     string
}

// LogValue is what logs show: never the password.
func (s Security) LogValue() slog.Value {
	return slog.GroupValue(slog.Bool("tls", s.TLS), slog.String("ca_file", s.CAFile),
		slog.String("cert_file", s.CertFile), slog.String("mechanism", s.Mechanism),
		slog.String("username", s.Username), slog.String("password_file", s.PasswordFile))
}

// String is LogValue as text, so that printing a configuration shows no password either.
func (s Security) String() string { return s.LogValue().String() }

// Validate checks that the members fit together; it reads no file.
func (s Security) Validate() error {
	var faults []error
	if !s.TLS && s.CAFile+s.CertFile+s.KeyFile+s.ServerName != "" {
		faults = append(faults, errors.New("tls: files or a server name are given but TLS is off"))
	}
	if (s.CertFile == "") != (s.KeyFile == "") {
		faults = append(faults, errors.New("tls: a client certificate and its key come together"))
	}
	switch s.Mechanism {
	case "":
		if s.Username+s.Password+s.PasswordFile != "" {
			faults = append(faults, errors.New("sasl: a login is given without a mechanism (PLAIN, SCRAM-SHA-256, SCRAM-SHA-512)"))
		}
	case "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512":
		if s.Username == "" || (s.Password == "") == (s.PasswordFile == "") {
			faults = append(faults, errors.New("sasl: a user name and either a password or a password file are needed"))
		}
	default:
		faults = append(faults, fmt.Errorf("sasl: mechanism %q, allowed PLAIN, SCRAM-SHA-256, SCRAM-SHA-512", s.Mechanism))
	}
	return errors.Join(faults...)
}

// TLSConfig is the encryption to use, nil for none. It reads the files.
func (s Security) TLSConfig() (*tls.Config, error) {
	if !s.TLS {
		return nil, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: s.ServerName}
	if s.CAFile != "" {
		pem, err := os.ReadFile(s.CAFile)
		if err != nil {
			return nil, fmt.Errorf("producer: read TLS roots: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("producer: TLS roots: %s holds no PEM certificate", s.CAFile)
		}
	}
	if s.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(s.CertFile, s.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("producer: load TLS client certificate: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// SASL is the login to use, nil for none. It reads the password file.
func (s Security) SASL() (sasl.Mechanism, error) {
	if s.Mechanism == "" {
		return nil, nil
	}
	password := s.Password
	if s.PasswordFile != "" {
		text, err := os.ReadFile(s.PasswordFile)
		if err != nil {
			return nil, fmt.Errorf("producer: read SASL password: %w", err)
		}
		password = strings.TrimSpace(string(text))
	}
	switch s.Mechanism {
	case "PLAIN":
		return plain.Mechanism{Username: s.Username, Password: password}, nil
	case "SCRAM-SHA-256":
		return scram.Mechanism(scram.SHA256, s.Username, password)
	default:
		return scram.Mechanism(scram.SHA512, s.Username, password)
	}
}
