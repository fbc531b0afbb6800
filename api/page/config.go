package page

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Config is how the billing page presents itself.
type Config struct {
	// Name is who sells the credits, as customers know them.
	Name string
	// SecureCookies is whether cookies are for HTTPS only. Only a page that is opened by plain HTTP, on one's own machine,
	// goes without.
	SecureCookies bool
	// SalesURL is where somebody asks who needs more than can be ordered, InvoiceURL where an invoice is requested,
	// SupportURL where help is: https:, http: or mailto:. "" leaves the link out.
	SalesURL, InvoiceURL, SupportURL string
	// CheckoutOrigins are the origins (https://host) to which forms may lead: those of the gateway's pages.
	CheckoutOrigins []string
	// RefreshEvery is how often an open page asks for what has changed.
	RefreshEvery time.Duration
	// WriteWait is for how long a form waits until what it did is applied, so that the page that follows shows it.
	WriteWait time.Duration
}

// Bounds of the configuration.
const (
	refreshEveryMin = 500 * time.Millisecond
	refreshEveryMax = 5 * time.Minute
	writeWaitMax    = 10 * time.Second
)

// DefaultConfig returns what holds where nothing is configured.
func DefaultConfig() Config {
	return Config{
		Name:            "Drawdown",
		SecureCookies:   true,
		CheckoutOrigins: []string{"https://checkout.stripe.com"},
		RefreshEvery:    3 * time.Second, // a payment's arrival is watched for; an unchanged answer is a few hundred bytes
		WriteWait:       3 * time.Second,
	}
}

// Validate reports every fault at once.
func (c *Config) Validate() error {
	var faults []error
	if c.Name == "" {
		faults = append(faults, errors.New("name: it must not be empty"))
	}
	for name, link := range map[string]string{"sales_url": c.SalesURL, "invoice_url": c.InvoiceURL, "support_url": c.SupportURL} {
		if link != "" && !followable(link) {
			faults = append(faults, fmt.Errorf("%s: %q must be an https:, http: or mailto: address", name, link))
		}
	}
	for _, origin := range c.CheckoutOrigins {
		if !validOrigin(origin) {
			faults = append(faults, fmt.Errorf("checkout_origins: %q must be an origin such as https://checkout.example.com", origin))
		}
	}
	if c.RefreshEvery < refreshEveryMin || c.RefreshEvery > refreshEveryMax {
		faults = append(faults, fmt.Errorf("refresh_every: %s is not between %s and %s", c.RefreshEvery, refreshEveryMin, refreshEveryMax))
	}
	if c.WriteWait < 0 || c.WriteWait > writeWaitMax {
		faults = append(faults, fmt.Errorf("write_wait: %s is not between 0s and %s", c.WriteWait, writeWaitMax))
	}
	return errors.Join(faults...)
}

// followable reports whether an address is one that a visitor can be given as a link.
func followable(address string) bool {
	parsed, err := url.Parse(address)
	switch {
	case err != nil:
		return false
	case parsed.Scheme == "mailto":
		return parsed.Opaque != ""
	default:
		return (parsed.Scheme == "https" || parsed.Scheme == "http") && parsed.Host != "" && parsed.User == nil
	}
}

// validOrigin reports whether s is scheme://host[:port]. It ends up in a header, so nothing else may be in it.
func validOrigin(s string) bool {
	parsed, err := url.Parse(s)
	return err == nil && (parsed.Scheme == "https" || parsed.Scheme == "http") && parsed.Host != "" &&
		s == parsed.Scheme+"://"+parsed.Host && !strings.ContainsAny(s, " ;,'\"")
}
