package sandbox

import (
	"strings"
)

// The payment methods. A method may have a suffix after a dash, to tell cards of different customers apart: pm_ok-acme.
// A name that is none of these is refused as no_payment_method.
const (
	OK                = "pm_ok"
	Declined          = "pm_declined"
	InsufficientFunds = "pm_insufficient_funds"
	Authentication    = "pm_authentication" // the bank wants the customer to be there
	Expired           = "pm_expired"
	Slow              = "pm_slow"    // pays, and answers after SlowDelay
	Pending           = "pm_pending" // is undecided, and pays after SlowDelay
	Timeout           = "pm_timeout" // never answers, and is never charged
	Flaky             = "pm_flaky"   // pays, but the first answer is lost
)

// reasons are why methods are refused, in the words of purchase.failed.
var reasons = map[string]string{
	Declined: "card_declined", InsufficientFunds: "insufficient_funds", Authentication: "authentication_required", Expired: "expired_card",
}

// Methods are the names of all methods, for those who choose one.
var Methods = []string{OK, Declined, InsufficientFunds, Authentication, Expired, Slow, Pending, Timeout, Flaky}

// behaviour is a method's name without its suffix.
func behaviour(method string) string {
	name, _, _ := strings.Cut(method, "-")
	return name
}

// refusal is why a method is refused, "" where it pays.
func refusal(method string) string {
	name := behaviour(method)
	switch name {
	case OK, Slow, Pending, Timeout, Flaky:
		return ""
	}
	if reason, known := reasons[name]; known {
		return reason
	}
	return "no_payment_method"
}
