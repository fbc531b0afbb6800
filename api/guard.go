package api

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"drawdown"
	"drawdown/api/access"
	"drawdown/api/office"
)

// serve finds the route. What the mux would answer by itself, in plain text, is a problem here.
func (s *server) serve(w http.ResponseWriter, r *http.Request) {
	if escaped := r.URL.EscapedPath(); path.Clean(escaped) != escaped {
		refuse(r.Context(), problem(r.Context(), "not_found", "")).write(w) // instead of a redirect to what was not asked for
		return
	}
	s.mux.ServeHTTP(w, r)
}

// notFound is for paths that no route has.
func notFound(w http.ResponseWriter, r *http.Request) {
	refuse(r.Context(), problem(r.Context(), "not_found", "")).write(w)
}

// otherMethods answers for a path's methods that have no route: with the ones that do.
func otherMethods(methods []string) http.HandlerFunc {
	allowed := slices.Clone(methods)
	if slices.Contains(methods, http.MethodGet) {
		allowed = append(allowed, http.MethodHead)
	}
	allow := strings.Join(append(allowed, http.MethodOptions), ", ")
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Allow", allow)
		if r.Method == http.MethodOptions {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		refuse(r.Context(), problem(r.Context(), "method_not_allowed", "")).write(w)
	}
}

// guard is what a route asks for before its handler runs: who asks, that they have not asked too often, that the account is
// theirs to see, that they may do that at all; then the body, whole. The office checks account and scope again: the page
// does not come through here.
func (s *server) guard(rt *route, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		x := exchangeOf(r.Context())
		x.route = rt
		p, refusal := s.authenticate(w, r)
		if refusal == nil {
			x.principal = p
			refusal = s.admit(rt, p, w, r)
		}
		if refusal == nil {
			refusal = readable(rt, r)
		}
		if refusal == nil {
			refusal = s.readBody(rt, w, r)
		}
		if refusal != nil {
			refuse(r.Context(), refusal).write(w)
			return
		}
		if timeout := s.timeoutOf(rt); timeout > 0 {
			ctx, cancel := context.WithTimeout(office.WithRemoteAddr(r.Context(), remote(r)), timeout)
			defer cancel()
			r = r.WithContext(ctx)
		}
		if rt.export { // which bounds each piece by itself; this is for what is said instead of a file
			_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(s.config.ExportTimeout + s.config.ExportStall))
		}
		next(w, r)
	}
}

// timeoutOf bounds a request. The gate has no bound of its own: it makes one call to a store whose client has one.
func (s *server) timeoutOf(rt *route) time.Duration {
	switch {
	case rt.hot:
		return 0
	case rt.export:
		return s.config.ExportTimeout
	default:
		return s.config.RequestTimeout
	}
}

// authenticate finds out who asks. Addresses from which missing and wrong credentials come are slowed down, but who has a
// valid one never is for that: behind a proxy, all have the same address.
func (s *server) authenticate(w http.ResponseWriter, r *http.Request) (*access.Principal, *Problem) {
	if bearer, given := bearerOf(r); given {
		p, err := s.authenticator.Authenticate(r.Context(), bearer)
		if err == nil {
			return p, nil
		}
		if !errors.Is(err, access.ErrUnauthenticated) {
			return nil, unchecked(r.Context(), err)
		}
		exchangeOf(r.Context()).why = err
	}
	if refusal := s.tooMany(s.refusals, remote(r), time.Now(), w, r); refusal != nil {
		return nil, refusal
	}
	w.Header().Set("WWW-Authenticate", `Bearer realm="drawdown"`)
	return nil, problem(r.Context(), "unauthenticated", "")
}

// unchecked is for credentials that could not be checked: the keys are not read yet, or the identity provider is away.
func unchecked(ctx context.Context, err error) *Problem {
	if ctx.Err() != nil || !errors.Is(err, access.ErrUnavailable) {
		return refuse(ctx, err)
	}
	p := problem(ctx, "unavailable", "The credential cannot be checked now. Try again in a moment.")
	p.cause = err
	return p
}

func bearerOf(r *http.Request) (bearer string, given bool) {
	const scheme = "Bearer "
	header := r.Header.Get("Authorization")
	if len(header) <= len(scheme) || !strings.EqualFold(header[:len(scheme)], scheme) {
		return "", false
	}
	return header[len(scheme):], true
}

func (s *server) tooMany(l *limits, caller string, now time.Time, w http.ResponseWriter, r *http.Request) *Problem {
	if l.take(caller, now, w.Header()) {
		return nil
	}
	return problem(r.Context(), "rate_limited", "")
}

// admit checks rate, account and scope, in this order: of an account that is not theirs to see, callers learn nothing, not
// even which scope it would take.
func (s *server) admit(rt *route, p *access.Principal, w http.ResponseWriter, r *http.Request) *Problem {
	l := s.ordinary
	if rt.hot {
		l = s.gate
	}
	if refusal := s.tooMany(l, p.ID, time.Now(), w, r); refusal != nil {
		return refusal
	}
	if rt.ofAccount {
		account := r.PathValue("account")
		if !drawdown.ValidAccount([]byte(account)) || !p.Sees(account) {
			return problem(r.Context(), "no_such_account", "")
		}
	}
	if rt.scope != "" && !p.May(rt.scope) {
		return problem(r.Context(), "forbidden", "The credential lacks the scope "+string(rt.scope)+".")
	}
	return nil
}

// readable refuses addresses that would be read otherwise than they were meant: names in the log are UTF-8. The gate reads
// its query by itself.
func readable(rt *route, r *http.Request) *Problem {
	if !utf8.ValidString(r.URL.Path) {
		return misread(r.Context(), "path", "it is not UTF-8")
	}
	if rt.hot {
		return nil
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return misread(r.Context(), "query", "it has an escape or a separator that cannot be read")
	}
	for name, values := range query {
		if !utf8.ValidString(name) || !utf8.ValidString(strings.Join(values, "")) {
			return misread(r.Context(), "query", "it is not UTF-8")
		}
		switch {
		case len(values) > 1:
			return misread(r.Context(), "query."+name, "it is there more than once")
		case values[0] == "":
			return misread(r.Context(), "query."+name, "it is empty: leave it out")
		}
	}
	return readableKey(r)
}

// readableKey refuses an idempotency key that is there but empty: whoever sent it believes to be safe.
func readableKey(r *http.Request) *Problem {
	keys, given := r.Header["Idempotency-Key"]
	if given && (len(keys) > 1 || keys[0] == "") {
		return misread(r.Context(), "header.Idempotency-Key", "expected one, of 1 to 64 visible ASCII characters")
	}
	return nil
}

// misread makes a Problem of something that does not fit the API's description.
func misread(ctx context.Context, location, message string) *Problem {
	p := problem(ctx, "bad_request", "")
	p.Errors = []Fault{{location, message}}
	return p
}

// readBody reads the body whole, so that a slow client holds nothing but its connection, and the handler's own wait is not
// cut short by the deadline for reading.
func (s *server) readBody(rt *route, w http.ResponseWriter, r *http.Request) *Problem {
	if !rt.hasBody {
		return nil
	}
	limit := int64(s.config.BodyBytesMax)
	if rt.events {
		limit = int64(s.config.EventsBytesMax)
	}
	if r.ContentLength > limit {
		return problem(r.Context(), "too_large", "")
	}
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(s.config.BodyTimeout)) // not every writer has deadlines: tests' recorders
	var body bytes.Buffer
	body.Grow(int(max(r.ContentLength, 0)))
	_, err := io.Copy(&body, http.MaxBytesReader(w, r.Body, limit))
	_ = control.SetReadDeadline(time.Time{})
	var tooLarge *http.MaxBytesError
	var timeout net.Error
	switch {
	case errors.As(err, &tooLarge):
		return problem(r.Context(), "too_large", "")
	case errors.As(err, &timeout) && timeout.Timeout():
		return problem(r.Context(), "body_timeout", "")
	case err != nil:
		return misread(r.Context(), "body", "it ended early or could not be read")
	case !utf8.Valid(body.Bytes()):
		return misread(r.Context(), "body", "it is not UTF-8")
	}
	r.Body = io.NopCloser(&body)
	return nil
}
