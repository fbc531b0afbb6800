package webhook

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"drawdown/notify"
)

// outcomeOf is what a receiver's answer means (specification, "Delivery success and failure"). Only the status and
// Retry-After are looked at.
func outcomeOf(response *http.Response, now time.Time) notify.Outcome {
	status := response.StatusCode
	outcome := notify.Outcome{Verdict: notify.Retry, Detail: "HTTP " + strconv.Itoa(status)}
	switch {
	case status >= 200 && status <= 299:
		outcome.Verdict = notify.Delivered
	case status == http.StatusGone:
		outcome.Verdict = notify.Gone
	case status >= 300 && status <= 399:
		outcome.Detail += " (redirects are not followed)"
	case status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable:
		outcome.RetryAfter = retryAfter(response.Header.Get("Retry-After"), now)
	}
	return outcome
}

// retryAfter reads seconds or an HTTP date, at most [RetryAfterMax]; 0 for anything else and for what is past.
func retryAfter(text string, now time.Time) time.Duration {
	text = strings.TrimSpace(text)
	if text != "" && strings.Trim(text, "0123456789") == "" {
		seconds, err := strconv.ParseInt(text, 10, 64)
		if err != nil || seconds > int64(RetryAfterMax/time.Second) {
			return RetryAfterMax
		}
		return time.Duration(seconds) * time.Second
	}
	date, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return min(max(date.Sub(now), 0), RetryAfterMax)
}

// detailOf says why there is no answer. Errors' own texts are not kept: they hold the URL, addresses of our resolvers,
// or bytes that the receiver chose.
func detailOf(err error, reached phase) string {
	var notFound *net.DNSError
	switch {
	case errors.Is(err, errBlocked):
		return "blocked: " + errBlocked.Error()
	case errors.Is(err, context.Canceled):
		return "cancelled"
	case errors.As(err, &notFound) && notFound.IsNotFound:
		return "host not found"
	case errors.As(err, &notFound):
		return "host could not be resolved"
	case isTimeout(err):
		return "timeout: " + reached.missing()
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, syscall.EHOSTUNREACH) || errors.Is(err, syscall.ENETUNREACH):
		return "host unreachable"
	case errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return "connection closed without an answer"
	}
	if reached == handshaking {
		return tlsDetail(err)
	}
	return reached.missing()
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}

func tlsDetail(err error) string {
	var (
		otherHost x509.HostnameError
		invalid   x509.CertificateInvalidError
		untrusted *tls.CertificateVerificationError
		plain     tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &otherHost):
		return "TLS: the certificate is for another host"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "TLS: the certificate is expired or not yet valid"
	case errors.As(err, &untrusted):
		return "TLS: the certificate is not trusted"
	case errors.As(err, &plain):
		return "TLS: the server does not speak it"
	default:
		return "TLS: the handshake failed"
	}
}

// phase is how far a request came.
type phase int32

const (
	connecting  phase = iota // resolving too
	handshaking              // TLS
	connected                // the request is on its way
)

// missing is what did not come about.
func (p phase) missing() string {
	switch p {
	case connecting:
		return "no connection"
	case handshaking:
		return "no TLS handshake"
	case connected:
		return "no valid HTTP answer"
	}
	return "no answer"
}

// progress follows a request. Its zero value has just begun.
type progress struct{ at atomic.Int32 }

func (p *progress) phase() phase { return phase(p.at.Load()) }

// trace notes each phase. A connection that was begun for the request and lost to an idle one goes on in the
// background; it does not take the request back to its handshake.
func (p *progress) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		TLSHandshakeStart: func() { p.at.CompareAndSwap(int32(connecting), int32(handshaking)) },
		GotConn:           func(httptrace.GotConnInfo) { p.at.Store(int32(connected)) },
	}
}
