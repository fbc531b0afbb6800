package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
)

// emptyAnswer is as long as an answer of the gate.
const emptyAnswer = `{"account":"gate-00000","connection":"connection-0","allowed":true,"status":"active","reason":"active","available":"1000000","held":"0","reserve":"0","as_of":"2026-01-01T00:00:00.000Z"}`

// empty answers every question at once with the same text, by the HTTP server of the standard library, which is the API's too.
// What it takes under the same load is the least that any gate over HTTP would take on this machine.
func (j *job) empty() (begin work, end func(), err error) {
	listener, err := net.Listen("tcp", j.Addr)
	if err != nil {
		return nil, nil, fmt.Errorf("listen: %w", err)
	}
	server := &http.Server{ReadHeaderTimeout: askTimeout, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, emptyAnswer) // the load notices what does not arrive
	})}
	begin = func(ctx context.Context) error {
		defer context.AfterFunc(ctx, func() { _ = server.Close() })()
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	}
	return begin, func() { _ = server.Close() }, nil
}
