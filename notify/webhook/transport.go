package webhook

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

// Limits of a connection.
const (
	connectTimeout     = 5 * time.Second  // resolving and connecting: a receiver that is there answers sooner
	idleTimeout        = 30 * time.Second // a burst of notices shares connections; receivers drop idle ones after a minute
	idlePerHostMax     = 2
	pingAfter          = 10 * time.Second // a silent HTTP/2 connection is asked whether it is alive, and given up
	responseHeadersMax = 16 << 10
)

// newTransport makes connections for requests. It is used without an http.Client, hence follows no redirect, keeps no
// cookie and sends no Referer; and it has no proxy, also none from the environment, which would connect in our place
// without the guard.
func newTransport(config *Config, guard *Guard, resolver *net.Resolver) (*http.Transport, error) {
	roots, err := loadRoots(config.CAFile)
	if err != nil {
		return nil, err
	}
	dialer := &net.Dialer{Timeout: connectTimeout, Control: guard.control, Resolver: resolver}
	return &http.Transport{
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
		TLSHandshakeTimeout:    config.Timeout,
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingAfter},
		DisableCompression:     true, // an answer of a few bytes can't grow when it is read
		MaxIdleConns:           config.ConcurrencyMax,
		MaxIdleConnsPerHost:    idlePerHostMax,
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: responseHeadersMax,
	}, nil
}

// loadRoots returns nil, for the system's authorities, where no file is given.
func loadRoots(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("webhook: read CA file: %w", err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("webhook: read the system's certificates: %w", err)
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, errors.New("webhook: CA file: holds no certificate in PEM")
	}
	return roots, nil
}
