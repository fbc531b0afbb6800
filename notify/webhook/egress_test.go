package webhook

import (
	"crypto/tls"
	"encoding/pem"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"drawdown/notify"
)

const blocked = "blocked: the host's address may not be reached"

// A name that meant an allowed address when it was first looked up and another one now (DNS rebinding) leads nowhere.
func TestRebinding(t *testing.T) {
	outside := receive(t, "127.0.0.1:0", status(http.StatusOK))
	_, port, err := net.SplitHostPort(outside.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	inside := receive(t, "127.0.0.2:"+port, status(http.StatusOK)) // the same port of an address that is not allowed
	names, resolver := resolve(t, "127.0.0.1")
	sender := senderOf(t, local(), resolver)
	d := deliveryTo(named(t, outside, "receiver.example"))

	if got := sender.Send(t.Context(), d); got.Verdict != notify.Delivered {
		t.Fatalf("before: %+v", got)
	}
	for _, addresses := range [][]string{{"127.0.0.2"}, {"169.254.169.254"}, {"::1"}, {"::ffff:127.0.0.2"}, {"0.0.0.0"}, {"10.0.0.1", "192.168.0.1", "fd00::1"}} {
		names.set(addresses...)
		sender.Close() // no connection is left from before
		if got := sender.Send(t.Context(), d); got != (notify.Outcome{Verdict: notify.Retry, Detail: blocked}) {
			t.Errorf("%v: %+v", addresses, got)
		}
	}
	if got := testutil.ToFloat64(sender.metrics.blocked); got != 6 {
		t.Errorf("%v counted as blocked", got)
	}
	names.set("127.0.0.2", "127.0.0.1") // one of each: only the allowed one is connected to
	sender.Close()
	if got := sender.Send(t.Context(), d); got.Verdict != notify.Delivered {
		t.Errorf("both: %+v", got)
	}
	if len(inside.seen()) != 0 || len(outside.seen()) != 2 {
		t.Errorf("%d requests inside, %d outside", len(inside.seen()), len(outside.seen()))
	}
}

func TestUnknownName(t *testing.T) {
	_, resolver := resolve(t)
	sender := senderOf(t, local(), resolver)
	if got := sender.Send(t.Context(), deliveryTo("https://receiver.example/")); got != (notify.Outcome{Verdict: notify.Retry, Detail: "host not found"}) {
		t.Errorf("%+v", got)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	inside := receive(t, "127.0.0.1:0", status(http.StatusOK)) // even an allowed address is not
	for _, code := range []int{301, 302, 303, 307, 308} {
		r := receive(t, "127.0.0.1:0", func(w http.ResponseWriter, request *http.Request) {
			http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
			http.Redirect(w, request, inside.URL, code)
		})
		sender := senderOf(t, local(), nil)
		for range 2 {
			got := sender.Send(t.Context(), deliveryTo(r.URL))
			if got.Verdict != notify.Retry || !strings.HasSuffix(got.Detail, "(redirects are not followed)") {
				t.Errorf("%d: %+v", code, got)
			}
		}
		for _, call := range r.seen() {
			if call.header.Get("Cookie") != "" {
				t.Errorf("%d: a cookie came back", code)
			}
		}
	}
	if len(inside.seen()) != 0 {
		t.Error("a redirect was followed")
	}
}

// A proxy would connect in our place, unguarded. TestMain has set one.
func TestNoProxyFromTheEnvironment(t *testing.T) {
	probe, err := http.NewRequest(http.MethodPost, "http://receiver.example/", nil)
	if err != nil {
		t.Fatal(err)
	}
	if proxy, err := http.ProxyFromEnvironment(probe); err != nil || proxy == nil || proxy.String() != nobody {
		t.Fatalf("the environment names the proxy %v (%v): this test proves nothing", proxy, err)
	}
	r := receive(t, "127.0.0.1:0", status(http.StatusOK))
	_, resolver := resolve(t, "127.0.0.1")
	sender := senderOf(t, local(), resolver)
	if got := sender.Send(t.Context(), deliveryTo(named(t, r, "receiver.example"))); got.Verdict != notify.Delivered {
		t.Errorf("%+v", got)
	}
}

func TestTLS(t *testing.T) {
	for _, c := range []struct {
		name   string
		server *tls.Config
		http2  bool
		trust  bool
		host   string // the certificate is for example.com and 127.0.0.1
		want   notify.Outcome
		proto  int
	}{
		{"TLS 1.3", &tls.Config{MinVersion: tls.VersionTLS13}, false, true, "example.com", notify.Outcome{Verdict: notify.Delivered, Detail: "HTTP 200"}, 1},
		{"TLS 1.2", &tls.Config{MaxVersion: tls.VersionTLS12}, false, true, "127.0.0.1", notify.Outcome{Verdict: notify.Delivered, Detail: "HTTP 200"}, 1},
		{"HTTP/2", &tls.Config{}, true, true, "example.com", notify.Outcome{Verdict: notify.Delivered, Detail: "HTTP 200"}, 2},
		{"TLS 1.1", &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, false, true, "example.com", notify.Outcome{Verdict: notify.Retry, Detail: "TLS: the handshake failed"}, 0},
		{"an unknown authority", &tls.Config{}, false, false, "example.com", notify.Outcome{Verdict: notify.Retry, Detail: "TLS: the certificate is not trusted"}, 0},
		{"another host", &tls.Config{}, false, true, "receiver.example", notify.Outcome{Verdict: notify.Retry, Detail: "TLS: the certificate is for another host"}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &receiver{answer: status(http.StatusOK)}
			r.Server = unstarted(t, r)
			r.TLS, r.EnableHTTP2 = c.server, c.http2
			r.StartTLS()
			config := local()
			config.AllowHTTP = false
			if c.trust {
				config.CAFile = filepath.Join(t.TempDir(), "ca.pem")
				text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.Certificate().Raw})
				if err := os.WriteFile(config.CAFile, text, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			_, resolver := resolve(t, "127.0.0.1")
			sender := senderOf(t, config, resolver)
			if got := sender.Send(t.Context(), deliveryTo(named(t, r, c.host))); got != c.want {
				t.Errorf("%+v", got)
			}
			proto := 0
			for _, call := range r.seen() {
				proto = call.proto
			}
			if proto != c.proto {
				t.Errorf("HTTP/%d", proto)
			}
		})
	}
}

func TestNoTLSBehindHTTPS(t *testing.T) {
	r := receive(t, "127.0.0.1:0", status(http.StatusOK))
	sender := senderOf(t, local(), nil)
	got := sender.Send(t.Context(), deliveryTo(strings.Replace(r.URL, "http:", "https:", 1)))
	if got != (notify.Outcome{Verdict: notify.Retry, Detail: "TLS: the server does not speak it"}) {
		t.Errorf("%+v", got)
	}
}

func TestNobodyListens(t *testing.T) {
	r := receive(t, "127.0.0.1:0", status(http.StatusOK))
	r.Close()
	sender := senderOf(t, local(), nil)
	if got := sender.Send(t.Context(), deliveryTo(r.URL)); got != (notify.Outcome{Verdict: notify.Retry, Detail: "connection refused"}) {
		t.Errorf("%+v", got)
	}
}
