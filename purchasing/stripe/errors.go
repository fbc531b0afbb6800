package stripe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	api "github.com/stripe/stripe-go/v85"

	"drawdown/purchasing"
)

// Error is an answer of Stripe, or the lack of one, that says nothing of what became of a payment. It holds no secret.
type Error struct {
	Doing     string // what was tried: "confirm payment intent"
	Status    int    // of the HTTP answer, 0 where there was none
	Type      string // Stripe's type of error
	Code      string // Stripe's code
	Message   string
	RequestID string // by which Stripe's log knows the request

	wait     time.Duration
	replayed bool
	intent   *api.PaymentIntent
	param    string
	decline  string
	cause    error // a context's error, where that is why
}

// Error says what was tried and what came back.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("stripe: " + e.Doing)
	if e.Status != 0 {
		fmt.Fprintf(&b, ": %d", e.Status)
	}
	for _, part := range []string{e.Type, e.Code} {
		if part != "" {
			b.WriteString(" " + part)
		}
	}
	b.WriteString(": " + e.Message)
	switch {
	case e.Misconfigured():
		b.WriteString(" (the secret key is wrong or lacks a permission: check stripe.secret_key)")
	case e.Type == string(api.ErrorTypeIdempotency):
		b.WriteString(" (the key was used before with other parameters, and no payment is to be found under it)")
	}
	if e.RequestID != "" {
		b.WriteString(" [" + e.RequestID + "]")
	}
	return b.String()
}

// Unwrap gives the context's error where a request ended by one, or by its own timeout.
func (e *Error) Unwrap() error { return e.cause }

// RetryAfter is how long Stripe wants to be left alone; 0 where it says nothing.
func (e *Error) RetryAfter() time.Duration { return e.wait }

// As makes an error that says how long to wait a [purchasing.ThrottledError].
func (e *Error) As(target any) bool {
	throttled, ok := target.(**purchasing.ThrottledError)
	if !ok || e.wait == 0 {
		return false
	}
	*throttled = &purchasing.ThrottledError{After: e.wait, Err: e}
	return true
}

// Misconfigured reports that Stripe refuses the secret key or what it may do: no repetition helps, an operator must act.
func (e *Error) Misconfigured() bool {
	return e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden
}

// limitedPause is how long to wait after a 429 that does not say so itself.
const limitedPause = time.Second

// messageMax bounds what is kept of a message, which may be a proxy's error page.
const messageMax = 512

// failure makes an Error of what the client library returned, nil of nil.
func (g *Gateway) failure(doing string, err error) *Error {
	if err == nil {
		return nil
	}
	e := &Error{Doing: doing}
	var answer *api.Error
	if !errors.As(err, &answer) {
		e.Message, e.cause = g.mask(err.Error()), contextError(err)
		return e
	}
	e.Status, e.Type, e.Code, e.RequestID = answer.HTTPStatusCode, string(answer.Type), string(answer.Code), answer.RequestID
	e.Message, e.intent, e.param, e.decline = g.mask(answer.Msg), answer.PaymentIntent, answer.Param, string(answer.DeclineCode)
	if e.Status == http.StatusTooManyRequests {
		e.wait = limitedPause
	}
	if r := answer.LastResponse; r != nil {
		e.replayed = r.Header.Get("Idempotent-Replayed") == "true"
		if seconds, err := strconv.Atoi(r.Header.Get("Retry-After")); err == nil && seconds >= 0 {
			e.wait = time.Duration(min(seconds, 3600)) * time.Second
		}
	}
	return e
}

func contextError(err error) error {
	for _, cause := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, cause) {
			return cause
		}
	}
	return nil
}

// mask takes the secrets out of a text, and what is too long.
func (g *Gateway) mask(text string) string {
	for _, secret := range append([]string{g.config.SecretKey}, g.config.WebhookSecrets...) {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "***")
		}
	}
	return text[:min(len(text), messageMax)]
}

// burnt reports that a key has a server's error stored, which every request under it will get.
func (e *Error) burnt() bool { return e.Status >= 500 && e.replayed }

// unknown reports an answer that says nothing of what was done.
func (e *Error) unknown() bool { return e.Status >= 500 }

// used reports that the key was used before with other parameters.
func (e *Error) used() bool {
	return e.Type == string(api.ErrorTypeIdempotency) && e.Status == http.StatusBadRequest
}

// state reports that the intent is not in a state for what was asked.
func (e *Error) state() bool { return e.Code == string(api.ErrorCodePaymentIntentUnexpectedState) }

// refused reports a request that gives the same answer each time it is made: the customer, the card or the amount is
// at fault.
func (e *Error) refused() bool {
	switch e.Status {
	case http.StatusPaymentRequired, http.StatusNotFound:
		return true
	case http.StatusBadRequest:
		return !e.used()
	default:
		return false
	}
}
