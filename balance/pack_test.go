package balance

import (
	"bytes"
	"errors"
	"testing"

	"drawdown"
)

// packedAccount is an account with a bit of everything.
func packedAccount() (*account, map[string]*drawdown.Plan) {
	plan := &drawdown.Plan{ID: "plan"}
	other := &drawdown.Plan{ID: "other"}
	limit := drawdown.Money{Cents: drawdown.Total128(1, 2)}
	a := newAccount("acme")
	a.plan, a.waitingPlan, a.email, a.emailVerified = plan, "other", "a@b", true
	a.advanced, a.fellAt, a.enrolled = 5, 4, 3
	a.overdraft = 7
	a.granted, a.missing = drawdown.TotalOfWords(1, 2, 3), drawdown.Total128(0, 9)
	a.status, a.lowArmed, a.subscribedAt, a.subscribedNo = drawdown.Grace, true, 2, 3
	a.paymentMethod = "card"
	a.grants = []grant{{id: "g", category: drawdown.PurchasedGrant, amount: 10, remaining: 4, expiresAt: drawdown.Never, madeAt: 1, bought: true}}
	a.remaining = 4
	a.period = period{anchor: 1, index: 2, serial: 3, from: 4, to: 5, used: drawdown.Total128(0, 6), autoPurchases: 7, usageNotices: 1, cappedTold: true}
	a.purchases = purchases{
		enabled: true, maxAmount: &limit, requested: 3, failedBy: 2, failed: []failedPurchase{{n: 2, amount: limit}},
		open: &openPurchase{
			n: 3, quantity: 5, amount: limit, currency: "USD", requestedAt: 4, period: 3,
			ladder: ladder{attempt: 2, taken: 3, retryAt: 6, backup: true},
		},
		book: purchaseBook{bytes: 17},
	}
	return a, map[string]*drawdown.Plan{"plan": plan, "other": other}
}

func TestPackedAccountIsTheAccount(t *testing.T) {
	a, plans := packedAccount()
	var first packer
	a.pack(&first)
	b := newAccount("acme")
	if err := b.unpack(first.buf, plans); err != nil {
		t.Fatal(err)
	}
	var second packer
	b.pack(&second)
	if !bytes.Equal(first.buf, second.buf) || b.available() != a.available() || b.plan != a.plan || *b.purchases.open != *a.purchases.open {
		t.Fatalf("%+v became %+v", a, b)
	}
}

func TestANewerVersionIsRefused(t *testing.T) {
	a, plans := packedAccount()
	var w packer
	a.pack(&w)
	w.buf[0] = stateVersion + 1
	var version *VersionError
	if err := newAccount("acme").unpack(w.buf, plans); !errors.As(err, &version) || version.Found != stateVersion+1 {
		t.Fatalf("account: %v", err)
	}
	if _, err := unpackConnection("c", w.buf, func(b []byte) string { return string(b) }); !errors.As(err, &version) {
		t.Fatalf("connection: %v", err)
	}
	if _, err := unpackFrozen(0, w.buf); !errors.As(err, &version) {
		t.Fatalf("attempts: %v", err)
	}
}

// TestDamagedStateIsRefused cuts and breaks packed state anywhere: it is refused or read, and never panics.
func TestDamagedStateIsRefused(t *testing.T) {
	a, plans := packedAccount()
	var w packer
	a.pack(&w)
	for cut := range w.buf {
		if err := newAccount("acme").unpack(w.buf[:cut], plans); err == nil {
			t.Fatalf("the first %d bytes were taken for the whole", cut)
		}
		broken := bytes.Clone(w.buf)
		broken[cut] ^= 0xFF
		_ = newAccount("acme").unpack(broken, plans)
	}
	if err := newAccount("acme").unpack(append(bytes.Clone(w.buf), 0), plans); err == nil {
		t.Fatal("bytes left over were ignored")
	}
}

// TestRestoreComparesTheBalance: a plain balance that the packed state does not have is not believed.
func TestRestoreComparesTheBalance(t *testing.T) {
	a, plans := packedAccount()
	var w packer
	a.pack(&w)
	p := NewPartition(0)
	p.plans = plans
	if _, err := p.Restore(Stored{Account: "acme", Mark: Mark{Version: 1, Balance: a.available()}, Core: w.buf}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Restore(Stored{Account: "acme", Mark: Mark{Version: 1, Balance: a.available() + 1}, Core: w.buf}); !errors.Is(err, errDamaged) {
		t.Fatalf("%v", err)
	}
}
