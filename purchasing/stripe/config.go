package stripe

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Config says how Stripe is used.
type Config struct {
	// SecretKey is the account's secret or restricted key (sk_… or rk_…).
	SecretKey string
	// WebhookSecrets are the signing secrets of the webhook endpoint (whsec_…): several while one is replaced by another.
	WebhookSecrets []string
	// APIBase is where the API is.
	APIBase string
	// Timeout bounds each request. A confirmation takes seconds at some banks.
	Timeout time.Duration
	// AutomaticTax has Stripe compute tax after the customer's billing address, in sessions where the customer is there.
	// Payments without the customer are charged as requested.
	AutomaticTax bool
	// InvoiceCreation has Stripe make an invoice of each order by hand.
	InvoiceCreation bool
	// ReceiptEmail has Stripe mail a receipt of each payment to the customer.
	ReceiptEmail bool
	// ProductName is what is sold, as the customer reads it; at most 200 bytes.
	ProductName string
	// TaxCode is Stripe's code of what is sold; "" for the account's default.
	TaxCode string
	// WebhookTolerance is how far from now, before or after, a webhook may have been signed.
	WebhookTolerance time.Duration
	// Now is the clock by which a webhook is too old; [time.Now] where it is nil.
	Now func() time.Time `json:"-"`
}

// The bounds of what is configured.
const (
	timeoutMin, timeoutMax     = time.Second, 80 * time.Second // Stripe itself gives up after 80 s
	toleranceMin, toleranceMax = time.Second, time.Hour
	productNameMax             = 200
)

// Default is everything but the secrets.
func Default() Config {
	return Config{
		APIBase: "https://api.stripe.com", Timeout: 30 * time.Second, ReceiptEmail: true, ProductName: "Credits",
		TaxCode: "txcd_10103001", // software as a service, business use
		// Stripe signs each delivery anew, so five minutes are for clocks and networks only.
		WebhookTolerance: 5 * time.Minute,
	}
}

// Validate reports every fault at once, without the secrets.
func (c *Config) Validate() error {
	var faults []error
	fault := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	fault(!strings.HasPrefix(c.SecretKey, "sk_") && !strings.HasPrefix(c.SecretKey, "rk_"), "secret_key must begin with sk_ or rk_")
	for n, secret := range c.WebhookSecrets {
		fault(!strings.HasPrefix(secret, "whsec_"), "webhook_secrets[%d] must begin with whsec_", n)
	}
	base, err := url.Parse(c.APIBase)
	fault(err != nil || base.Host == "" || base.Scheme != "https" && !loopback(base.Hostname()),
		"api_base must be an https address (http on loopback only): %q", c.APIBase)
	fault(c.Timeout < timeoutMin || c.Timeout > timeoutMax, "timeout must be from %s to %s: %s", timeoutMin, timeoutMax, c.Timeout)
	fault(c.ProductName == "" || len(c.ProductName) > productNameMax, "product_name must have 1 to %d bytes", productNameMax)
	fault(c.WebhookTolerance < toleranceMin || c.WebhookTolerance > toleranceMax,
		"webhook_tolerance must be from %s to %s: %s", toleranceMin, toleranceMax, c.WebhookTolerance)
	return errors.Join(faults...)
}

func loopback(host string) bool { return host == "localhost" || host == "127.0.0.1" || host == "::1" }
