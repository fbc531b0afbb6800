package notify

import (
	"fmt"
	"testing"

	"drawdown"
)

func TestWhoIsTold(t *testing.T) {
	profile := func(change func(*drawdown.Profile)) *drawdown.Profile {
		p := &drawdown.Profile{Account: "acme", Email: "a@x", Webhooks: []drawdown.Webhook{{Endpoint: "all"}}}
		change(p)
		return p
	}
	for name, c := range map[string]struct {
		kind   Kind
		mailed bool
		change func(*drawdown.Profile)
		want   []target
	}{
		"the account": {LowBalance, false, func(*drawdown.Profile) {}, []target{{Email, "a@x"}, {Webhook, "all"}}},
		"recipients, each once": {LowBalance, false, func(p *drawdown.Profile) { p.Recipients = []string{"b@x", "A@X", "b@x", "c@x"} },
			[]target{{Email, "a@x"}, {Email, "b@x"}, {Email, "c@x"}, {Webhook, "all"}}},
		"no address":         {LowBalance, false, func(p *drawdown.Profile) { p.Email = "" }, []target{{Webhook, "all"}}},
		"opted out of mail":  {PaymentFailed, false, func(p *drawdown.Profile) { p.OptOuts = []string{"payment_failed"} }, []target{{Webhook, "all"}}},
		"opted out of other": {LowBalance, false, func(p *drawdown.Profile) { p.OptOuts = []string{"resumed"} }, []target{{Email, "a@x"}, {Webhook, "all"}}},
		"mailed otherwise":   {Exhausted, true, func(*drawdown.Profile) {}, []target{{Webhook, "all"}}},
		"endpoints by kind": {LowBalance, false, func(p *drawdown.Profile) {
			p.Webhooks = append(p.Webhooks, drawdown.Webhook{Endpoint: "this", Kinds: []string{"resumed", "low_balance"}},
				drawdown.Webhook{Endpoint: "other", Kinds: []string{"resumed"}}, drawdown.Webhook{Endpoint: "none", Kinds: []string{}},
				drawdown.Webhook{Endpoint: "dead", Disabled: "gone"})
		}, []target{{Email, "a@x"}, {Webhook, "all"}, {Webhook, "this"}}},
		"a dead endpoint is told of by mail": {WebhookDisabled, false, func(*drawdown.Profile) {}, []target{{Email, "a@x"}}},
	} {
		got := targetsOf(&Notice{Kind: c.kind}, profile(c.change), c.mailed)
		expect(t, name, fmt.Sprint(got), fmt.Sprint(c.want))
	}
}
