package api

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"

	"drawdown/api/access"
)

// exchange is one request and what became of it, as the middleware around the handlers sees it.
type exchange struct {
	id        string
	url       *url.URL
	route     *route            // nil while none is known
	principal *access.Principal // nil while nobody is known
	problem   *Problem          // what was answered instead of what was asked for
	why       error             // the credential was refused; told to the log only
}

type exchangeKey struct{}

func exchangeOf(ctx context.Context) *exchange {
	x, _ := ctx.Value(exchangeKey{}).(*exchange)
	return x
}

// principal is who asks. Handlers run only where there is one.
func principal(ctx context.Context) *access.Principal { return exchangeOf(ctx).principal }

func requestID(ctx context.Context) string {
	if x := exchangeOf(ctx); x != nil {
		return x.id
	}
	return "none" // while the document is made, no request is under way
}

func noteProblem(ctx context.Context, p *Problem) {
	if x := exchangeOf(ctx); x != nil {
		x.problem = p
	}
}

// requestIDs makes ids that are unique among all instances: a random prefix for each process, and a count.
type requestIDs struct {
	prefix [10]byte
	count  atomic.Uint64
}

var idEncoding = base32.HexEncoding.WithPadding(base32.NoPadding)

func newRequestIDs() *requestIDs {
	ids := &requestIDs{}
	_, _ = rand.Read(ids.prefix[:]) // never fails
	return ids
}

func (ids *requestIDs) next() string {
	var id [15]byte
	n := copy(id[:], ids.prefix[:])
	var count [8]byte
	binary.BigEndian.PutUint64(count[:], ids.count.Add(1))
	copy(id[n:], count[3:])
	return strings.ToLower(idEncoding.EncodeToString(id[:]))
}

const requestIDMax = 64

// requestIDOf keeps the id that a proxy or the client gave, where it is one that can stand in a log.
func (ids *requestIDs) requestIDOf(r *http.Request) string {
	id := r.Header.Get("X-Request-Id")
	if id == "" || len(id) > requestIDMax {
		return ids.next()
	}
	for _, c := range []byte(id) {
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-' || c == '_') {
			return ids.next()
		}
	}
	return id
}
