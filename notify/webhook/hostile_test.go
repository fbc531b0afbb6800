package webhook

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"drawdown/notify"
)

// hostile makes a sender whose connections all lead to script, in virtual time. The script gets a connection on which
// the request has been read. It reports how many bytes the script could write, once it has ended.
func hostile(t *testing.T, script func(net.Conn) error) (*Sender, func() int) {
	t.Helper()
	config := local()
	config.Timeout = 15 * time.Second
	sender := senderOf(t, config, nil)
	written, ended := 0, make(chan struct{})
	sender.transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go func() {
			defer close(ended)
			defer theirs.Close()
			if _, err := http.ReadRequest(bufio.NewReaderSize(theirs, 64<<10)); err != nil {
				t.Errorf("read request: %v", err)
			}
			_ = script(counter{theirs, &written}) // ends when the sender hangs up
		}()
		return ours, nil
	}
	return sender, func() int { <-ended; return written }
}

type counter struct {
	net.Conn
	n *int
}

func (c counter) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	*c.n += n
	return n, err
}

// trickle writes a text again and again, one byte a second, until nobody reads.
func trickle(w io.Writer, text string) error {
	for i := 0; ; i++ {
		if _, err := io.WriteString(w, text[i%len(text):i%len(text)+1]); err != nil {
			return err
		}
		time.Sleep(time.Second)
	}
}

func TestHostileAnswers(t *testing.T) {
	forever := func(w io.Writer, text string) error {
		for {
			if _, err := io.WriteString(w, text); err != nil {
				return err
			}
		}
	}
	delivered := notify.Outcome{Verdict: notify.Delivered, Detail: "HTTP 200"}
	for _, c := range []struct {
		name   string
		script func(net.Conn) error
		want   notify.Outcome
		took   time.Duration // exactly, in virtual time
		most   int           // bytes that the receiver gets rid of
	}{
		{"no answer", func(c net.Conn) error { _, err := io.Copy(io.Discard, c); return err },
			notify.Outcome{Verdict: notify.Retry, Detail: "timeout: no valid HTTP answer"}, 15 * time.Second, 0},
		{"a status line a byte a second", func(w net.Conn) error { return trickle(w, "HTTP/1.1 200 OKKKKKKKKKKKKKKKKKK") },
			notify.Outcome{Verdict: notify.Retry, Detail: "timeout: no valid HTTP answer"}, 15 * time.Second, 16},
		{"headers without end, slowly", func(w net.Conn) error {
			_, _ = io.WriteString(w, "HTTP/1.1 200 OK\r\n")
			return trickle(w, "X: y\r\n")
		}, notify.Outcome{Verdict: notify.Retry, Detail: "timeout: no valid HTTP answer"}, 15 * time.Second, 40},
		{"headers without end, fast", func(w net.Conn) error {
			_, _ = io.WriteString(w, "HTTP/1.1 200 OK\r\n")
			return forever(w, "X-Header: "+strings.Repeat("y", 1000)+"\r\n")
		}, notify.Outcome{Verdict: notify.Retry, Detail: "no valid HTTP answer"}, 0, 64 << 10},
		{"informational answers without end", func(w net.Conn) error { return forever(w, "HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n") },
			notify.Outcome{Verdict: notify.Retry, Detail: "no valid HTTP answer"}, 0, 64 << 10},
		{"a body without end, fast", func(w net.Conn) error {
			_, _ = io.WriteString(w, "HTTP/1.1 200 OK\r\n\r\n")
			return forever(w, strings.Repeat("z", 1000))
		}, delivered, 0, 16 << 10},
		{"a body without end, slowly", func(w net.Conn) error {
			_, _ = io.WriteString(w, "HTTP/1.1 200 OK\r\n\r\n")
			return trickle(w, "z")
		}, delivered, time.Second, 30},
		{"a body that is shorter than said", func(w net.Conn) error {
			_, err := io.WriteString(w, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")
			return err
		}, delivered, 0, 100},
		{"a compressed body is not unpacked", func(w net.Conn) error {
			_, err := io.WriteString(w, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nbogus")
			return err
		}, delivered, 0, 100},
		{"an answer in another protocol", func(w net.Conn) error {
			_, err := io.WriteString(w, "SSH-2.0-OpenSSH_9.9 t0ken\r\n")
			return err
		}, notify.Outcome{Verdict: notify.Retry, Detail: "no valid HTTP answer"}, 0, 100},
		{"switching protocols", func(w net.Conn) error {
			_, err := io.WriteString(w, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
			return err
		}, notify.Outcome{Verdict: notify.Retry, Detail: "HTTP 101"}, 0, 100},
		{"nothing at all", func(net.Conn) error { return nil },
			notify.Outcome{Verdict: notify.Retry, Detail: "connection closed without an answer"}, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sender, written := hostile(t, c.script)
				began := time.Now()
				if got := sender.Send(t.Context(), deliveryTo("http://127.0.0.1/")); got != c.want {
					t.Errorf("%+v", got)
				}
				if took := time.Since(began); took != c.took {
					t.Errorf("took %v", took)
				}
				sender.Close()
				if n := written(); n > c.most {
					t.Errorf("read %d bytes", n)
				}
			})
		})
	}
}

// Details are for the delivery log, which the customer sees: nothing of what an error says gets into them.
func TestDetailsSayNothingElse(t *testing.T) {
	for _, err := range []error{
		errors.New("t0ken"),
		&net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1)}, Err: errors.New("t0ken")},
		&net.OpError{Op: "dial", Err: errBlocked},
		&net.DNSError{Err: "t0ken", Name: "t0ken.internal", Server: "10.0.0.53:53"},
		&net.DNSError{Err: "t0ken", Name: "t0ken.internal", Server: "10.0.0.53:53", IsNotFound: true},
		context.DeadlineExceeded,
	} {
		for _, reached := range []phase{connecting, handshaking, connected} {
			if got := detailOf(err, reached); got == "" || strings.Contains(got, "t0ken") || strings.Contains(got, "10.0") {
				t.Errorf("%v: %q", err, got)
			}
		}
	}
}
