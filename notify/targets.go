package notify

import (
	"slices"
	"strings"

	"drawdown"
)

// target is who gets a notice, over which channel.
type target struct {
	channel Channel
	name    string // an e-mail address, or the name of a webhook endpoint
}

// targetsOf lists who gets a notice: by e-mail the account and its further recipients, unless they opted out of the kind;
// by webhook each enabled endpoint that wants the kind.
//
// An address gets notices before it is verified: verification protects the free program from throw-away accounts, while a
// customer whose syncs stop must hear of it. Any kind can be opted out of, receipts and failed payments too: who reads
// them from a webhook needs no mail. Opting out is of mail only; an endpoint names the kinds it wants. That an endpoint
// was disabled is told by mail only: the endpoint concerned is dead, and others have nothing to do with it.
//
// With mailed, another mail says the same.
func targetsOf(n *Notice, profile *drawdown.Profile, mailed bool) []target {
	var all []target
	if !mailed && mails(n.Kind, profile) {
		all = addresses(profile)
	}
	if n.Kind == WebhookDisabled {
		return all
	}
	for i := range profile.Webhooks {
		endpoint := &profile.Webhooks[i]
		if endpoint.Disabled == "" && (endpoint.Kinds == nil || slices.Contains(endpoint.Kinds, string(n.Kind))) {
			all = append(all, target{Webhook, endpoint.Endpoint})
		}
	}
	return all
}

// mails reports whether notices of a kind go by e-mail.
func mails(kind Kind, profile *drawdown.Profile) bool {
	return !slices.Contains(profile.OptOuts, string(kind))
}

// addresses lists each address once, whichever case it is written in.
func addresses(profile *drawdown.Profile) []target {
	var all []target
	for _, address := range append([]string{profile.Email}, profile.Recipients...) {
		same := func(t target) bool { return strings.EqualFold(t.name, address) }
		if address != "" && !slices.ContainsFunc(all, same) {
			all = append(all, target{Email, address})
		}
	}
	return all
}

// webhookOf finds an endpoint, nil where the account has none of that name.
func webhookOf(profile *drawdown.Profile, name string) *drawdown.Webhook {
	for i := range profile.Webhooks {
		if profile.Webhooks[i].Endpoint == name {
			return &profile.Webhooks[i]
		}
	}
	return nil
}
