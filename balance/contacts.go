package balance

import (
	"fmt"
	"slices"

	"drawdown"
)

// webhookOverlap is how long the secret before the present one stays valid.
const webhookOverlap = 24 * drawdown.Hour

// contacts is who is told and who pays, besides what the account's core has. Nothing of it changes a balance. It is a
// field of its own in the store, written only when it changes.
type contacts struct {
	recipients []string
	optOuts    []string
	webhooks   []drawdown.Webhook // in the order in which they were first set
	customer   string             // of the primary payment method
	backup     drawdown.PaymentMethod
}

func (c *contacts) webhook(endpoint string) *drawdown.Webhook {
	for i := range c.webhooks {
		if c.webhooks[i].Endpoint == endpoint {
			return &c.webhooks[i]
		}
	}
	return nil
}

// savePaymentMethod saves a card, which ends a payment failure. A purchase that waits for a retry is retried with it.
func (p *Partition) savePaymentMethod(a *account, o *drawdown.SavePaymentMethod) {
	if o.Backup {
		a.contacts.backup = drawdown.PaymentMethod{Method: o.Method, Customer: o.Customer}
		a.contactsTouched = true
	} else {
		a.paymentMethod = o.Method
		a.contactsTouched = a.contactsTouched || a.contacts.customer != o.Customer
		a.contacts.customer = o.Customer
	}
	a.purchases.failedBy = 0
	if open := a.purchases.open; open != nil && open.ladder.waiting() {
		p.retryPurchase(a, o.Backup)
	}
}

// payer returns a saved payment method, the zero value where there is none.
func (a *account) payer(backup bool) drawdown.PaymentMethod {
	switch {
	case backup:
		return a.contacts.backup
	case a.paymentMethod == "":
		return drawdown.PaymentMethod{}
	default:
		return drawdown.PaymentMethod{Method: a.paymentMethod, Customer: a.contacts.customer}
	}
}

func (a *account) removePaymentMethod(backup bool) {
	if backup {
		a.contacts.backup = drawdown.PaymentMethod{}
		a.contactsTouched = true
		return
	}
	a.paymentMethod = ""
	a.contactsTouched = a.contactsTouched || a.contacts.customer != ""
	a.contacts.customer = ""
}

func (a *account) setContacts(o *drawdown.SetContacts) {
	if o.Email != nil {
		a.email, a.emailVerified = *o.Email, o.EmailVerified
	}
	if o.Recipients != nil {
		a.contacts.recipients = *o.Recipients
		a.contactsTouched = true
	}
	if o.OptOuts != nil {
		a.contacts.optOuts = *o.OptOuts
		a.contactsTouched = true
	}
}

func (a *account) setWebhook(o *drawdown.SetWebhook, now drawdown.Time) {
	a.contactsTouched = true
	w := a.contacts.webhook(o.Endpoint)
	if w == nil {
		a.contacts.webhooks = append(a.contacts.webhooks, drawdown.Webhook{
			Endpoint: o.Endpoint, URL: o.URL, Kinds: o.Kinds, SecretVersion: o.SecretVersion, PreviousUntil: drawdown.NoTime,
		})
		return
	}
	if w.SecretVersion != o.SecretVersion {
		w.PreviousVersion, w.PreviousUntil = w.SecretVersion, now+webhookOverlap
		w.SecretVersion = o.SecretVersion
	}
	w.URL, w.Kinds, w.Disabled = o.URL, o.Kinds, ""
}

func (a *account) removeWebhook(endpoint string) {
	a.contactsTouched = true
	a.contacts.webhooks = slices.DeleteFunc(a.contacts.webhooks, func(w drawdown.Webhook) bool { return w.Endpoint == endpoint })
}

func (p *Partition) disableWebhook(a *account, o *drawdown.DisableWebhook) {
	a.contactsTouched = true
	a.contacts.webhook(o.Endpoint).Disabled = o.Reason
	p.ledger(a, &drawdown.WebhookDisabledNotice{Endpoint: o.Endpoint, Reason: o.Reason})
}

// ContactsField is the name of the stored field that holds the contacts; a profile needs it.
const ContactsField = "p"

func (c *contacts) pack(w *packer) {
	w.version()
	w.texts(c.recipients)
	w.texts(c.optOuts)
	w.text(c.customer)
	w.text(c.backup.Method)
	w.text(c.backup.Customer)
	w.uint(uint64(len(c.webhooks)))
	for i := range c.webhooks {
		h := &c.webhooks[i]
		w.text(h.Endpoint)
		w.text(h.URL)
		w.bool(h.Kinds != nil)
		w.texts(h.Kinds)
		w.uint(uint64(h.SecretVersion))
		w.uint(uint64(h.PreviousVersion))
		w.time(h.PreviousUntil)
		w.text(h.Disabled)
	}
}

func (c *contacts) unpack(packed []byte) error {
	r := unpacker{buf: packed}
	r.version()
	c.recipients, c.optOuts = r.texts(), r.texts()
	c.customer = r.text()
	c.backup = drawdown.PaymentMethod{Method: r.text(), Customer: r.text()}
	for range r.count() {
		h := drawdown.Webhook{Endpoint: r.text(), URL: r.text()}
		some, kinds := r.bool(), r.texts()
		if some {
			h.Kinds = append([]string{}, kinds...) // not nil: none is not all
		}
		h.SecretVersion, h.PreviousVersion = int64(r.uint()), int64(r.uint())
		h.PreviousUntil, h.Disabled = r.time(), r.text()
		c.webhooks = append(c.webhooks, h)
	}
	return r.finish()
}

// ReadProfile returns who is told and who pays of an account as the store has it, and whether there is one. The fields
// besides [ContactsField] may be missing. The partition must have the catalogue; it does not keep the account.
func (p *Partition) ReadProfile(s Stored) (profile drawdown.Profile, exists bool, err error) {
	if s.Mark == (Mark{}) && s.Core == nil {
		return profile, false, nil
	}
	a := newAccount(s.Account)
	if err := a.unpack(s.Core, p.plans); err != nil {
		return profile, false, fmt.Errorf("read the profile of account %s: %w", s.Account, err)
	}
	if err := a.restoreContacts(s.Fields); err != nil {
		return profile, false, fmt.Errorf("read the profile of account %s: %w", s.Account, err)
	}
	return a.profile(), true, nil
}

func (a *account) profile() drawdown.Profile {
	profile := drawdown.Profile{
		Account: a.id, Plan: a.plan, WaitingPlan: a.waitingPlan, Email: a.email, EmailVerified: a.emailVerified,
		Recipients: slices.Clone(a.contacts.recipients), OptOuts: slices.Clone(a.contacts.optOuts),
		Webhooks: slices.Clone(a.contacts.webhooks), Primary: a.payer(false), Backup: a.payer(true),
	}
	if open := a.purchases.open; open != nil {
		profile.OpenPurchase = a.purchaseID(open.n)
	}
	return profile
}

func (a *account) restoreContacts(fields []Field) error {
	for _, f := range fields {
		if f.Name == ContactsField {
			if err := a.contacts.unpack(f.Value); err != nil {
				return fmt.Errorf("contacts: %w", err)
			}
		}
	}
	return nil
}

// Profile returns who is told and who pays of an account in memory, and whether there is one.
func (p *Partition) Profile(account string) (drawdown.Profile, bool) {
	a := p.accounts[account]
	if a == nil {
		return drawdown.Profile{}, false
	}
	return a.profile(), true
}
