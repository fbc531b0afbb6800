package api_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"drawdown/api"
)

// server is the API on a fake office.
type server struct {
	http.Handler
	office   *fakeOffice
	registry *prometheus.Registry
	log      *strings.Builder
}

func newServer(t testing.TB, configure ...func(*api.Config)) *server {
	t.Helper()
	config := api.Default()
	config.RequestsBurst, config.RefusalsBurst = 10_000, 10_000
	for _, c := range configure {
		c(&config)
	}
	s := &server{office: newFakeOffice(), registry: prometheus.NewRegistry(), log: &strings.Builder{}}
	handler, err := api.New(config, api.Deps{
		Office: s.office, Authenticator: keyring{}, Registerer: s.registry,
		Logger: slog.New(slog.NewJSONHandler(s.log, &slog.HandlerOptions{Level: slog.LevelInfo})),
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Handler = handler
	return s
}

// request is one request; the zero members are left out.
type request struct {
	method, path, bearer, body, contentType string
	header                                  map[string]string
}

func (s *server) do(t testing.TB, q request) *http.Response {
	t.Helper()
	r := httptest.NewRequest(q.method, q.path, strings.NewReader(q.body))
	if q.bearer != "" {
		r.Header.Set("Authorization", "Bearer "+q.bearer)
	}
	if q.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if q.contentType != "" {
		r.Header.Set("Content-Type", q.contentType)
	}
	for name, value := range q.header {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Result()
}

func text(t testing.TB, r *http.Response) string {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// parsed reads an answer's JSON.
func parsed[T any](t testing.TB, r *http.Response) (v T) {
	t.Helper()
	body := text(t, r)
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatalf("%s\n%v", body, err)
	}
	return v
}
