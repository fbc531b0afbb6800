package app

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"drawdown/purchasing"
	"drawdown/purchasing/sandbox"
)

func sandboxConfig() *Config {
	config := Default()
	config.Purchasing.Gateway = SandboxGateway
	config.SigningKeys = "k:c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"
	return &config
}

func TestWhereTheSandboxIs(t *testing.T) {
	for _, test := range []struct{ addr, url, want string }{
		{"localhost:9470", "", "http://localhost:9470/sandbox/"},
		{":9470", "", "http://localhost:9470/sandbox/"},
		{"0.0.0.0:9470", "", "http://localhost:9470/sandbox/"},
		{"[::]:9470", "", "http://localhost:9470/sandbox/"},
		{"[::1]:9470", "", "http://[::1]:9470/sandbox/"},
		{"10.0.0.7:80", "", "http://10.0.0.7:80/sandbox/"},
		{":9470", "https://try.example", "https://try.example/sandbox/"},
		{"", "https://try.example/drawdown/", "https://try.example/drawdown/sandbox/"},
	} {
		config := sandboxConfig()
		config.Purchasing.WebhooksAddr, config.Purchasing.SandboxURL = test.addr, test.url
		if err := config.Validate(); err != nil {
			t.Errorf("%+v: %v", test, err)
		}
		if got, err := config.Sandbox(); err != nil || got.BaseURL != test.want || got.Validate() != nil {
			t.Errorf("%+v: %s, %v, %v", test, got.BaseURL, err, got.Validate())
		}
	}
	config := sandboxConfig()
	config.Purchasing.SandboxURL = "try.example"
	if err := config.Validate(); err == nil || !strings.Contains(err.Error(), "purchasing.sandbox_url") {
		t.Errorf("an address without a scheme: %v", err)
	}
	config.Purchasing.SandboxURL, config.Purchasing.WebhooksAddr = "", ""
	if _, _, err := config.Desk(); !errors.Is(err, errNoPages) {
		t.Errorf("a desk whose visitors have nowhere to go: %v", err)
	}
}

// TestTheSandboxsKeyIsShared by processes with the same signing keys, and by no others.
func TestTheSandboxsKeyIsShared(t *testing.T) {
	key := func(signing string) string {
		config := sandboxConfig()
		config.SigningKeys = signing
		got, err := config.Sandbox()
		if err != nil {
			t.Fatal(err)
		}
		return string(got.Key)
	}
	first, second := strings.Repeat("YWFh", 11), strings.Repeat("YmJi", 11)
	if key("k:"+first) != key("k:"+first+"\nold:"+second) {
		t.Error("two processes have two keys")
	}
	if key("k:"+first) == key("k:"+second) {
		t.Error("two deployments have one key")
	}
	config := sandboxConfig()
	config.SigningKeys = ""
	if _, err := config.Sandbox(); err == nil || !strings.Contains(err.Error(), "signing_keys_file") {
		t.Errorf("without signing keys: %v", err)
	}
}

// TestASessionOfTheDeskOpensAtThePurchaser: two processes, as far as they know of each other.
func TestASessionOfTheDeskOpensAtThePurchaser(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	config := sandboxConfig()
	config.Purchasing.WebhooksAddr = free.Addr().String()
	desk, err := config.openGateway(nil)
	if err != nil {
		t.Fatal(err)
	}
	session, err := desk.SaveCard(t.Context(), &purchasing.CardSetup{Visitor: purchasing.Visitor{Account: "acme", Key: "k"}})
	if err != nil {
		t.Fatal(err)
	}
	gateway, err := config.openGateway(nil)
	if err != nil {
		t.Fatal(err)
	}
	p := Purchaser{addr: config.Purchasing.WebhooksAddr, path: "/webhooks/sandbox", log: slog.New(slog.DiscardHandler)}
	p.pages = gateway.(pages).Pages()
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	stop, err := p.serve()
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, session.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if text, err := io.ReadAll(answer.Body); err != nil || answer.StatusCode != http.StatusOK || !strings.Contains(string(text), sandbox.InsufficientFunds) {
		t.Errorf("status %d, %v\n%s", answer.StatusCode, err, text)
	}
	other := httptest.NewRecorder()
	sandbox.New(sandbox.Default()).Pages().ServeHTTP(other, request)
	if other.Code != http.StatusNotFound {
		t.Errorf("another deployment opens it: status %d", other.Code)
	}
}
