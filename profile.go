package drawdown

// Profile is what others need to know of an account to bill it and to tell it something: who pays, who is told. It is
// a view of the log like everything else (contract, sections 3 and 9). It has no balance.
type Profile struct {
	Account     string
	Plan        *Plan
	WaitingPlan string // taken up when the current period ends; "" for none

	Email         string
	EmailVerified bool
	Recipients    []string // who else gets notices
	OptOuts       []string // kinds of notices that are not wanted
	Webhooks      []Webhook

	Primary PaymentMethod
	Backup  PaymentMethod
	// OpenPurchase is the id of the purchase that was requested and is neither settled nor failed; "" for none.
	OpenPurchase string
}

// PaymentMethod is a saved card, as the gateway names it. The zero value is none.
type PaymentMethod struct {
	Method   string
	Customer string // who pays, "" where the log does not say
}

// MaxEndpoints is how many webhook endpoints an account may have.
const MaxEndpoints = 16

// Webhook is an endpoint that is told of notices.
type Webhook struct {
	Endpoint string
	URL      string
	Kinds    []string // nil: all
	// SecretVersion is the version of the secret that signs. PreviousVersion signs as well until PreviousUntil; 0
	// and NoTime where there is none.
	SecretVersion   int64
	PreviousVersion int64
	PreviousUntil   Time
	// Disabled is why nothing is sent, "" where the endpoint is enabled.
	Disabled string
}
