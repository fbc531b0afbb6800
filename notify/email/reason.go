package email

import "encoding/json"

// reason is why a payment was refused: the gateway's code, or `timeout` by the engine (contract, section 7).
type reason string

// UnmarshalJSON reads a reason. An unknown one is fine: gateways have many.
func (r *reason) UnmarshalJSON(text []byte) error { return json.Unmarshal(text, (*string)(r)) }

// String says it as a sentence. What is not known here is not quoted: a code of a gateway helps no customer.
func (r reason) String() string {
	switch r {
	case "card_declined":
		return "The bank declined the card."
	case "expired_card":
		return "The card has expired."
	case "insufficient_funds":
		return "There was not enough money on the card’s account."
	case "authentication_required":
		return "The bank wants you to confirm the payment yourself."
	case "no_payment_method":
		return "No payment method is saved."
	case "timeout":
		return "The payment was not completed within 24 hours."
	default:
		return "The payment could not be completed."
	}
}

// Remedy says what helps.
func (r reason) Remedy() string {
	switch r {
	case "authentication_required":
		return "Save the card again on the billing page and confirm it when your bank asks, or save another one."
	case "expired_card":
		return "Save a card that is valid on the billing page."
	case "no_payment_method":
		return "Save a card on the billing page."
	default:
		return "Check the card with your bank, or save another one on the billing page."
	}
}
