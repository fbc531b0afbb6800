package stripe

import (
	api "github.com/stripe/stripe-go/v85"

	"drawdown/purchasing"
)

// The reasons that the contract names (purchase.failed), and ours.
const (
	reasonDeclined       = "card_declined"
	reasonAuthentication = "authentication_required"
	reasonNoMethod       = "no_payment_method"
	reasonCurrency       = "currency_unsupported"
	reasonTooLarge       = "amount_too_large"
	reasonInvalid        = "invalid_request"
	reasonMax            = 128 // bytes of a string in a record (contract, section 3)
)

// discreet are codes of which Stripe says that the customer must not be told: a thief would learn from them.
var discreet = map[string]bool{
	"fraudulent": true, "lost_card": true, "merchant_blacklist": true, "pickup_card": true, "restricted_card": true,
	"security_violation": true, "stolen_card": true, "generic_decline": true, "": true,
}

// reasonOf is why a card was refused: the bank's code where the card was declined, otherwise Stripe's.
func reasonOf(code, decline string) string {
	reason := code
	if code == "" || code == reasonDeclined {
		reason = decline
	}
	if discreet[reason] {
		return reasonDeclined
	}
	return reason[:min(len(reason), reasonMax)]
}

// reason is why a request was refused.
func (e *Error) reason() string {
	switch {
	case e.Type == string(api.ErrorTypeCard):
		return reasonOf(e.Code, e.decline)
	case e.Code == string(api.ErrorCodeResourceMissing):
		return reasonNoMethod
	case e.Code == "":
		return reasonInvalid
	default:
		return e.Code[:min(len(e.Code), reasonMax)]
	}
}

// intentReason is why an intent was not paid, by what it still tells: an intent that was cancelled has no last error,
// but its charge does.
func intentReason(pi *api.PaymentIntent) string {
	switch {
	case pi.Status == api.PaymentIntentStatusRequiresAction:
		return reasonAuthentication
	case pi.LastPaymentError != nil:
		return reasonOf(string(pi.LastPaymentError.Code), string(pi.LastPaymentError.DeclineCode))
	case pi.LatestCharge != nil:
		decline := ""
		if o := pi.LatestCharge.Outcome; o != nil && o.Type == "issuer_declined" { // of others it names a rule of ours
			decline = o.Reason
		}
		return reasonOf(pi.LatestCharge.FailureCode, decline)
	default:
		return reasonDeclined
	}
}

func declined(p *purchasing.Payment, reason string) purchasing.Result {
	return purchasing.Result{State: purchasing.Declined, Attempt: p.Attempt, Reason: reason}
}
