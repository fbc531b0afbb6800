package reference

import "slices"

// Limits of section 9.
const (
	recipientsMax    = 20
	kindsMax         = 32 // of notices, in opt_outs and in an endpoint's kinds
	urlMax           = 512
	secretVersionMax = 1_000_000
	endpointsMax     = 16
)

type (
	contactsData struct {
		email         *string
		emailVerified bool
	}
	// webhookData is an endpoint; where its notices go and how they are signed has no effect on any output.
	webhookData         struct{ endpoint string }
	webhookRemovedData  struct{ endpoint string }
	webhookDisabledData struct{ endpoint, reason string }
)

func decodeContacts(f fields) any {
	f.distinctTexts("recipients", recipientsMax)
	f.distinctTexts("opt_outs", kindsMax)
	return contactsData{email: f.optionalText("email", nameMax), emailVerified: f.optionalBoolean("email_verified")}
}

func decodeWebhook(f fields) any {
	f.text("url", urlMax)
	f.distinctTexts("kinds", kindsMax)
	f.optionalInteger("secret_version", 1, secretVersionMax, 1)
	return webhookData{endpoint: f.text("endpoint", nameMax)}
}

func decodeWebhookRemoved(f fields) any {
	return webhookRemovedData{endpoint: f.text("endpoint", nameMax)}
}

func decodeWebhookDisabled(f fields) any {
	return webhookDisabledData{endpoint: f.text("endpoint", nameMax), reason: f.text("reason", nameMax)}
}

// setContacts shows in one thing only: whether the account's e-mail is verified, which enrolment asks.
func (a *account) setContacts(data contactsData) (reason string) {
	if data.email != nil {
		a.emailVerified = data.emailVerified
	}
	return ""
}

func (a *account) setWebhook(data webhookData) (reason string) {
	if slices.Contains(a.endpoints, data.endpoint) {
		return ""
	}
	if len(a.endpoints) == endpointsMax {
		return "too_many_endpoints"
	}
	a.endpoints = append(a.endpoints, data.endpoint)
	return ""
}

func (a *account) removeWebhook(data webhookRemovedData) (reason string) {
	at := slices.Index(a.endpoints, data.endpoint)
	if at < 0 {
		return "unknown_endpoint"
	}
	a.endpoints = slices.Delete(a.endpoints, at, at+1)
	return ""
}

// disableWebhook gives its notice each time, also for an endpoint that is disabled already.
func (e *Engine) disableWebhook(a *account, data webhookDisabledData) (reason string) {
	if !slices.Contains(a.endpoints, data.endpoint) {
		return "unknown_endpoint"
	}
	e.notice(a, *e.now, "webhook_disabled", Line{"endpoint": data.endpoint, "reason": data.reason})
	return ""
}
