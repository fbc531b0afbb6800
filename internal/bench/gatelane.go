package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// gateLane is one connection that is kept alive: it asks one question after the other, and never waits.
type gateLane struct {
	load   *gateLoad
	key    string
	socket int // none where it is negative

	question  question
	due, sent time.Time
	measured  bool

	request  []byte // reused
	received []byte // of the answer, so far; reused
	parsing  *bufio.Reader
}

func newGateLane(load *gateLoad, key string) *gateLane {
	return &gateLane{load: load, key: key, socket: -1, parsing: bufio.NewReader(nil)}
}

// ask sends a question.
func (a *gateLane) ask(ctx context.Context, q question, due time.Time, measured bool) error {
	if a.socket < 0 {
		if err := a.dial(ctx); err != nil {
			return err
		}
	}
	a.question, a.due, a.measured, a.received = q, due, measured, a.received[:0]
	a.request = fmt.Appendf(a.request[:0], "GET %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n", a.load.path(&q), a.load.addr, a.key)
	a.sent = time.Now()
	// The socket's buffer is empty and takes a question whole.
	if n, err := unix.Write(a.socket, a.request); err != nil || n < len(a.request) {
		return fmt.Errorf("send a question: %d of %d bytes: %w", n, len(a.request), err)
	}
	return nil
}

// dial connects. The socket is taken from Go's poller, since the loop polls by itself.
func (a *gateLane) dial(ctx context.Context) error {
	dialer := net.Dialer{Timeout: askTimeout}
	connection, err := dialer.DialContext(ctx, "tcp", a.load.addr)
	if err != nil {
		return fmt.Errorf("connect to the API: %w", err)
	}
	defer connection.Close()
	file, err := connection.(*net.TCPConn).File()
	if err != nil {
		return fmt.Errorf("connect to the API: %w", err)
	}
	defer file.Close()
	if a.socket, err = unix.FcntlInt(file.Fd(), unix.F_DUPFD_CLOEXEC, 0); err != nil {
		a.socket = -1
		return fmt.Errorf("connect to the API: %w", err)
	}
	return os.NewSyscallError("set the connection not to block", unix.SetNonblock(a.socket, true))
}

func (a *gateLane) hangUp() {
	if a.socket >= 0 {
		_ = unix.Close(a.socket)
		a.socket = -1
	}
}

// receive takes what has come of the answer. If that is all of it, it is checked and its latencies are added to found.
func (a *gateLane) receive(found *latencies) (whole bool, err error) {
	a.received = append(a.received, make([]byte, 4096)...)
	free := a.received[len(a.received)-4096:]
	n, err := unix.Read(a.socket, free)
	a.received = a.received[:len(a.received)-4096+max(0, n)]
	switch {
	case errors.Is(err, unix.EAGAIN) && time.Since(a.sent) >= askTimeout:
		return false, fmt.Errorf("no answer within %v", askTimeout)
	case errors.Is(err, unix.EAGAIN):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("receive an answer: %w", err)
	case n == 0:
		return false, fmt.Errorf("receive an answer: %w", io.ErrUnexpectedEOF)
	}
	answered := time.Now()
	body, err := a.parse()
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return false, nil // more is to come
	case err != nil:
		return false, err
	}
	if err := a.load.check(&a.question, body); err != nil {
		return false, err
	}
	if a.measured {
		found.add(a.due, a.sent, answered)
	}
	return true, nil
}

// parse returns the body of the answer, or io.ErrUnexpectedEOF if that is not all of it.
func (a *gateLane) parse() ([]byte, error) {
	a.parsing.Reset(bytes.NewReader(a.received))
	response, err := http.ReadResponse(a.parsing, nil)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	switch {
	case err != nil:
		return nil, err
	case response.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%s: %s: %s", a.load.path(&a.question), response.Status, body)
	case response.Close:
		a.hangUp()
	}
	return body, nil
}
