package stripe

import (
	"net/http"
	"strconv"
	"time"

	api "github.com/stripe/stripe-go/v85"

	"drawdown"
	"drawdown/purchasing"
)

// Gateway takes payments through Stripe. It is safe for concurrent use.
type Gateway struct {
	config Config
	client *api.Client
	now    func() time.Time
}

var (
	_ purchasing.Gateway = (*Gateway)(nil)
	_ purchasing.Till    = (*Gateway)(nil)
)

// New makes a gateway of a valid configuration. Nothing is asked of Stripe yet.
func New(c Config) *Gateway {
	g := &Gateway{config: c, now: c.Now}
	if g.now == nil {
		g.now = time.Now
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	// All requests go to one host; the default of two idle connections would open a new one for nearly every payment.
	transport.MaxIdleConnsPerHost = 64
	backends := api.NewBackendsWithConfig(&api.BackendConfig{
		URL:             api.String(c.APIBase),
		HTTPClient:      &http.Client{Timeout: c.Timeout, Transport: transport},
		EnableTelemetry: api.Bool(false),
		// The purchaser repeats, and knows for how long it may.
		MaxNetworkRetries: api.Int64(0),
		// What goes wrong is in the errors, where the secrets are masked.
		LeveledLogger: &api.LeveledLogger{Level: api.LevelNull},
	})
	g.client = api.NewClient(c.SecretKey, api.WithBackends(backends))
	return g
}

// The metadata by which objects at Stripe are known as ours. Objects without it belong to somebody else.
const (
	metaAccount  = "drawdown_account"
	metaPurchase = "drawdown_purchase"
	metaAttempt  = "drawdown_attempt"  // of payments without the customer
	metaKey      = "drawdown_key"      // the idempotency key that the payment intent was created under
	metaQuantity = "drawdown_quantity" // credits, of payments without the customer
	metaUnit     = "drawdown_unit"     // whole credits of one unit of the line item, of orders by hand
	metaBackup   = "drawdown_backup"   // of cards: "true" for the backup
)

// marks are the metadata of a payment's intent under a key.
func marks(p *purchasing.Payment, key string) map[string]string {
	return map[string]string{
		metaAccount: p.Account, metaPurchase: p.Purchase, metaAttempt: strconv.Itoa(p.Attempt),
		metaQuantity: p.Quantity.String(), metaKey: key,
	}
}

// attemptOf reads the attempt of an intent's metadata, 0 where it is not a payment of ours.
func attemptOf(metadata map[string]string) int {
	n, err := strconv.Atoi(metadata[metaAttempt])
	if err != nil || n < 1 {
		return 0
	}
	return n
}

// quantityOf reads the credits of an intent's metadata.
func quantityOf(metadata map[string]string) (drawdown.Credits, bool) {
	q, ok := drawdown.ParseCredits([]byte(metadata[metaQuantity]))
	return q, ok && q > 0
}
