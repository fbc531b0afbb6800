package decode

import "drawdown"

// Limits of lists and numbers (contract, section 9).
const (
	maxRecipients    = 20
	maxKinds         = 32
	maxSecretVersion = 1_000_000
)

func readRefund(m members) *drawdown.RefundPurchase {
	refund := &drawdown.RefundPurchase{
		Purchase: m.reference("purchase"), Quantity: m.credits("quantity"), Reason: m.name("reason"),
	}
	m.require(refund.Quantity > 0)
	return refund
}

func readContacts(m members) *drawdown.SetContacts {
	contacts := &drawdown.SetContacts{
		EmailVerified: m.optionalBoolean("email_verified"),
		Recipients:    m.optionalNames("recipients", maxRecipients),
		OptOuts:       m.optionalNames("opt_outs", maxKinds),
	}
	if m.has("email") {
		email := m.name("email")
		contacts.Email = &email
	}
	return contacts
}

func readWebhook(m members) *drawdown.SetWebhook {
	webhook := &drawdown.SetWebhook{
		Endpoint: m.name("endpoint"), URL: m.sized("url", drawdown.MaxURLLen),
		SecretVersion: m.optionalInteger("secret_version", 1, maxSecretVersion, 1),
	}
	if kinds := m.optionalNames("kinds", maxKinds); kinds != nil {
		webhook.Kinds = *kinds
	}
	return webhook
}

// optionalNames reads a list of at most limit strings, none twice; nil where it is absent.
func (m members) optionalNames(name string, limit int) *[]string {
	if !m.has(name) {
		return nil
	}
	items := m.list(name)
	m.require(len(items) <= limit)
	names := make([]string, 0, len(items))
	seen := map[string]bool{}
	for _, item := range items {
		if item.kind != text || len(item.text) < 1 || len(item.text) > drawdown.MaxNameLen || seen[string(item.text)] {
			m.fail()
			return nil
		}
		seen[string(item.text)] = true
		names = append(names, string(item.text))
	}
	return &names
}
