package app

import (
	"errors"
	"io"
	"net/http"
	"time"
)

// pace keeps slow clients from holding a request for ever: one that sends its body in drops, and one that does not take its
// answer. The server itself has no such timeouts, since its ReadTimeout would end handlers that wait, and its WriteTimeout
// exports; a handler that may take longer sets a later deadline by itself, as exports do.
type pace struct {
	next http.Handler
	// body is how long a client may take to send a body, also one that nobody reads: it is read to its end before the
	// connection is used again.
	body time.Duration
	// answer is how long a request may take in all: sending its body, working on it, taking the answer.
	answer time.Duration
}

// ServeHTTP implements [http.Handler].
func (p *pace) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	control, now := http.NewResponseController(w), time.Now()
	_ = control.SetWriteDeadline(now.Add(p.answer)) // not every writer has deadlines: tests' recorders
	if r.ContentLength != 0 && r.Body != nil {
		_ = control.SetReadDeadline(now.Add(p.body))
		r.Body = &pacedBody{r.Body, control}
	}
	p.next.ServeHTTP(w, r)
}

// pacedBody lifts the deadline once the body is there: from then on the server reads ahead only to see whether the client
// is gone, and would take a deadline for that.
type pacedBody struct {
	io.ReadCloser
	control *http.ResponseController
}

// Read implements [io.Reader].
func (b *pacedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		_ = b.control.SetReadDeadline(time.Time{})
	}
	return n, err
}
