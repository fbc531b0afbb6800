package api_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"drawdown/api"
)

// sink is an answer that nobody reads.
type sink struct {
	header http.Header
	status int
}

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) Write(p []byte) (int, error) { return len(p), nil }
func (s *sink) WriteHeader(status int)      { s.status = status }

func benchmark(b *testing.B, path string) {
	s := newServer(b, func(c *api.Config) {
		c.GatePerSecond, c.GateBurst = 1_000_000, 1_000_000
		c.RequestsPerSecond, c.RequestsBurst = 1_000_000, 1_000_000
	})
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Header.Set("Authorization", "Bearer scheduler")
		w := &sink{header: http.Header{}}
		for pb.Next() {
			clear(w.header)
			w.status = 0
			s.ServeHTTP(w, r)
			if w.status > http.StatusOK && w.status != http.StatusTooManyRequests {
				b.Errorf("status %d", w.status)
				return
			}
		}
	})
}

// BenchmarkGate is all of a question but the network and the store: id, credential, rate limit, route, query, JSON, metrics.
func BenchmarkGate(b *testing.B) { benchmark(b, "/v1/accounts/acme/gate?connection=shop&job=9") }

// BenchmarkThroughHuma is a route of the same size that goes through huma: what the gate saves by going around it.
func BenchmarkThroughHuma(b *testing.B) {
	benchmark(b, "/v1/accounts/acme/estimate?connection=shop&quantity=9")
}
