package api

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"time"
)

// ServeHTTP is what happens around every request, whatever its route: an id, headers, metrics, the access log, and a
// problem instead of a panic.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	started := time.Now()
	s.metrics.inFlight.Inc()
	x := &exchange{id: s.ids.requestIDOf(r), url: r.URL}
	r = r.WithContext(context.WithValue(r.Context(), exchangeKey{}, x))
	recorder := &recorder{ResponseWriter: w}
	header := w.Header()
	header["X-Request-Id"] = []string{x.id}
	header["X-Content-Type-Options"] = nosniff
	header["Cache-Control"] = noStore
	header["Content-Security-Policy"] = closedPolicy
	header["Referrer-Policy"] = noReferrer
	header["Vary"] = byAuthorization
	defer func() {
		s.metrics.inFlight.Dec()
		s.recovered(recover(), recorder, r)
		s.finish(x, r, recorder, time.Since(started))
		if recorder.aborted {
			panic(http.ErrAbortHandler)
		}
	}()
	s.serve(recorder, r)
}

// Values of headers that every answer has, made once: Go's map of headers takes them as they are.
var (
	nosniff         = []string{"nosniff"}
	noStore         = []string{"no-store"} // every answer is somebody's own
	closedPolicy    = []string{"default-src 'none'; frame-ancestors 'none'"}
	noReferrer      = []string{"no-referrer"}
	byAuthorization = []string{"Authorization"}
)

// recovered answers for a handler that panicked. Where the answer has begun, the connection is cut: half an answer must
// not look whole.
func (s *server) recovered(cause any, w *recorder, r *http.Request) {
	if cause == nil {
		return
	}
	if w.failed { // huma panics when an answer cannot be written: the client is gone
		w.aborted = true
		return
	}
	if cause != http.ErrAbortHandler { //nolint:errorlint // the very value that net/http compares with
		s.logger.LogAttrs(r.Context(), slog.LevelError, "a request panicked", slog.String("request", requestID(r.Context())),
			slog.String("panic", fmt.Sprint(cause)), slog.String("stack", string(debug.Stack())))
	}
	if w.status != 0 || cause == http.ErrAbortHandler { //nolint:errorlint // as above
		w.aborted = true
		return
	}
	refuse(r.Context(), fmt.Errorf("panic: %v", cause)).write(w)
}

// clientGone stands in logs for a request that its client gave up; nobody got that status. It is no fault of ours.
const clientGone = 499

// finish counts and logs a request. Of the gate, only what went wrong is logged: it is asked thousands of times a second.
func (s *server) finish(x *exchange, r *http.Request, w *recorder, took time.Duration) {
	status, counted, name := w.status, s.strangers, "none"
	switch {
	case status == 0:
		status = http.StatusOK
	case w.failed || x.problem != nil && x.problem.Reason == "canceled":
		status = clientGone
	}
	if x.route != nil {
		counted, name = x.route.metrics, x.route.id
	}
	counted.observe(status, took)
	level := slog.LevelInfo
	switch {
	case status == clientGone:
	case status >= http.StatusInternalServerError || w.aborted:
		level = slog.LevelError
	case x.route != nil && x.route.hot:
		level = slog.LevelDebug
	}
	if !s.logger.Enabled(r.Context(), level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("request", x.id), slog.String("method", r.Method), slog.String("route", name),
		slog.Int("status", status), slog.Int64("bytes", w.bytes), slog.Duration("took", took), slog.String("remote", remote(r)),
	}
	if x.principal != nil {
		attrs = append(attrs, slog.String("principal", x.principal.ID))
	}
	if account := r.PathValue("account"); account != "" {
		attrs = append(attrs, slog.String("account", account))
	}
	if x.why != nil {
		attrs = append(attrs, slog.Any("refused", x.why))
	}
	if x.problem != nil {
		attrs = append(attrs, slog.String("reason", x.problem.Reason))
		if x.problem.cause != nil {
			attrs = append(attrs, slog.String("error", x.problem.cause.Error()))
		}
	}
	s.logger.LogAttrs(r.Context(), level, "request", attrs...)
}

// remote is the address that the connection comes from. Headers that proxies set are not believed: who can reach the API
// could write them.
func remote(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// recorder remembers what was answered.
type recorder struct {
	http.ResponseWriter
	status  int // 0 before the answer begins
	bytes   int64
	aborted bool
	failed  bool // the client is gone
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	w.failed = w.failed || err != nil
	return n, err
}

// Unwrap is for http.ResponseController.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }
