package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	for _, test := range []struct {
		rule   string
		status int
		body   string
		want   string // part of the error; empty for none
	}{
		{"200 is ready", http.StatusOK, "ok", ""},
		{"another status is not, and the reason is shown", http.StatusServiceUnavailable, "partition 3: is starting", "partition 3: is starting"},
		{"no other success is ready", http.StatusNoContent, "", "204"},
	} {
		t.Run(test.rule, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(test.status)
				_, _ = w.Write([]byte(test.body))
			}))
			defer server.Close()
			expectError(t, check(t.Context(), server.URL), test.want)
		})
	}
}

func TestCheckWithoutServer(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	expectError(t, check(t.Context(), server.URL), "refused")
}

func expectError(t *testing.T, err error, part string) {
	t.Helper()
	switch {
	case part == "" && err != nil:
		t.Fatal(err)
	case part != "" && (err == nil || !strings.Contains(err.Error(), part)):
		t.Fatalf("error is %v, want one with %q", err, part)
	}
}
