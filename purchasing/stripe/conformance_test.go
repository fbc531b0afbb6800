package stripe_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"drawdown"
	"drawdown/purchasing/gatewaytest"
	"drawdown/purchasing/stripe"
	"drawdown/purchasing/stripe/fakestripe"
)

const secretKey = "sk_test_51secret"

// open is a gateway at a fake Stripe of its own.
func open(t *testing.T, o fakestripe.Options) (*stripe.Gateway, *fakestripe.Server) {
	t.Helper()
	o.SecretKey = secretKey
	fake := fakestripe.New(o)
	t.Cleanup(fake.Close)
	return stripe.New(config(t, fake)), fake
}

func config(t *testing.T, fake *fakestripe.Server) stripe.Config {
	t.Helper()
	c := stripe.Default()
	c.SecretKey, c.APIBase, c.WebhookSecrets, c.Now = secretKey, fake.URL(), []string{webhookSecret}, fake.Now
	c.Timeout = 10 * time.Second
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	return c
}

const webhookSecret = "whsec_first"

func subject(t *testing.T) (*gatewaytest.Subject, *fakestripe.Server) {
	gateway, fake := open(t, fakestripe.Options{})
	cards := map[gatewaytest.Card]fakestripe.Card{
		gatewaytest.IsDeclined: fakestripe.Declines("generic_decline"), gatewaytest.LacksFunds: fakestripe.Declines("insufficient_funds"),
		gatewaytest.IsExpired: fakestripe.Expired(), gatewaytest.NeedsAuthentication: fakestripe.NeedsAuthentication(),
		gatewaytest.Decides: fakestripe.Processes(), gatewaytest.NeverAnswers: fakestripe.Hangs(),
	}
	var serial atomic.Int64
	return &gatewaytest.Subject{
		Gateway: gateway, Now: fake.Now, Decide: fake.Decide,
		Charged: func() map[string]gatewaytest.Charged {
			all := map[string]gatewaytest.Charged{}
			for purchase, c := range fake.Charges() {
				all[purchase] = gatewaytest.Charged{Count: c.Count, Amount: drawdown.Money{Cents: drawdown.Total128(0, uint64(c.Amount))}}
			}
			return all
		},
		Method: func(c gatewaytest.Card) drawdown.PaymentMethod {
			method := fmt.Sprintf("pm_%d_%d", c, serial.Add(1))
			if c == gatewaytest.LosesReplies {
				method = "pm_lossy"
			}
			fake.SetCard(method, cards[c])
			return drawdown.PaymentMethod{Method: method, Customer: "cus_acme"}
		},
	}, fake
}

func TestGatewayConforms(t *testing.T) {
	// The replies to the first two requests that charge the lossy card are lost: Go's client repeats the first by itself.
	gatewaytest.Run(t, func(t *testing.T) *gatewaytest.Subject {
		s, fake := subject(t)
		lost := 0
		fake.Faults(func(r fakestripe.Request) fakestripe.Fault {
			if r.Card == "pm_lossy" && r.Route == "POST /v1/payment_intents/{id}/confirm" && lost < 2 {
				lost++
				return fakestripe.LoseReply
			}
			return fakestripe.None
		})
		return s
	})
}
