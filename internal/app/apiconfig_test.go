package app

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// apiOnNothing is an API none of whose servers is there.
func apiOnNothing(t *testing.T, change func(*Config)) *RunningAPI {
	t.Helper()
	config := Default()
	config.SigningKeys = "k:c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"
	if change != nil {
		change(&config)
	}
	running, closeAll, err := config.OpenAPI(prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(closeAll)
	return running
}

func status(handler http.Handler, method, path string) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, httptest.NewRequest(method, path, nil))
	return answer
}

// TestThePageHasWhatOthersAreTold: each address that is written into links and given to the gateway is one of the page.
func TestThePageHasWhatOthersAreTold(t *testing.T) {
	running := apiOnNothing(t, func(c *Config) {
		c.API.Access.OIDC.Issuer, c.API.Access.OIDC.ClientID = "http://127.0.0.1:1", "drawdown"
	})
	for _, path := range []string{pagePath, linkPath, loginFinishPath, returnedPath, cancelledPath} {
		if answer := status(running.Handler, http.MethodGet, path+"?token=x"); answer.Code == http.StatusNotFound {
			t.Errorf("%s: %d", path, answer.Code)
		}
	}
	if answer := status(running.Handler, http.MethodGet, pagePath+"nothing"); answer.Code != http.StatusNotFound {
		t.Errorf("an address that is none: %d", answer.Code)
	}
	if answer := status(running.Handler, http.MethodGet, "/"); answer.Header().Get("Location") != pagePath {
		t.Errorf("the root leads to %q", answer.Header().Get("Location"))
	}
	if answer := status(running.Handler, http.MethodGet, "/v1/openapi.json"); answer.Code != http.StatusOK {
		t.Errorf("the API's description: %d", answer.Code)
	}
	if answer := status(running.Handler, http.MethodGet, "/v1/accounts/acme/gate?connection=c"); answer.Code != http.StatusUnauthorized {
		t.Errorf("without a credential: %d", answer.Code)
	}
}

// TestAnAPIIsReadyWhenItCanAnswer: not without the API keys and Redis.
func TestAnAPIIsReadyWhenItCanAnswer(t *testing.T) {
	running := apiOnNothing(t, func(c *Config) { c.Redis.Addrs = []string{"127.0.0.1:1"} })
	if err := running.Ready(); err == nil || !strings.Contains(err.Error(), "Redis") {
		t.Errorf("ready: %v", err)
	}
}

// TestCookiesFollowThePublicAddress: over https they are for https only, and links begin with it.
func TestCookiesFollowThePublicAddress(t *testing.T) {
	for public, secure := range map[string]bool{"": false, "http://127.0.0.1:1": false, "https://credits.example.com": true} {
		config := Default()
		config.API.PublicURL = public
		page := config.page()
		if page.SecureCookies != secure || public != "" && config.API.Origin() != public {
			t.Errorf("%q: %t, %s", public, page.SecureCookies, config.API.Origin())
		}
	}
	for addr, want := range map[string]string{"localhost:9480": "http://localhost:9480", ":80": "http://localhost:80", "0.0.0.0:1": "http://localhost:1", "[::]:1": "http://localhost:1", "10.0.0.1:1": "http://10.0.0.1:1"} {
		if origin := (&API{Addr: addr}).Origin(); origin != want {
			t.Errorf("%s without a public address: %s", addr, origin)
		}
	}
	config := Default()
	config.Purchasing.Gateway, config.Purchasing.SandboxURL = SandboxGateway, "https://till.example/pages"
	if origins := config.page().CheckoutOrigins; !slices.Contains(origins, "https://till.example") || slices.Contains(Default().API.Page.CheckoutOrigins, "https://till.example") {
		t.Errorf("forms may lead to %v", origins)
	}
}

// TestWhoPaysComesBackToThePage, unless the configuration says otherwise.
func TestWhoPaysComesBackToThePage(t *testing.T) {
	for _, c := range []struct {
		environ         []string
		success, cancel string
	}{
		{nil, "https://example.com/billing?paid=1", "https://example.com/billing"},
		{[]string{"DRAWDOWN_API_PUBLIC_URL=https://c.example"}, "https://c.example/billing/returned", "https://c.example/billing/cancelled"},
		{[]string{"DRAWDOWN_API_PUBLIC_URL=https://c.example", "DRAWDOWN_PURCHASING_SUCCESS_URL=https://s.example/ok"}, "https://s.example/ok", "https://c.example/billing/cancelled"},
	} {
		config, err := Load("", c.environ)
		if err != nil || config.Purchasing.SuccessURL != c.success || config.Purchasing.CancelURL != c.cancel {
			t.Errorf("%v: %s, %s, %v", c.environ, config.Purchasing.SuccessURL, config.Purchasing.CancelURL, err)
		}
	}
}

func TestFaultsOfTheAPIAreTold(t *testing.T) {
	_, err := Load("", []string{
		"DRAWDOWN_API_ADDR=nowhere", "DRAWDOWN_API_PUBLIC_URL=https://c.example/path", "DRAWDOWN_API_DRAIN_TIMEOUT=1h", "DRAWDOWN_API_EVENTS_MAX=0",
		"DRAWDOWN_API_ACCESS_OIDC_ISSUER=http://idp.example", "DRAWDOWN_API_PAGE_SALES_URL=javascript:alert(1)", "DRAWDOWN_API_PAGE_SECURE_COOKIES=false",
	})
	if err == nil {
		t.Fatal("a configuration full of faults is right")
	}
	for _, text := range []string{"api.addr: ", "api.public_url: ", "api.drain_timeout: ", "api.events_max: ", "api.access.oidc.issuer: ", "api.page.sales_url: ", "API_PAGE_SECURE_COOKIES: no such"} {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("does not say %q:\n%v", text, err)
		}
	}
}

// TestSecretsOfTheAPIAreNotShown in what is logged at the start and printed by config show.
func TestSecretsOfTheAPIAreNotShown(t *testing.T) {
	config := Default()
	config.API.Access.SessionKeys, config.API.Access.OIDC.ClientSecret = "hunter2", "hunter3"
	values := config.Values()
	if values["api.access.session_keys"] != "(secret)" || values["api.access.oidc.client_secret"] != "(secret)" {
		t.Errorf("%v, %v", values["api.access.session_keys"], values["api.access.oidc.client_secret"])
	}
}
