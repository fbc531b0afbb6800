package balance

import (
	"errors"
	"reflect"
	"testing"

	"drawdown"
)

// storedContacts is the profile of an account that was changed, and what a commit stores of it.
func storedContacts(t *testing.T, change func(p *Partition, a *account)) (drawdown.Profile, Stored, *Partition) {
	t.Helper()
	p := NewPartition(0)
	p.plans["plan"] = &drawdown.Plan{ID: "plan"}
	p.out = discard{}
	a := newAccount("acme")
	a.plan, a.email, a.advanced = p.plans["plan"], "owner@acme.example", 1
	a.period = period{anchor: 1, from: 1, to: 2}
	p.accounts["acme"] = a
	change(p, a)
	p.touch(a)
	profile := a.profile()
	taken := p.Take(Epoch{}, 1).Accounts[0]
	return profile, Stored{Account: "acme", Mark: taken.After, Core: taken.Core, Fields: taken.Fields}, p
}

type discard struct{}

func (discard) Charge(*drawdown.Charge)       {}
func (discard) Ledger(drawdown.Entry)         {}
func (discard) Rejected(*drawdown.Rejected)   {}
func (discard) Duplicate(*drawdown.Duplicate) {}

func TestAProfileSurvivesTheStore(t *testing.T) {
	recipients, optOuts, email := []string{"cfo@acme.example"}, []string{"low_balance"}, "new@acme.example"
	before, stored, p := storedContacts(t, func(p *Partition, a *account) {
		a.setContacts(&drawdown.SetContacts{Email: &email, EmailVerified: true, Recipients: &recipients, OptOuts: &optOuts})
		a.setWebhook(&drawdown.SetWebhook{Endpoint: "all", URL: "https://acme.example/a", SecretVersion: 1}, 10)
		a.setWebhook(&drawdown.SetWebhook{Endpoint: "none", URL: "https://acme.example/n", Kinds: []string{}, SecretVersion: 1}, 10)
		a.setWebhook(&drawdown.SetWebhook{Endpoint: "all", URL: "https://acme.example/b", SecretVersion: 2}, 20)
		p.disableWebhook(a, &drawdown.DisableWebhook{Endpoint: "none", Reason: "gone"})
		p.savePaymentMethod(a, &drawdown.SavePaymentMethod{Method: "pm_1", Kind: "card", Customer: "cus_1"})
		p.savePaymentMethod(a, &drawdown.SavePaymentMethod{Method: "pm_2", Kind: "card", Customer: "cus_2", Backup: true})
	})
	want := drawdown.Profile{
		Account: "acme", Plan: p.plans["plan"], Email: email, EmailVerified: true, Recipients: recipients, OptOuts: optOuts,
		Webhooks: []drawdown.Webhook{
			{Endpoint: "all", URL: "https://acme.example/b", SecretVersion: 2, PreviousVersion: 1, PreviousUntil: 20 + 24*drawdown.Hour},
			{Endpoint: "none", URL: "https://acme.example/n", Kinds: []string{}, SecretVersion: 1, PreviousUntil: drawdown.NoTime, Disabled: "gone"},
		},
		Primary: drawdown.PaymentMethod{Method: "pm_1", Customer: "cus_1"},
		Backup:  drawdown.PaymentMethod{Method: "pm_2", Customer: "cus_2"},
	}
	if !reflect.DeepEqual(before, want) {
		t.Fatalf("before:\n%+v\nwant:\n%+v", before, want)
	}
	again := NewPartition(0)
	again.plans = p.plans
	if after, exists, err := again.ReadProfile(stored); err != nil || !exists || !reflect.DeepEqual(after, want) {
		t.Fatalf("after: %v\n%+v\nwant:\n%+v", err, after, want)
	}
	if _, exists, err := again.ReadProfile(Stored{Account: "nobody"}); exists || err != nil {
		t.Fatalf("an account that is not there: %v, %v", exists, err)
	}
	for cut := range stored.Fields[0].Value {
		damaged := stored
		damaged.Fields = []Field{{Name: ContactsField, Value: stored.Fields[0].Value[:cut]}}
		if _, _, err := again.ReadProfile(damaged); err == nil {
			t.Fatalf("the first %d bytes of the contacts were taken for the whole", cut)
		}
	}
}

func TestContactsAreWrittenWhenTheyChange(t *testing.T) {
	_, stored, p := storedContacts(t, func(*Partition, *account) {})
	if len(stored.Fields) != 0 {
		t.Fatalf("an account without contacts stores %v", stored.Fields)
	}
	p.touch(p.accounts["acme"])
	p.accounts["acme"].removeWebhook("none")
	if fields := p.Take(Epoch{}, 2).Accounts[0].Fields; len(fields) != 1 || fields[0].Name != ContactsField {
		t.Fatalf("a change stored %v", fields)
	}
	p.touch(p.accounts["acme"])
	if fields := p.Take(Epoch{}, 3).Accounts[0].Fields; len(fields) != 0 {
		t.Fatalf("no change stored %v", fields)
	}
}

func TestTheSecretBeforeStaysValidForADay(t *testing.T) {
	a := newAccount("acme")
	set := func(version int64, now drawdown.Time) drawdown.Webhook {
		a.setWebhook(&drawdown.SetWebhook{Endpoint: "e", URL: "u", SecretVersion: version}, now)
		return *a.contacts.webhook("e")
	}
	set(1, 0)
	set(2, 100)
	if w := set(2, 200); w.PreviousVersion != 1 || w.PreviousUntil != 100+24*drawdown.Hour {
		t.Fatalf("setting the same version again changed the one before: %+v", w)
	}
	if w := set(1, 300); w.SecretVersion != 1 || w.PreviousVersion != 2 || w.PreviousUntil != 300+24*drawdown.Hour {
		t.Fatalf("going back: %+v", w)
	}
}

func TestTheBookOfPurchasesIsReadBack(t *testing.T) {
	a := newAccount("acme")
	a.bookSettled("one", 100)
	a.bookSettled("two", 1<<56)
	a.bookGone("one", 30)
	a.bookGone("one", 20)
	restored := purchaseBook{bytes: a.purchases.book.bytes}
	if !restored.restore(a.bookAdded) || !reflect.DeepEqual(restored, a.purchases.book) {
		t.Fatalf("%+v became %+v", a.purchases.book, restored)
	}
	if line, settled := restored.line("one"); !settled || line != (bookLine{bought: 100, gone: 50}) {
		t.Fatalf("one: %+v, %v", line, settled)
	}
	for cut := range a.bookAdded {
		if b := (purchaseBook{bytes: a.purchases.book.bytes}); b.restore(a.bookAdded[:cut]) {
			t.Fatalf("the first %d bytes were taken for the whole", cut)
		}
	}
	twice := append(append([]byte{}, a.bookAdded...), a.bookAdded...)
	if b := (purchaseBook{bytes: len(twice)}); b.restore(twice) {
		t.Fatal("a purchase that settled twice was taken")
	}
}

func TestAnEarlierVersionIsRefusedWithTheWayOut(t *testing.T) {
	a, plans := packedAccount()
	var w packer
	a.pack(&w)
	w.buf[0] = 1
	var version *VersionError
	if err := newAccount("acme").unpack(w.buf, plans); !errors.As(err, &version) || version.Found != 1 {
		t.Fatalf("version 1: %v", err)
	}
}
