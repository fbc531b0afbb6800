package app

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// oneConn is a listener that has one connection.
type oneConn struct {
	conns chan net.Conn
	done  chan struct{}
}

func (l oneConn) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l oneConn) Close() error { close(l.done); return nil }

func (oneConn) Addr() net.Addr { return &net.TCPAddr{} }

// serveOnce serves a handler as the API is served, in virtual time on a connection without a buffer, and tells what became of
// its requests. Call end before the bubble ends.
func serveOnce(handle func(http.ResponseWriter, *http.Request) error) (client net.Conn, outcome <-chan error, server *http.Server, end func()) {
	client, served := net.Pipe()
	outcomes := make(chan error, 8)
	config := defaultAPI()
	server = config.server(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { outcomes <- handle(w, r) }), nil)
	listener := oneConn{make(chan net.Conn, 1), make(chan struct{})}
	listener.conns <- served
	go server.Serve(listener)
	return client, outcomes, server, func() { client.Close(); server.Close() }
}

func send(t *testing.T, conn net.Conn, method string, length int, body string) {
	t.Helper()
	if _, err := fmt.Fprintf(conn, "%s / HTTP/1.1\r\nHost: test\r\nContent-Length: %d\r\n\r\n%s", method, length, body); err != nil {
		t.Fatal(err)
	}
}

// A body that never ends is given up, whether the handler reads it or not.
func TestABodyThatDoesNotCome(t *testing.T) {
	for name, handle := range map[string]func(http.ResponseWriter, *http.Request) error{
		"read":   func(_ http.ResponseWriter, r *http.Request) error { _, err := io.ReadAll(r.Body); return err },
		"unread": func(w http.ResponseWriter, _ *http.Request) error { w.WriteHeader(http.StatusUnauthorized); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conn, outcome, server, end := serveOnce(handle)
				defer end()
				began := time.Now()
				send(t, conn, http.MethodPost, 10, "half")
				if _, err := io.ReadAll(conn); err != nil { // until the server closes it
					t.Error(err)
				}
				if err := <-outcome; (name == "read") != errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("the handler got %v", err)
				}
				if took := time.Since(began); took < server.ReadTimeout || took > server.ReadTimeout+time.Second {
					t.Errorf("it was given up after %v", took)
				}
			})
		})
	}
}

// An answer that nobody takes is given up, unless its handler has asked for longer, as exports do.
func TestAnAnswerThatIsNotTaken(t *testing.T) {
	for _, longer := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			const long = time.Hour
			began := time.Now()
			conn, outcome, server, end := serveOnce(func(w http.ResponseWriter, _ *http.Request) error {
				if longer {
					_ = http.NewResponseController(w).SetWriteDeadline(began.Add(long))
				}
				_, err := io.WriteString(w, strings.Repeat("x", 1<<20))
				return err
			})
			defer end()
			send(t, conn, http.MethodGet, 0, "")
			if err := <-outcome; !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("the handler got %v", err)
			}
			want := server.WriteTimeout
			if longer {
				want = long
			}
			if took := time.Since(began); took != want {
				t.Errorf("it was given up after %v, expected %v", took, want)
			}
		})
	}
}

// A handler may work for as long as a request may take, once its body is there; and the next request has its own time.
func TestAWaitAfterTheBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := defaultAPI()
		conn, outcome, server, end := serveOnce(func(w http.ResponseWriter, r *http.Request) error {
			if _, err := io.ReadAll(r.Body); err != nil {
				return err
			}
			select {
			case <-r.Context().Done():
				return r.Context().Err()
			case <-time.After(config.RequestTimeout): // virtual
				_, err := io.WriteString(w, "done")
				return err
			}
		})
		defer end()
		if config.RequestTimeout <= server.ReadTimeout {
			t.Fatal("the handler is to work for longer than a body may take")
		}
		go io.Copy(io.Discard, conn)
		for range 9 {
			send(t, conn, http.MethodPost, 4, "body")
			if err := <-outcome; err != nil {
				t.Errorf("the handler got %v", err)
			}
		}
	})
}
