package api

import (
	"math"
	"net/http"
	"strconv"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
)

// limits keeps a token bucket for each of the callers seen lately. It is bounded: the caller that was silent longest is
// forgotten first, and one that is forgotten begins with a full bucket.
type limits struct {
	policy  []string // of the header RateLimit-Policy, made once
	name    string
	second  rate.Limit
	burst   int
	buckets *lru.Cache[string, *rate.Limiter]
}

func newLimits(name string, perSecond, burst, callersMax int) *limits {
	buckets, err := lru.New[string, *rate.Limiter](callersMax)
	if err != nil {
		panic("api: " + err.Error()) // callersMax is validated
	}
	window := (burst + perSecond - 1) / perSecond
	return &limits{
		policy: []string{`"` + name + `";q=` + strconv.Itoa(burst) + ";w=" + strconv.Itoa(window)},
		name:   `"` + name + `";r=`, second: rate.Limit(perSecond), burst: burst, buckets: buckets,
	}
}

// take takes a token of a caller, and says in the answer's headers what is left
// (draft-ietf-httpapi-ratelimit-headers). Where none is left it returns false.
func (l *limits) take(caller string, now time.Time, h http.Header) bool {
	bucket := l.bucket(caller)
	allowed := bucket.AllowN(now, 1)
	left := max(bucket.TokensAt(now), 0)
	h["Ratelimit-Policy"] = l.policy
	h["Ratelimit"] = []string{l.state(left)}
	if !allowed {
		h["Retry-After"] = []string{strconv.Itoa(ceil((1 - left) / float64(l.second)))}
	}
	return allowed
}

func (l *limits) bucket(caller string) *rate.Limiter {
	if bucket, known := l.buckets.Get(caller); known {
		return bucket
	}
	fresh := rate.NewLimiter(l.second, l.burst)
	if before, known, _ := l.buckets.PeekOrAdd(caller, fresh); known {
		return before
	}
	return fresh
}

// state is the header RateLimit: whole requests left, and seconds until the bucket is full.
func (l *limits) state(left float64) string {
	var buf [48]byte
	b := append(buf[:0], l.name...)
	b = strconv.AppendInt(b, int64(left), 10)
	b = append(b, ";t="...)
	b = strconv.AppendInt(b, int64(ceil((float64(l.burst)-left)/float64(l.second))), 10)
	return string(b)
}

// ceil is for seconds in headers: at least 0, rounded up.
func ceil(seconds float64) int { return int(math.Ceil(max(seconds, 0))) }
