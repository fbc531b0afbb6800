package app

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"drawdown/api"
	"drawdown/api/access"
	"drawdown/api/page"
)

// API is how the HTTP API and the billing page are served.
type API struct {
	api.Config
	// Addr is where both listen: the API under /v1/, the page under /billing/.
	Addr string
	// PublicURL is the address under which customers reach it, without a path, such as https://credits.example.com; "" for
	// http and Addr, for a machine of one's own. Sign-in links begin with it, and with https cookies are for HTTPS only.
	PublicURL string
	// DrainTimeout is how long requests under way may take to end. It exceeds the longest wait that a client may ask for.
	DrainTimeout time.Duration
	Access       access.Config
	Page         page.Config
}

// Addresses of the billing page that others are told. A test asks the page for each of them.
const (
	pagePath        = "/billing/"
	linkPath        = pagePath + "link"
	loginFinishPath = pagePath + "signin/finish"
	returnedPath    = pagePath + "returned"
	cancelledPath   = pagePath + "cancelled"
)

func defaultAPI() API {
	return API{
		Config: api.Default(), Addr: "localhost:9480", DrainTimeout: 15 * time.Second,
		Access: access.Default(), Page: page.DefaultConfig(),
	}
}

// validate reports every fault at once.
func (a *API) validate() error {
	faults := []error{a.Config.Validate(), section("access", a.Access.Validate()), section("page", a.Page.Validate())}
	if _, _, err := net.SplitHostPort(a.Addr); err != nil {
		faults = append(faults, fmt.Errorf("addr: is %q; allowed is host:port, such as :9480", a.Addr))
	}
	if a.PublicURL != "" && !isOrigin(a.PublicURL) {
		faults = append(faults, fmt.Errorf("public_url: is %q; allowed is an address without a path, such as https://credits.example.com, or nothing", a.PublicURL))
	}
	if a.DrainTimeout < 0 || a.DrainTimeout > 10*time.Minute {
		faults = append(faults, fmt.Errorf("drain_timeout: is %v; allowed are 0s to 10m", a.DrainTimeout))
	}
	return errors.Join(faults...)
}

func isOrigin(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && text == u.Scheme+"://"+u.Host
}

// Origin is the address under which customers reach the page.
func (a *API) Origin() string {
	if a.PublicURL != "" {
		return a.PublicURL
	}
	host, port, err := net.SplitHostPort(a.Addr)
	if err == nil && (host == "" || net.ParseIP(host).IsUnspecified()) {
		host = "localhost" // it listens at every address of the machine; who looks at it without a public address sits before it
	}
	return "http://" + net.JoinHostPort(host, port)
}

// page is the page's configuration with what it shares with others: the address, and where the gateway's pages are.
func (c *Config) page() page.Config {
	config := c.API.Page
	config.SecureCookies = strings.HasPrefix(c.API.Origin(), "https:")
	if c.Purchasing.Gateway == SandboxGateway {
		if u, err := url.Parse(c.Purchasing.sandboxBase()); err == nil && u.Host != "" {
			config.CheckoutOrigins = append(slices.Clone(config.CheckoutOrigins), u.Scheme+"://"+u.Host)
		}
	}
	return config
}

// derive sets what follows from other keys, unless it is given itself: whoever pays comes back to the billing page.
func (c *Config) derive(given func(key string) bool) {
	if c.API.PublicURL == "" {
		return
	}
	if !given("purchasing.success_url") {
		c.Purchasing.SuccessURL = c.API.PublicURL + returnedPath
	}
	if !given("purchasing.cancel_url") {
		c.Purchasing.CancelURL = c.API.PublicURL + cancelledPath
	}
}
